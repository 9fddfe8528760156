"""A webhook's filter, before anything else of a payload is read: which calls are meant for the care flow."""

import json
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.json_query import JsonQuery
from carewire_contracts.redaction import MARKER
from carewire_contracts.requests import ReasonCode
from carewire_contracts.rules import Rule
from carewire_ingress.domain.admit import Accepted, Admission, Filtered, Rejected, admit
from carewire_ingress.domain.filtering import Filter
from carewire_ingress.domain.mapping import plan_admission
from carewire_ingress.domain.webhook import IncomingWebhook
from carewire_testing_ingress.samples import PAYLOAD, RECEIVED_MS, SYSTEMS, call, plan, webhook

CONSENT: dict[str, Any] = {"reference": "$.consent", "operator": "is_true"}
PAIN: dict[str, Any] = {"reference": "$.pain", "operator": "is_greater_than", "operand": 3}


def all_of(*conditions: dict[str, Any]) -> Filter:
    return Filter.of(Rule.model_validate({"all": conditions}))


def filtering(*conditions: dict[str, Any], redacted: tuple[str, ...] = (), **more: Any) -> IncomingWebhook:
    queries = tuple(JsonQuery(path) for path in redacted)
    return replace(webhook(**more), filter=all_of(*conditions), redacted=queries)


def verdict_on(payload: Any, of: IncomingWebhook, **of_call: Any) -> Admission:
    return admit(plan(of), SYSTEMS, call(payload, **of_call))


def values(verdict: Admission) -> list[tuple[object, object]]:
    assert verdict.explanation is not None
    return [(condition["value"], condition["operand"]) for condition in verdict.explanation]


def test_a_call_for_which_the_filter_holds_is_accepted_and_explained() -> None:
    verdict = verdict_on(PAYLOAD, filtering(CONSENT, PAIN))
    assert isinstance(verdict, Accepted)
    assert verdict.explanation is not None
    assert [(each["reference"], each["satisfied"]) for each in verdict.explanation] == [
        ("$.consent", True),
        ("$.pain", True),
    ]


def test_a_call_for_which_it_does_not_hold_is_filtered_and_explained() -> None:
    verdict = verdict_on(PAYLOAD | {"pain": 2}, filtering(CONSENT, PAIN))
    assert isinstance(verdict, Filtered)
    assert [each["satisfied"] for each in verdict.explanation] == [True, False]
    assert [reason.code for reason in verdict.reasons] == [ReasonCode.FILTERED]
    assert verdict.data_points == ()


def test_without_a_filter_nothing_is_explained() -> None:
    for payload in (PAYLOAD, {}):
        assert verdict_on(payload, webhook()).explanation is None


def test_what_is_filtered_is_not_read_any_further() -> None:
    """Calls for another care flow need not fit this one."""
    verdict = verdict_on({"pain": "none", "patient_identifier": 7}, filtering(CONSENT))
    assert isinstance(verdict, Filtered)


def test_what_passes_and_does_not_fit_is_rejected_with_the_explanation_beside() -> None:
    verdict = verdict_on({"consent": True}, filtering(CONSENT))
    assert isinstance(verdict, Rejected)
    assert {reason.code for reason in verdict.reasons} == {ReasonCode.NO_MATCH}
    assert values(verdict) == [(True, None)]


def test_the_filter_goes_before_obstacles_that_no_payload_can_remove() -> None:
    nothing_live = plan_admission(filtering(CONSENT), None)
    assert isinstance(admit(nothing_live, SYSTEMS, call({"consent": False})), Filtered)
    verdict = admit(nothing_live, SYSTEMS, call())
    assert isinstance(verdict, Rejected)
    assert verdict.explanation is not None


@pytest.mark.parametrize("body", [b"", b"{", b"\xff"])
def test_a_body_that_cannot_be_read_is_rejected_and_not_filtered(body: bytes) -> None:
    verdict = admit(plan(filtering(CONSENT)), SYSTEMS, call(body=body))
    assert isinstance(verdict, Rejected)
    assert ([reason.code for reason in verdict.reasons], verdict.explanation) == ([ReasonCode.MALFORMED_PAYLOAD], None)


def test_a_disabled_webhook_filters_tests_alone() -> None:
    off = filtering(CONSENT, enabled=False)
    not_meant = PAYLOAD | {"consent": False}
    rejected = verdict_on(not_meant, off)
    assert isinstance(rejected, Rejected)
    assert rejected.is_disabled
    assert isinstance(verdict_on(not_meant, off, is_test=True), Filtered)


def test_fields_of_forms_are_filtered_as_texts() -> None:
    form = call(body=b"consent=yes&pain=4", content_type="application/x-www-form-urlencoded")
    verdict = admit(plan(filtering(PAIN)), SYSTEMS, form)
    assert values(verdict) == [("4", 3)]
    assert isinstance(verdict, Rejected)


@pytest.mark.parametrize(
    ("days_ago", "outcome"),
    [pytest.param(1, Filtered, id="two days ago"), pytest.param(3, Accepted, id="within three days")],
)
def test_the_filter_tells_time_by_when_the_call_came(days_ago: int, outcome: type) -> None:
    recent = {"reference": "$.surgery.date", "operator": "is_less_than_x_days_ago", "operand": days_ago}
    payload = PAYLOAD | {"surgery": {"date": "2026-02-28"}}
    assert type(verdict_on(payload, filtering(recent), received_ms=RECEIVED_MS)) is outcome


LIMIT: dict[str, Any] = {"reference": "$.pain", "operator": "is_less_than", "operand": {"data_point": "$.limit"}}


@pytest.mark.parametrize(
    ("redacted", "seen"),
    [
        pytest.param((), [(4, 5), (True, None)], id="nothing"),
        pytest.param(("$.pain",), [(MARKER, 5), (True, None)], id="the value"),
        pytest.param(("$.limit",), [(4, MARKER), (True, None)], id="the operand"),
        pytest.param(("$.surgery",), [(4, 5), (True, None)], id="something else"),
        pytest.param(("$",), [(MARKER, MARKER), (MARKER, None)], id="everything"),
    ],
)
def test_the_explanation_hides_what_the_webhook_redacts_and_the_filter_still_sees_it(
    redacted: tuple[str, ...], seen: list[tuple[object, object]]
) -> None:
    verdict = verdict_on(PAYLOAD | {"limit": 5}, filtering(LIMIT, CONSENT, redacted=redacted))
    assert isinstance(verdict, Accepted)
    assert values(verdict) == seen


def test_redaction_takes_nothing_from_what_the_care_flow_gets() -> None:
    verdict = verdict_on(PAYLOAD, filtering(CONSENT, redacted=("$",)))
    assert isinstance(verdict, Accepted)
    assert 4 in [point.value for point in verdict.data_points]


CANARY = "CANARY-7f3a9"
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.just(CANARY),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "pain"]), inner, max_size=3),
    max_leaves=8,
)
conditions = st.sampled_from(
    [
        CONSENT,
        PAIN,
        LIMIT,
        {"reference": "$..a", "operator": "contains", "operand": "x"},
        {"reference": "$.a[*]", "operator": "is_any_of", "operand": ["x", 1]},
        {"reference": "$.a", "operator": "is_empty"},
    ]
)


@given(json_values | st.fixed_dictionaries({}, optional={"pain": json_values, "a": json_values}), st.lists(conditions))
def test_any_payload_is_filtered_or_not_and_neither_reasons_nor_reprs_hold_a_value(
    payload: Any, chosen: list[dict[str, Any]]
) -> None:
    verdict = verdict_on(payload, filtering(*chosen))
    assert verdict.explanation is not None
    assert len(verdict.explanation) == len(chosen)
    satisfied = all(condition["satisfied"] for condition in verdict.explanation)
    assert satisfied is not isinstance(verdict, Filtered)
    orjson.dumps(verdict.explanation)
    assert CANARY not in json.dumps([reason.as_dict() for reason in verdict.reasons])
    assert CANARY not in repr(verdict)


@given(json_values)
def test_what_is_redacted_as_a_whole_is_in_no_explanation(payload: Any) -> None:
    hook = filtering(CONSENT, LIMIT, {"reference": "$.a", "operator": "is_empty"}, redacted=("$",))
    assert CANARY not in str(verdict_on(payload, hook).explanation)
