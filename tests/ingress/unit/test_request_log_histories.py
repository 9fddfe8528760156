"""The request log is the same whoever writes it first: any records, in any order, in any batches, told again."""

import re
from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Any

import pytest
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
)
from carewire_ingress.domain.request_log import (
    LogEntry,
    merge_by_request,
    of_accepted,
    of_refused,
    of_status_event,
    status_event_of,
)

NOW = datetime(2026, 3, 2, 8, 15, tzinfo=UTC)


def after(milliseconds: int) -> datetime:
    return NOW + timedelta(milliseconds=milliseconds)


def about(request_id: str) -> dict[str, Any]:
    return {"request_id": request_id, "tenant_id": "t", "webhook_id": "w", "definition_id": "d"}


def accepted(request_id: str) -> AcceptedRequest:
    return AcceptedRequest(
        **about(request_id),
        release_id="release",
        start_key="key",
        body_digest="0",
        received_at=NOW,
        expires_at=after(10_000),
        identifiers=(),
        data_points=(DataPointValue("x", "number", 4),),
        content_type="application/json",
        payload=b'{"x": 4}',
    )


def refused(request_id: str, status: str) -> RefusedRequest:
    return RefusedRequest(
        **about(request_id),
        status=status,  # type: ignore[arg-type]  # one of the two words
        received_at=NOW,
        reasons=(Reason(ReasonCode.NO_MATCH, "Nothing there.", data_point="x", path="$.x"),),
        data_points=(),
        content_type="application/json",
        payload=b"{}",
    )


def life(request_id: str, end: str) -> list[LogEntry]:
    """Everything that is ever said of a request with this end, as it happens."""
    if end in ("REJECTED", "TEST"):
        request = refused(request_id, end)
        return [of_refused(request), of_status_event(status_event_of(request))]
    said = [
        of_accepted(accepted(request_id)),
        of_status_event(RequestScheduled(**about(request_id), date=after(5))),
        of_status_event(RequestProcessing(**about(request_id), date=after(20))),
    ]
    if end == "SUCCESS":
        event = RequestSucceeded(**about(request_id), date=after(30), care_flow_id="c", patient_id="p")
        return [*said, of_status_event(event)]
    reason = FailureReason.IDENTITY_CONFLICT
    failed = RequestFailed(**about(request_id), date=after(30), reason=reason, message="Two patients.")
    return [*said, of_status_event(failed)]


ENDS = ["SUCCESS", "FAILED", "REJECTED", "TEST"]


@st.composite
def lives(draw: st.DrawFn) -> list[list[LogEntry]]:
    """What is said of up to four requests."""
    ends = draw(st.lists(st.sampled_from(ENDS), min_size=1, max_size=4))
    return [life(f"request-{number}", end) for number, end in enumerate(ends)]


@given(lives(), st.data())
def test_any_order_of_any_requests_leads_to_the_log_of_their_true_order(
    told: list[list[LogEntry]], data: st.DataObject
) -> None:
    in_order = [entry for one in told for entry in one]
    shuffled = data.draw(st.permutations(in_order))
    again = data.draw(st.lists(st.sampled_from(in_order), max_size=6))
    assert merge_by_request([*shuffled, *again]) == merge_by_request(in_order)


@given(lives(), st.data())
def test_any_batches_lead_to_the_same_log(told: list[list[LogEntry]], data: st.DataObject) -> None:
    """Each batch is merged with what is stored, as the log writer does it."""
    shuffled = data.draw(st.permutations([entry for one in told for entry in one]))
    stored: list[LogEntry] = []
    while shuffled:
        size = data.draw(st.integers(1, len(shuffled)))
        stored = merge_by_request([*stored, *merge_by_request(shuffled[:size])])
        shuffled = shuffled[size:]
    assert stored == merge_by_request(entry for one in told for entry in one)


@pytest.mark.parametrize("end", ENDS)
@given(data=st.data())
def test_a_status_only_ever_goes_up(end: str, data: st.DataObject) -> None:
    entry, *rest = data.draw(st.permutations(life("r", end)))
    for said in rest:
        merged = entry.merged(said)
        assert merged.status.rank >= entry.status.rank
        assert entry.reached.keys() <= merged.reached.keys(), "no status that was reached is forgotten"
        entry = merged
    assert entry.status == end
    assert entry.status.is_final


@pytest.mark.parametrize("end", ENDS)
@given(data=st.data())
def test_what_is_known_is_never_unknown_again(end: str, data: st.DataObject) -> None:
    entry, *rest = data.draw(st.permutations(life("r", end)))
    for said in rest:
        merged = entry.merged(said)
        for name in ("received_at", "reasons", "data_points", "payload", "care_flow_id", "failure_reason"):
            assert getattr(entry, name) is None or getattr(merged, name) == getattr(entry, name)
        entry = merged


def test_each_status_keeps_the_earliest_time_at_which_it_was_said() -> None:
    """A record that is read again after a crash says PROCESSING once more, later."""
    times = [after(milliseconds) for milliseconds in (40, 20, 30)]
    said = [of_status_event(RequestProcessing(**about("r"), date=at)) for at in times]
    assert reduce(LogEntry.merged, said).reached == {RequestStatus.PROCESSING: after(20)}


def test_receipt_counts_as_schedule_where_it_came_first() -> None:
    scheduled = of_status_event(RequestScheduled(**about("r"), date=after(5)))
    assert scheduled.merged(of_accepted(accepted("r"))).reached == {RequestStatus.SCHEDULED: NOW}


@pytest.mark.parametrize("end", ENDS)
def test_merging_changes_neither_of_the_two(end: str) -> None:
    first, *rest = life("r", end)
    reached = dict(first.reached)
    for said in rest:
        first.merged(said)
    assert first.reached == reached


def test_requests_are_not_mixed_up() -> None:
    told = [*life("a", "SUCCESS"), *life("b", "REJECTED"), *life("c", "FAILED")]
    a, b, c = merge_by_request(told)
    assert (a.care_flow_id, a.reasons, a.failure_reason) == ("c", None, None)
    assert (b.care_flow_id, b.failure_reason) == (None, None)
    assert b.reasons == ({"code": "no_match", "message": "Nothing there.", "data_point": "x", "path": "$.x"},)
    assert (c.care_flow_id, c.failure_reason, c.failure_message) == (None, "identity_conflict", "Two patients.")


def test_an_entry_shows_nothing_of_its_payload() -> None:
    assert re.fullmatch(r"<[\w.]+ object at 0x[0-9a-f]+>", repr(of_accepted(accepted("r"))))


@pytest.mark.parametrize(("status", "event_type"), [("REJECTED", "rejected"), ("TEST", "tested")])
def test_the_public_event_of_a_refused_request_says_what_its_record_says(status: str, event_type: str) -> None:
    request = refused("r", status)
    event = status_event_of(request)
    assert event.event_type == f"incoming_webhook.request.{event_type}"
    assert (event.status, event.date, event.request_id) == (status, NOW, "r")
    merged = of_refused(request).merged(of_status_event(event))
    assert merged == of_refused(request), "telling it publicly adds nothing to the log"
