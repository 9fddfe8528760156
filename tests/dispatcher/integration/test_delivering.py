from typing import Any

from carewire_testing import eventually
from carewire_testing_dispatcher.receiver import Receiver
from carewire_testing_dispatcher.service import Client

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def test_an_event_arrives_signed_with_the_very_bytes_of_the_topic(dispatcher: Client, hooks: Receiver) -> None:
    endpoint = await dispatcher.create_endpoint(hooks.url("/signed"), headers={"X-Team": "beta"})
    await _effective(dispatcher, endpoint)
    event_id, body = await dispatcher.publish(traceparent=TRACE)
    await eventually(lambda: hooks.at("/signed"))
    [received] = hooks.at("/signed")
    received.verify(endpoint["secret"])
    assert received.body == body
    assert received.webhook_id == event_id
    assert received.headers["x-team"] == "beta"
    assert received.headers["content-type"] == "application/json"
    assert received.headers["traceparent"].split("-")[1] == TRACE.split("-")[1]


async def _effective(client: Client, endpoint: dict[str, Any]) -> None:
    """Wait a moment: a change is effective within a second of the API's answer."""
    import asyncio

    await asyncio.sleep(1)
