"""What explains a request in the log: its headers, its filter, and why it started nothing although it succeeded."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from carewire_contracts.requests import AcceptedRequest, EnrolmentGuard
from carewire_contracts.statuses import RequestSucceeded, SkipReason
from carewire_contracts.topics import Topics
from carewire_contracts.wire import encode
from carewire_ingress.settings import IngressSettings
from carewire_testing.waiting import eventually
from carewire_testing_ingress.running import RunningIngress, publish, records_of, running
from carewire_testing_ingress.samples import DEFINITION_ID, PATHS, PAYLOAD

pytestmark = pytest.mark.asyncio(loop_scope="module")

CONSENTED = {"all": [{"id": "consented", "reference": "$.consent", "operator": "is_true"}]}
NOT_MEANT = PAYLOAD | {"consent": False}
HEADERS = {"x-github-event": "planned", "x-hub-signature-256": "canary-signature", "cookie": "canary-cookie"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ingress(settings: IngressSettings) -> AsyncIterator[RunningIngress]:
    async with running(settings) as replica:
        yield replica


async def a_webhook(ingress: RunningIngress, **more: Any) -> dict[str, Any]:
    created = await ingress.create(
        name="Consented surgeries", definition_id=DEFINITION_ID, mapping=PATHS, filter=CONSENTED, **more
    )
    await ingress.enable(created)
    return created


def told(condition: dict[str, Any]) -> tuple[Any, ...]:
    return condition["id"], condition["reference"], condition["value"], condition["satisfied"]


async def test_a_call_that_the_filter_holds_back_is_received_and_logged_with_its_conditions(
    ingress: RunningIngress,
) -> None:
    webhook = await a_webhook(ingress)
    answer = await ingress.called(webhook, PAYLOAD, 202)
    assert answer["status"] == "SCHEDULED"
    answer = await ingress.called(webhook, NOT_MEANT, 202)
    assert (answer["status"], answer["reason"]) == ("REJECTED", "filtered")
    details = await ingress.logged(answer["request_id"], "REJECTED")
    assert [reason["code"] for reason in details["reasons"]] == ["filtered"]
    assert [told(condition) for condition in details["filter"]] == [("consented", "$.consent", False, False)]
    assert "filter" in details["statuses"][0]["done"]
    found = (await ingress.admin.get("/v1/requests", params={"reason": "filtered", "webhook_id": webhook["id"]})).json()
    assert [item["id"] for item in found["items"]] == [answer["request_id"]]


async def test_the_test_link_tells_the_conditions_without_values(ingress: RunningIngress) -> None:
    webhook = await a_webhook(ingress)
    answer = await ingress.called(webhook, NOT_MEANT, 200, test=True)
    assert (answer["status"], answer["verdict"]) == ("TEST", "would_be_filtered")
    assert answer["filter"] == [
        {
            "at": "all[0]",
            "id": "consented",
            "reference": "$.consent",
            "operator": "is_true",
            "satisfied": False,
            "empty": False,
        }
    ]
    details = await ingress.logged(answer["request_id"], "TEST")
    assert [told(condition) for condition in details["filter"]] == [("consented", "$.consent", False, False)]


async def test_what_is_redacted_later_is_hidden_in_conditions_too(ingress: RunningIngress) -> None:
    webhook = await a_webhook(ingress)
    answer = await ingress.called(webhook, PAYLOAD, 202)
    details = await ingress.logged(answer["request_id"], "SCHEDULED")
    assert told(details["filter"][0]) == ("consented", "$.consent", True, True)
    changed = await ingress.admin.patch(f"/v1/incoming-webhooks/{webhook['id']}", json={"redacted": ["$.consent"]})
    assert changed.status_code == 200, changed.text
    details = await ingress.logged(answer["request_id"], "SCHEDULED")
    assert told(details["filter"][0]) == ("consented", "$.consent", "[redacted]", True)
    bare = await ingress.admin.get(f"/v1/requests/{answer['request_id']}", params={"payload": False})
    assert told(bare.json()["filter"][0]) == ("consented", "$.consent", None, True)


async def test_technical_headers_are_logged_and_no_others(ingress: RunningIngress) -> None:
    webhook = await a_webhook(ingress)
    answer = await ingress.called(webhook, PAYLOAD, 202, headers=HEADERS)
    details = await ingress.logged(answer["request_id"], "SCHEDULED")
    assert details["headers"].keys() == {"user-agent", "x-github-event"}
    assert details["headers"]["x-github-event"] == "planned"
    assert "canary" not in str(details)


async def test_profile_and_guard_travel_with_the_request(ingress: RunningIngress, settings: IngressSettings) -> None:
    webhook = await a_webhook(
        ingress, profile={"first_name": "$.patient.name"}, enrolment_guard="skip_when_ever_enrolled"
    )
    answer = await ingress.called(webhook, PAYLOAD, 202)
    topic = Topics(settings.topic_prefix, settings.partitions).requests

    async def sent() -> bytes:
        records = await records_of(settings, topic)
        return next(bytes(one.value) for one in records if one.key == answer["request_id"].encode())

    request = AcceptedRequest.decode(await eventually(sent))
    assert request.profile == {"first_name": "Ada Example"}
    assert request.enrolment_guard is EnrolmentGuard.SKIP_WHEN_EVER_ENROLLED


async def test_a_skipped_request_says_so(ingress: RunningIngress, settings: IngressSettings) -> None:
    webhook = await a_webhook(ingress, enrolment_guard="skip_when_active")
    request_id = (await ingress.called(webhook, PAYLOAD, 202))["request_id"]
    succeeded = RequestSucceeded(
        request_id=request_id,
        tenant_id="t",
        webhook_id=webhook["id"],
        definition_id=DEFINITION_ID,
        date=datetime.now(UTC),
        care_flow_id="c-1",
        patient_id="p-1",
        skip_reason=SkipReason.ACTIVE_CARE_FLOW,
    )
    topic = Topics(settings.topic_prefix, settings.partitions).incoming_webhooks.name
    await publish(settings, (topic, request_id, encode(succeeded)))
    details = await ingress.logged(request_id, "SUCCESS")
    assert (details["skip_reason"], details["care_flow_id"]) == ("active_care_flow", "c-1")
    assert details["statuses"][-1]["done"].startswith("Skipped by the enrolment guard: care flow c-1")
