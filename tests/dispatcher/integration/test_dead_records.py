"""Records that could not be processed are told of without their content, and go back to where they came from."""

from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from carewire_dispatcher.settings import DispatcherSettings
from carewire_runtime.kafka.producer import Producer
from carewire_testing import eventually
from carewire_testing_dispatcher.service import Client

NO_EVENT = "not_a_cloudevent"


async def publish_poison(settings: DispatcherSettings, client: Client, count: int) -> None:
    """Publish records that are no events."""
    producer = Producer(settings.kafka_bootstrap, "poison")
    await producer.start()
    try:
        for number in range(count):
            headers = [("canary", b"canary-header")]
            key, value = f"canary-{number}".encode(), b"canary-value"
            await producer.send(client.topics.events.name, key=key, value=value, headers=headers)
    finally:
        await producer.stop()


async def listed(client: Client, **params: Any) -> list[dict[str, Any]]:
    """List all dead records, by pages of two."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await client.http.get("/v1/dead-records", params={"limit": 2} | params | cursor)
        assert answer.status_code == 200, answer.text
        assert "canary" not in answer.text
        page = answer.json()
        assert len(page["items"]) <= 2
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


async def ends(settings: DispatcherSettings, client: Client) -> int:
    """How many records were ever appended to the events' topic."""
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka_bootstrap)
    await consumer.start()
    try:
        topic = client.topics.events
        found = await consumer.end_offsets([TopicPartition(topic.name, n) for n in range(topic.partitions)])
        return sum(found.values())
    finally:
        await consumer.stop()


async def test_what_was_set_aside_is_listed_and_sent_back_once(
    settings: DispatcherSettings, dispatcher: Client
) -> None:
    await publish_poison(settings, dispatcher, 5)

    async def are_set_aside() -> bool:
        return len(await listed(dispatcher, reason=NO_EVENT)) == 5

    await eventually(are_set_aside, timeout=20)
    dead = await listed(dispatcher, reason=NO_EVENT)
    assert {one["topic"] for one in dead} == {dispatcher.topics.events.name}
    assert {one["redriven_at"] for one in dead} == {None}
    assert await listed(dispatcher, reason="another") == []
    before = await ends(settings, dispatcher)

    one = await dispatcher.http.post(f"/v1/dead-records/{dead[0]['id']}/redrive", timeout=15)
    assert (one.status_code, one.json()["redriven_at"] is not None) == (200, True), one.text
    assert await ends(settings, dispatcher) == before + 1

    async def came_again() -> bool:
        return len(await listed(dispatcher, reason=NO_EVENT)) == 6

    await eventually(came_again, timeout=20)
    # What is no event does not become one: each comes again, so a second call would find them anew.
    body = {"reason": NO_EVENT, "limit": 200}
    answer = (await dispatcher.http.post("/v1/dead-records/redrive", json=body, timeout=15)).json()
    assert answer["count"] >= 5, "all but the one that was sent back before"
    assert answer["next_cursor"] is None
    audit = (await dispatcher.http.get("/v1/audit", params={"action": "dead_record.redrive"})).json()["items"]
    assert {one["id"] for one in dead} <= {one["subject_id"] for one in audit}


async def test_what_is_no_dead_record_is_not_found(dispatcher: Client) -> None:
    for place in ("0-999999", "99-0"):
        answer = await dispatcher.http.post(f"/v1/dead-records/{place}/redrive", timeout=15)
        assert answer.status_code == 404, answer.text
    answer = await dispatcher.http.post("/v1/dead-records/canary/redrive")
    assert answer.status_code == 422
    assert "canary" not in answer.text
