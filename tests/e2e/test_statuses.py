"""The six statuses of a request: each is reached, and shown by the API with what led to it."""

import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from carewire_testing import eventually
from carewire_testing_e2e.care_flows import instant_definition, payload_of, webhook_of
from carewire_testing_e2e.house import SETTLED_WITHIN_S, House, ok
from carewire_testing_e2e.outcomes import logged_in_full, opened

pytestmark = pytest.mark.timed

SHOWN_WITHIN_S = 1.0
TRIES = 3
"""The promise is of the system, and not of a machine that is busy with something else just then."""


async def called(house: House, url: str, status_code: int, **how: Any) -> Any:
    answer = await house.ingress.post(url, **({"json": payload_of(secrets.token_hex(8))} | how))
    assert answer.status_code == status_code, answer.text
    return answer.json()


async def shown(house: House, request_id: str, status: str, within_s: float = SETTLED_WITHIN_S) -> Any:
    """A request's details as soon as it has a status."""

    async def details() -> Any:
        answer = await house.ingress.get(f"/v1/requests/{request_id}")
        return answer.json() if answer.is_success and answer.json()["status"] == status else None

    return await eventually(details, within_s)


def statuses_of(request: Any) -> list[str]:
    return [reached["status"] for reached in request["statuses"]]


@asynccontextmanager
async def nothing_can_start(house: House) -> AsyncIterator[None]:
    """Hold the orchestrator at work on whatever batch it takes."""
    connection = await asyncpg.connect(house.platform.env["CAREWIRE_POSTGRES_DSN"])
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE orchestrator.start IN ACCESS EXCLUSIVE MODE")
            yield
    finally:
        await connection.close()


async def test_a_happy_request_is_scheduled_then_processing_then_a_success_and_nothing_else(house: House) -> None:
    webhook = await opened(house)
    orchestrator = house.platform.supervisor["orchestrator"]

    orchestrator.pause()
    try:
        request_id = (await called(house, webhook["url"], 202))["request_id"]
        request = await shown(house, request_id, "SCHEDULED")
        assert statuses_of(request) == ["SCHEDULED"]
        async with nothing_can_start(house):
            orchestrator.resume()
            request = await shown(house, request_id, "PROCESSING")
            assert statuses_of(request) == ["SCHEDULED", "PROCESSING"]
            assert request["care_flow_id"] is None
    finally:
        orchestrator.resume()

    request = await logged_in_full(house, request_id, "SUCCESS")
    moments = [reached["at"] for reached in request["statuses"]]
    assert moments == sorted(moments)
    care_flow = await house.care_flow(request["care_flow_id"])
    assert care_flow["patient_id"] == request["patient_id"]
    assert (request["reasons"], request["failure_reason"], request["duplicate_of"]) == ([], None, None)


async def test_a_key_that_comes_with_another_body_makes_a_request_fail_with_its_reason(house: House) -> None:
    webhook = await opened(house)
    key = {"idempotency-key": secrets.token_hex(8)}
    first = await called(house, webhook["url"], 202, headers=key)
    await shown(house, first["request_id"], "SUCCESS")
    second = await called(house, webhook["url"], 202, headers=key)
    request = await logged_in_full(house, second["request_id"], "FAILED")
    assert request["failure_reason"] == "idempotency_key_reused"
    assert request["failure_message"]
    assert request["care_flow_id"] is None


async def test_a_refused_call_is_rejected_with_the_reasons_that_its_caller_was_told(house: House) -> None:
    webhook = await opened(house)
    payload = {"patient_identifier": {"system": "https://nobody.example", "value": "1"}}
    told = await called(house, webhook["url"], 422, json=payload)
    request = await shown(house, told["request_id"], "REJECTED")
    assert statuses_of(request) == ["REJECTED"]
    assert request["reasons"] == told["reasons"]
    assert [reason["code"] for reason in request["reasons"]] == ["unknown_identifier_system"]


async def test_a_test_shows_its_would_be_reasons_within_a_second_of_the_call(house: House) -> None:
    definition = instant_definition()
    definition["data_points"] = [{"id": "weight", "key": "weight", "title": "Weight", "value_type": "number"}]
    await house.publish(definition)
    mapped = webhook_of(definition, mapping={"weight": "$.weight"})
    webhook = await eventually(lambda: _created(house, mapped), SETTLED_WITHIN_S)
    took = []
    for _ in range(TRIES):
        began = time.monotonic()
        told = await eventually(lambda: called(house, webhook["test_url"], 200, json={"weight": "heavy"}))
        request = await shown(house, told["request_id"], "TEST")
        took.append(time.monotonic() - began)
        assert statuses_of(request) == ["TEST"]
        assert request["reasons"] == told["reasons"]
        assert [reason["code"] for reason in request["reasons"]] == ["wrong_type"]
    assert min(took) < SHOWN_WITHIN_S


async def _created(house: House, webhook: Any) -> Any:
    answer = await house.ingress.post("/v1/incoming-webhooks", json=webhook)
    return answer.json() if answer.is_success else None


async def test_the_list_finds_each_status(house: House) -> None:
    webhook = await opened(house)
    accepted = await called(house, webhook["url"], 202)
    tested = await called(house, webhook["test_url"], 200)
    wanted = {"SUCCESS": accepted["request_id"], "TEST": tested["request_id"]}
    for status, request_id in wanted.items():
        await shown(house, request_id, status)
        query = {"webhook_id": webhook["id"], "status": status}
        page = await ok(house.ingress.get("/v1/requests", params=query))
        assert [one["id"] for one in page["items"]] == [request_id]
