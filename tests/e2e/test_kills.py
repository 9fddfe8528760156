"""Services killed by kill -9 in the middle of their work: nothing is lost, and no care flow starts twice."""

import asyncio
import secrets
from collections import defaultdict
from typing import Any

import orjson
import pytest

from carewire_testing import eventually
from carewire_testing_dispatcher.receiver import Received, Receiver
from carewire_testing_e2e.care_flows import instant_definition, payload_of, webhook_of
from carewire_testing_e2e.house import FINAL, House, maybe, ok
from carewire_testing_e2e.killing import killed

CALLS = 120
KILLS = 3
RECOVERED_WITHIN_S = 60.0
"""A killed member holds its partitions until its session of 10 s ends, at each kill."""


async def accepted_in_the_end(house: House, webhook: Any) -> str:
    """Call like any sender does: the same call with the same key, until it is accepted. Returns the request id."""
    payload, headers = payload_of(secrets.token_hex(6)), {"idempotency-key": secrets.token_hex(8)}
    answer = await eventually(
        lambda: maybe(house.ingress.post(webhook["url"], json=payload, headers=headers)), RECOVERED_WITHIN_S
    )
    return str(answer["request_id"])


async def ended(house: House, request_id: str) -> Any:
    async def outcome() -> Any:
        found = await maybe(house.ingress.get(f"/v1/requests/{request_id}"))
        return found if found is not None and found["status"] in FINAL else None

    return await eventually(outcome, RECOVERED_WITHIN_S)


def care_flow_of(received: Received) -> str:
    return str(orjson.loads(received.body)["pathway"]["id"])


@pytest.mark.parametrize("victim", ["orchestrator", "dispatcher", "ingress"])
async def test_every_accepted_call_ends_in_one_care_flow_and_one_delivery(
    house: House, receiver: Receiver, victim: str
) -> None:
    definition = instant_definition()
    await house.publish(definition)
    webhook = await house.open_webhook(webhook_of(definition))
    path = f"/{victim}"
    endpoint = await house.subscribe(receiver.url(path), "pathway.completed")

    accepted = []
    for number in range(CALLS):
        accepted.append(await accepted_in_the_end(house, webhook))
        if number % (CALLS // KILLS) == CALLS // KILLS // 2:
            await killed(house.platform.supervisor[victim])
    # What it is asked below comes by HTTP, which may be back later than its consumers.
    await asyncio.to_thread(house.platform.supervisor.wait_ready)

    requests = [await ended(house, request_id) for request_id in accepted]
    assert {request["status"] for request in requests} == {"SUCCESS"}
    care_flows = {request["care_flow_id"] for request in requests}
    assert len(care_flows) == CALLS
    for request in requests:
        assert [one["id"] for one in await house.care_flows_of(request["patient_id"])] == [request["care_flow_id"]]

    await eventually(lambda: care_flows <= set(map(care_flow_of, receiver.at(path))), RECOVERED_WITHIN_S)
    copies = defaultdict[str, set[tuple[str, bytes]]](set)
    for received in receiver.at(path):
        received.verify(endpoint["secret"])
        copies[care_flow_of(received)].add((received.webhook_id, received.body))
    assert {len(copies[care_flow_id]) for care_flow_id in care_flows} == {1}

    async def all_logged() -> bool:
        page = await ok(house.dispatcher.get("/v1/deliveries", params={"endpoint_id": endpoint["id"], "limit": 200}))
        return [one["status"] for one in page["items"]] == ["delivered"] * CALLS

    await eventually(all_logged, RECOVERED_WITHIN_S)
