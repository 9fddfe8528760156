"""A logged request as people are shown it."""

from typing import Any

import orjson
import pytest

from carewire_ingress.adapters.request_forms import RequestDetails
from carewire_ingress.adapters.request_reader import LoggedRequest
from carewire_ingress.adapters.request_view import details_of

CONDITION = {
    "at": "all[0]",
    "id": None,
    "reference": "$.consent",
    "operator": "is_equal_to",
    "operand_reference": None,
    "operand": "yes",
    "value": "no",
    "satisfied": False,
    "empty": False,
}
ROW: dict[str, Any] = {
    "id": "0198c000-0000-7000-8000-00000000cafe",
    "webhook_id": "0198c000-0000-7000-8000-000000000001",
    "webhook_name": "Surgeries",
    "definition_id": "hip-surgery",
    "status": "REJECTED",
    "received_at": None,
    "reasons": [{"code": "filtered", "message": "Not meant."}],
    "data_points": None,
    "content_type": "application/json",
    "care_flow_id": None,
    "patient_id": None,
    "duplicate_of": None,
    "failure_reason": None,
    "failure_message": None,
    "payload_kept": True,
    "redacted": None,
    "mapping": None,
    "resubmission_of": None,
    "resubmitted_as": [],
    "reached": {"REJECTED": "2026-03-02T08:15:30.120Z"},
    "headers": {"user-agent": "x"},
    "filter": [CONDITION],
    "skip_reason": None,
}
BODY = orjson.dumps({"consent": "no"})


def details(*, with_values: bool = True, **changes: Any) -> RequestDetails:
    logged = LoggedRequest(ROW | changes, BODY if with_values else None)
    return details_of(logged, lambda _: {}, with_values=with_values)


@pytest.mark.parametrize(
    ("changes", "with_values", "value", "operand"),
    [
        pytest.param({}, True, "no", "yes", id="with values"),
        pytest.param({}, False, None, None, id="without values"),
        pytest.param({"redacted": ["$.consent"]}, True, "[redacted]", "yes", id="redacted by now"),
    ],
)
def test_a_condition_of_the_filter_is_shown_as_the_caller_may_see_it(
    changes: dict[str, Any], with_values: bool, value: object, operand: object
) -> None:
    conditions = details(with_values=with_values, **changes).filter
    assert conditions is not None
    (condition,) = conditions
    assert (condition.reference, condition.satisfied) == ("$.consent", False)
    assert (condition.value, condition.operand) == (value, operand)


def test_headers_hold_nothing_personal_and_are_always_shown() -> None:
    assert details(with_values=False).headers == {"user-agent": "x"}


def test_a_request_from_before_there_were_headers_and_filters_is_shown_without() -> None:
    old = details(headers=None, filter=None)
    assert (old.headers, old.filter, old.skip_reason) == ({}, None, None)


def test_the_step_of_a_skipped_request_says_why() -> None:
    skipped: dict[str, Any] = {
        "care_flow_id": "c-1",
        "patient_id": "p-1",
        "skip_reason": "ever_enrolled",
        "reasons": None,
    }
    shown = details(status="SUCCESS", reached={"SUCCESS": "2026-03-02T08:15:30.120Z"}, **skipped)
    assert shown.skip_reason == "ever_enrolled"
    assert "c-1 for patient p-1 exists already" in shown.statuses[0].done
