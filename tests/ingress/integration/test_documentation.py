"""What docs/ingress.md shows is what ingress does: its webhook, its payload and its answers, to the letter."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio

from carewire_contracts.statuses import FailureReason, RequestStatus
from carewire_ingress.settings import IngressSettings
from carewire_testing_ingress.running import RunningIngress, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

TEXT = (Path(__file__).parents[3] / "docs" / "ingress.md").read_text()
SHOWN = {name: orjson.loads(block) for name, block in re.findall(r"```json (\w+)\n(.*?)```", TEXT, re.DOTALL)}
NAMELESS = SHOWN["payload"] | {"patient": {"mrn": "NC-004217"}}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ingress(settings: IngressSettings) -> AsyncIterator[RunningIngress]:
    async with running(settings) as replica:
        yield replica


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def webhook(ingress: RunningIngress) -> dict[str, Any]:
    created = await ingress.create(**SHOWN["webhook"])
    await ingress.enable(created)
    await ingress.called(created, SHOWN["payload"], 202)
    return created


def but_for_its_id(answer: Any) -> Any:
    return {**answer, "request_id": "any"}


async def test_the_call_is_accepted(ingress: RunningIngress, webhook: dict[str, Any]) -> None:
    answer = await ingress.call(webhook, SHOWN["payload"], headers={"idempotency-key": "order-90417"})
    assert answer.status_code == 202
    assert but_for_its_id(answer.json()) == but_for_its_id(SHOWN["accepted"])


async def test_the_wrong_payload_is_rejected_in_these_words(ingress: RunningIngress, webhook: dict[str, Any]) -> None:
    answer = await ingress.call(webhook, NAMELESS)
    assert answer.status_code == 422
    assert but_for_its_id(answer.json()) == but_for_its_id(SHOWN["rejected"])


async def test_the_test_link_says_the_same(ingress: RunningIngress, webhook: dict[str, Any]) -> None:
    answer = await ingress.call(webhook, NAMELESS, test=True)
    assert answer.status_code == 200
    assert but_for_its_id(answer.json()) == but_for_its_id(SHOWN["tested"])


async def test_what_the_filter_does_not_want_is_no_error(ingress: RunningIngress, webhook: dict[str, Any]) -> None:
    answer = await ingress.call(webhook, SHOWN["payload"] | {"event": {"id": "evt-2", "type": "cancelled"}})
    assert answer.status_code == 202
    assert (answer.json()["status"], answer.json()["reason"]) == ("REJECTED", "filtered")


async def test_a_form_is_mapped_as_described(ingress: RunningIngress) -> None:
    mapping = {"surgery_date": "$.day", "patient_name": "$.symptom[0]", "pain_score": "$.pain"}
    created = await ingress.create(name="Form", definition_id=SHOWN["webhook"]["definition_id"], mapping=mapping)
    form = b"day=2026-03-01&symptom=fever&symptom=cough&pain=4"
    headers = {"content-type": "application/x-www-form-urlencoded"}
    verdict = await ingress.called(created, form, 200, test=True, headers=headers)
    assert verdict["verdict"] == "would_be_accepted"


async def test_every_status_reason_and_setting_stands_in_it() -> None:
    assert [one for one in [*RequestStatus, *FailureReason] if f"`{one.value}`" not in TEXT] == []
    named = re.findall(r"`CAREWIRE_(\w+)`", TEXT)
    assert [name for name in named if name.lower() not in IngressSettings.model_fields] == []
