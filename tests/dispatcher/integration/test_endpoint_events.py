"""Who operates the endpoints hears that one is disabled, by an endpoint like any other; the one concerned doesn't."""

import orjson

from carewire_testing import eventually
from carewire_testing_dispatcher.receiver import Receiver, Reply
from carewire_testing_dispatcher.service import Client

DISABLED = "endpoint.disabled"


async def test_an_endpoint_that_answers_410_is_disabled_and_an_operations_endpoint_hears_of_it(
    dispatcher: Client, hooks: Receiver
) -> None:
    operations = await dispatcher.create_endpoint(hooks.url("/operations"), event_types=[DISABLED])
    gone = await dispatcher.create_endpoint(
        hooks.url("/gone", lambda _: Reply(410)), event_types=["clinical_note.created", DISABLED]
    )
    await dispatcher.publish("clinical_note.created")

    async def disabled() -> bool:
        shown = (await dispatcher.http.get(f"/v1/endpoints/{gone['id']}")).json()
        return (shown["enabled"], shown["disabled_because"]) == (False, "gone")

    await eventually(disabled, timeout=20)
    await eventually(lambda: hooks.at("/operations"), timeout=20)
    [told] = hooks.at("/operations")
    told.verify(operations["secret"])
    event = orjson.loads(told.body)
    assert (event["event_type"], event["endpoint_id"], event["reason"]) == (DISABLED, gone["id"], "gone")
    health = (await dispatcher.http.get(f"/v1/endpoints/{gone['id']}/health")).json()
    assert (health["last_hour"]["attempts"], health["last_hour"]["delivered"]) == (1, 0)
    assert health["undelivered"]["failed"]["count"] == 1
    # Once enabled again it is called again, so nothing about itself was on its way to it meanwhile.
    await dispatcher.http.post(f"/v1/endpoints/{gone['id']}/enable")
    await dispatcher.publish("clinical_note.created")
    await eventually(lambda: len(hooks.at("/gone")) >= 2, timeout=20)
    assert {orjson.loads(call.body)["event_type"] for call in hooks.at("/gone")} == {"clinical_note.created"}
