"""What must have become of calls in the end, as the logs and the subscribers tell it."""

from collections.abc import Iterable
from typing import Any, Final

import orjson

from carewire_testing import eventually
from carewire_testing_dispatcher.receiver import Received, Receiver
from carewire_testing_e2e.care_flows import instant_definition, webhook_of
from carewire_testing_e2e.house import FINAL, House, maybe

RECOVERED_WITHIN_S: Final = 60.0
"""A bound on every recovery: restarts with back-off, sessions that must end, a busy machine."""


async def opened(house: House) -> Any:
    """A webhook whose care flows are complete at once."""
    definition = instant_definition()
    await house.publish(definition)
    return await house.open_webhook(webhook_of(definition))


async def ended(house: House, request_id: str) -> Any:
    """A request's details once it has ended, however long its log is away."""

    async def outcome() -> Any:
        found = await maybe(house.ingress.get(f"/v1/requests/{request_id}"))
        return found if found is not None and found["status"] in FINAL else None

    return await eventually(outcome, RECOVERED_WITHIN_S, pause=0.1)


async def logged_in_full(house: House, request_id: str, end: str) -> Any:
    """A request's details once the log tells of its whole way to this end, and of nothing else.

    It may tell of the end a moment before the beginning: each is told by a producer of its own.
    """

    async def complete() -> Any:
        found = await ended(house, request_id)
        assert [reached["status"] for reached in found["statuses"]] == ["SCHEDULED", "PROCESSING", end]
        return found

    return await eventually(complete, RECOVERED_WITHIN_S, pause=0.1)


async def all_succeed(house: House, request_ids: Iterable[str]) -> set[str]:
    """See that each accepted call was done once, with a complete log; returns their care flows."""
    care_flows: set[str] = set()
    wanted = list(request_ids)
    for request_id in wanted:
        request = await logged_in_full(house, request_id, "SUCCESS")
        care_flows.add(request["care_flow_id"])
        assert await care_flows_of(house, request["patient_id"]) == [request["care_flow_id"]]
    assert len(care_flows) == len(wanted)
    return care_flows


async def care_flows_of(house: House, patient_id: str) -> list[str]:
    """The ids of a patient's care flows, though the orchestrator may be starting anew: a dead producer ends it."""
    query = {"patient_id": patient_id}
    page = await eventually(
        lambda: maybe(house.orchestrator.get("/v1/care-flows", params=query)), RECOVERED_WITHIN_S, pause=0.1
    )
    return [one["id"] for one in page["items"]]


def care_flow_of(received: Received) -> str:
    """The care flow that a delivery is about."""
    return str(orjson.loads(received.body)["pathway"]["id"])


async def all_delivered(house: House, receiver: Receiver, endpoint: Any, path: str, care_flows: set[str]) -> None:
    """See that a subscriber was told of each care flow, each time in the same bytes, and that the log says so."""

    def told() -> bool:
        assert care_flows <= set(map(care_flow_of, receiver.at(path)))
        return True

    await eventually(told, RECOVERED_WITHIN_S)
    copies = {(care_flow_of(received), received.webhook_id, received.body) for received in receiver.at(path)}
    assert len(copies) == len({care_flow for care_flow, _, _ in copies})

    async def logged() -> bool:
        statuses = await statuses_of_deliveries(house, endpoint)
        return len(statuses) >= len(care_flows) and set(statuses) == {"delivered"}

    await eventually(logged, RECOVERED_WITHIN_S, pause=0.1)


async def statuses_of_deliveries(house: House, endpoint: Any) -> list[str]:
    """All that the log says about an endpoint's deliveries; nothing while it does not answer."""
    statuses: list[str] = []
    query = {"endpoint_id": endpoint["id"], "limit": 200}
    while True:
        page = await maybe(house.dispatcher.get("/v1/deliveries", params=query))
        if page is None:
            return []
        statuses += [one["status"] for one in page["items"]]
        if page["next_cursor"] is None:
            return statuses
        query["cursor"] = page["next_cursor"]
