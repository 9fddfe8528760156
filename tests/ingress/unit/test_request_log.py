from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.requests import AcceptedRequest, DataPointValue, Reason, ReasonCode, RefusedRequest
from carewire_contracts.statuses import (
    FailureReason,
    RequestFailed,
    RequestProcessing,
    RequestScheduled,
    RequestStatus,
    RequestSucceeded,
    SkipReason,
)
from carewire_ingress.domain import request_log
from carewire_ingress.domain.request_log import LogEntry, merge_by_request

NOW = datetime(2026, 3, 2, 8, 15, tzinfo=UTC)
COMMON: dict[str, Any] = {"request_id": "r-1", "tenant_id": "t", "webhook_id": "w", "definition_id": "d"}

ACCEPTED = AcceptedRequest(
    **COMMON,
    release_id="rel",
    start_key="k",
    body_digest="0",
    received_at=NOW,
    expires_at=NOW + timedelta(seconds=10),
    identifiers=(),
    data_points=(DataPointValue("x", "number", 4),),
    content_type="application/json",
    payload=b"{}",
    headers={"user-agent": "x"},
    filter=({"reference": "$.a", "satisfied": True},),
)


def refused(status: str) -> RefusedRequest:
    return RefusedRequest(
        **COMMON,
        status=status,  # type: ignore[arg-type]  # one of the two words
        received_at=NOW,
        reasons=(Reason(ReasonCode.DISABLED, "Off."),),
        data_points=(),
        content_type="application/json",
        payload=b"{}",
    )


FRAGMENTS = [
    request_log.of_accepted(ACCEPTED),
    request_log.of_status_event(RequestScheduled(**COMMON, date=NOW + timedelta(milliseconds=30))),
    request_log.of_status_event(RequestProcessing(**COMMON, date=NOW + timedelta(milliseconds=40))),
    request_log.of_status_event(
        RequestSucceeded(
            **COMMON,
            date=NOW + timedelta(seconds=1),
            care_flow_id="c",
            patient_id="p",
            duplicate_of="r-0",
            skip_reason=SkipReason.EVER_ENROLLED,
        )
    ),
]


@given(st.permutations(FRAGMENTS), st.lists(st.sampled_from(FRAGMENTS), max_size=5))
def test_fragments_merge_alike_in_any_order_and_however_often(order: list[LogEntry], repeats: list[LogEntry]) -> None:
    (entry,) = merge_by_request([*order, *repeats])
    assert entry.status is RequestStatus.SUCCESS
    assert sorted(entry.reached) == ["PROCESSING", "SCHEDULED", "SUCCESS"]
    assert entry.reached[RequestStatus.SCHEDULED] == NOW
    assert (entry.care_flow_id, entry.patient_id, entry.duplicate_of) == ("c", "p", "r-0")
    assert entry.received_at == NOW
    assert entry.payload == b"{}"
    assert entry.headers == {"user-agent": "x"}
    assert entry.filter == ({"reference": "$.a", "satisfied": True},)
    assert entry.skip_reason == "ever_enrolled"
    assert entry.data_points == ({"data_point_definition_id": "x", "value_type": "number", "value": 4},)


@given(st.permutations(FRAGMENTS), st.integers(1, 3))
def test_merging_is_associative(order: list[LogEntry], cut: int) -> None:
    left = merge_by_request([*merge_by_request(order[:cut]), *merge_by_request(order[cut:])])
    assert left == [reduce(LogEntry.merged, order)]


def test_entries_come_out_sorted_by_request() -> None:
    events = [RequestScheduled(**{**COMMON, "request_id": name}, date=NOW) for name in "cab"]
    merged = merge_by_request(request_log.of_status_event(event) for event in events)
    assert [entry.request_id for entry in merged] == ["a", "b", "c"]


def test_a_refused_request_is_final_and_keeps_its_reasons() -> None:
    entry = request_log.of_refused(refused("REJECTED"))
    assert entry.status is RequestStatus.REJECTED
    assert entry.reasons == ({"code": "disabled", "message": "Off."},)


def test_a_failure_keeps_its_reason() -> None:
    event = RequestFailed(**COMMON, date=NOW, reason=FailureReason.IDENTITY_CONFLICT, message="Two patients.")
    entry = request_log.of_status_event(event)
    assert (entry.failure_reason, entry.failure_message) == ("identity_conflict", "Two patients.")
    assert entry.start_key is None


def test_a_failure_keeps_the_key_that_its_sender_gave_it() -> None:
    event = RequestFailed(**COMMON, date=NOW, reason=FailureReason.IDENTITY_CONFLICT, message="Two.", start_key="K")
    assert request_log.of_status_event(event).start_key == "K"


def test_refused_requests_become_their_public_status_event() -> None:
    rejected, tested = (request_log.status_event_of(refused(status)) for status in ("REJECTED", "TEST"))
    assert rejected.event_type == "incoming_webhook.request.rejected"
    assert tested.event_type == "incoming_webhook.request.tested"
    assert rejected.reasons == tested.reasons == ({"code": "disabled", "message": "Off."},)
    assert request_log.of_status_event(rejected).reasons == rejected.reasons


def test_a_filtered_request_keeps_what_its_filter_saw() -> None:
    filtered = replace(
        refused("REJECTED"), reasons=(Reason(ReasonCode.FILTERED, "Not meant."),), filter=({"satisfied": False},)
    )
    entry = request_log.of_refused(filtered)
    assert entry.status is RequestStatus.REJECTED
    assert entry.reason_codes == {"filtered"}
    assert entry.filter == ({"satisfied": False},)


def test_what_no_record_says_stays_open_for_one_that_does() -> None:
    entry = request_log.of_refused(refused("TEST"))
    assert (entry.headers, entry.filter, entry.skip_reason) == (None, None, None)
    started = RequestSucceeded(**COMMON, date=NOW, care_flow_id="c", patient_id="p")
    assert request_log.of_status_event(started).skip_reason is None
