"""A hot endpoint whose number of shards changes while deliveries are on their way to it."""

from carewire_testing import eventually
from carewire_testing_dispatcher.receiver import Received, Receiver, Reply
from carewire_testing_dispatcher.service import Client

COUNT = 60
TYPE = "activity.updated"


async def test_every_delivery_arrives_once_while_shards_come_and_go(dispatcher: Client, hooks: Receiver) -> None:
    refused: set[str] = set()
    sent: set[str] = set()

    def refuse_some_once(received: Received) -> Reply:
        # A quarter: too few for breakers to open.
        if received.webhook_id[-1] not in "048c" or received.webhook_id in refused:
            return Reply(200)
        refused.add(received.webhook_id)
        return Reply(429, {"Retry-After": "2"})

    def all_were_called() -> bool:
        return {call.webhook_id for call in hooks.at("/hot")} == sent

    url = hooks.url("/hot", refuse_some_once)
    endpoint = await dispatcher.create_endpoint(url, event_types=[TYPE], shards=4, concurrency=8)
    for shards in (2, 6, 1):
        sent.update([(await dispatcher.publish(TYPE))[0] for _ in range(COUNT // 3)])
        await eventually(all_were_called, timeout=30)
        answer = await dispatcher.http.patch(f"/v1/endpoints/{endpoint['id']}", json={"shards": shards})
        assert answer.json()["shards"] == shards

    async def all_delivered() -> bool:
        found = await dispatcher.deliveries(endpoint_id=endpoint["id"], status="delivered", limit="200")
        return {delivery["event_id"] for delivery in found} == sent

    await eventually(all_delivered, timeout=60)
    answered = [call.webhook_id for call in hooks.at("/hot")]
    assert sorted(answered) == sorted([*sent, *refused]), "refused once at most, delivered once"
