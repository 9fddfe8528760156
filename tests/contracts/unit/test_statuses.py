"""Status events: six words, ranks that only go up, and readers that know all six."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from carewire_contracts.statuses import (
    FailureReason,
    RequestFailed,
    RequestProcessing,
    RequestRejected,
    RequestScheduled,
    RequestStatus,
    RequestStatusEvent,
    RequestSucceeded,
    RequestTested,
    decode_status_event,
)
from carewire_contracts.wire import encode

ABOUT = {
    "request_id": "r1",
    "tenant_id": "t1",
    "webhook_id": "w1",
    "definition_id": "d1",
    "date": datetime(2026, 3, 2, 8, 15, 30, 120000, UTC),
}
EVENTS: list[RequestStatusEvent] = [
    RequestScheduled.model_validate(ABOUT),
    RequestProcessing.model_validate(ABOUT),
    RequestSucceeded.model_validate(ABOUT | {"care_flow_id": "c1", "patient_id": "p1"}),
    RequestFailed.model_validate(ABOUT | {"reason": FailureReason.IDENTITY_CONFLICT, "message": "two patients"}),
    RequestRejected.model_validate(ABOUT | {"reasons": [{"code": "disabled", "message": "enable it"}]}),
    RequestTested.model_validate(ABOUT | {"reasons": []}),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_each_is_read_back_by_its_type(event: RequestStatusEvent) -> None:
    assert decode_status_event(encode(event)) == event


def test_each_says_its_status_in_the_log_s_own_word() -> None:
    words = [decode_status_event(encode(event)).status for event in EVENTS]
    assert words == ["SCHEDULED", "PROCESSING", "SUCCESS", "FAILED", "REJECTED", "TEST"]


def test_what_was_never_set_is_absent_and_the_type_is_always_written() -> None:
    assert encode(EVENTS[0]) == (
        b'{"request_id":"r1","tenant_id":"t1","webhook_id":"w1","definition_id":"d1",'
        b'"date":"2026-03-02T08:15:30.120Z","event_type":"incoming_webhook.request.scheduled","status":"SCHEDULED"}'
    )
    assert b"duplicate_of" not in encode(EVENTS[2])


def test_a_request_goes_up_in_rank_and_ends_once() -> None:
    assert RequestStatus.SCHEDULED.rank < RequestStatus.PROCESSING.rank < RequestStatus.SUCCESS.rank
    finals = {status for status in RequestStatus if status.is_final}
    assert finals == {RequestStatus.SUCCESS, RequestStatus.FAILED, RequestStatus.REJECTED, RequestStatus.TEST}


def test_an_unknown_type_is_no_status_event() -> None:
    with pytest.raises(ValidationError):
        decode_status_event(b'{"event_type":"pathway.started"}')
