"""What third parties notice when Postgres or Kafka is away: nothing, or an honest 503."""

import asyncio
from typing import Any

from carewire_contracts.requests import AcceptedRequest
from carewire_contracts.topics import Topics
from carewire_ingress import app
from carewire_ingress.app import RECEIVER
from carewire_ingress.settings import IngressSettings
from carewire_local.stack import Stack
from carewire_testing.waiting import eventually
from carewire_testing_ingress.running import RunningIngress, publish_catalogue, records_of, running, settings_for
from carewire_testing_ingress.samples import DEFINITION_ID, PATHS, PAYLOAD, definition, identifier_system, release
from carewire_testing_runtime.log import logged


async def prepared(stack: Stack) -> IngressSettings:
    settings = settings_for(stack.kafka_bootstrap, stack.postgres_dsn, "outage.")
    await app.setup(settings)
    await publish_catalogue(settings, definition(release()), identifier_system())
    return settings


async def live_webhook(ingress: RunningIngress) -> dict[str, Any]:
    created = await ingress.create(name="Surgeries", definition_id=DEFINITION_ID, mapping=PATHS)
    await ingress.enable(created)
    await ingress.called(created, PAYLOAD, 202)
    return created


async def test_without_postgres_ingress_starts_and_accepts(own_stack: Stack) -> None:
    assert own_stack.postgres is not None
    settings = await prepared(own_stack)
    async with running(settings) as ingress:
        webhook = await live_webhook(ingress)
    await asyncio.to_thread(own_stack.postgres.stop)
    async with running(settings, [RECEIVER]) as ingress:
        answer = await ingress.call(webhook, PAYLOAD)
        assert answer.status_code == 202
        managed = await ingress.admin.get("/v1/incoming-webhooks")
        assert managed.status_code == 503
        assert managed.headers["retry-after"]
    await asyncio.to_thread(own_stack.postgres.start)
    async with running(settings) as ingress:
        details = await ingress.logged(answer.json()["request_id"], "SCHEDULED")
        assert details["payload"] == PAYLOAD


async def test_without_kafka_calls_are_turned_away_and_what_was_accepted_is_there(own_stack: Stack) -> None:
    assert own_stack.kafka is not None
    settings = await prepared(own_stack)
    async with running(settings, [RECEIVER]) as ingress:
        webhook = await live_webhook(ingress)
        before = (await ingress.call(webhook, PAYLOAD)).json()["request_id"]
        await asyncio.to_thread(own_stack.kafka.kill)
        refused = await asyncio.gather(*(ingress.call(webhook, PAYLOAD, timeout=10) for _ in range(5)))
        assert {answer.status_code for answer in refused} == {503}
        assert {answer.headers["retry-after"] for answer in refused} == {"2"}
        with logged() as lines:
            assert (await ingress.call(webhook, PAYLOAD, timeout=10)).status_code == 503
        assert lines.of("call_answered"), "what is logged is seen here"
        assert not lines.of("not_acknowledged"), "turned away at the door: Kafka is not asked for another one"
        assert (await ingress.anyone.get("/readyz")).status_code == 503
        await asyncio.to_thread(own_stack.kafka.start)

        async def accepted_again() -> str:
            answer = await ingress.call(webhook, PAYLOAD, timeout=10)
            assert answer.status_code == 202
            request_id: str = answer.json()["request_id"]
            return request_id

        after = await eventually(accepted_again, timeout=30)
        records = await records_of(settings, Topics(settings.topic_prefix, settings.partitions).requests)
        found = {AcceptedRequest.decode(record.value or b"").request_id for record in records}
        assert {before, after} <= found
