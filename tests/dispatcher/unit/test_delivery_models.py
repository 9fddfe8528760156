"""How an attempt is shown: what varies is put in again, what is sealed never is, and what is missing is said."""

from datetime import UTC, datetime
from typing import Any

import pytest

from carewire_dispatcher.adapters.delivery_models import AttemptWithBodies, LoggedAttempt
from carewire_dispatcher.adapters.exchange_reader import Exchange, Missing

MOMENT = datetime(2026, 3, 2, 8, 15, 30, 131_000, tzinfo=UTC)
ROW: dict[str, Any] = {
    "id": "019cad9d-dd48-7000-8000-000000000401",
    "delivery_id": "5b0e8f6a-0d2b-5a44-8d55-0c4f5f1e7a01",
    "epoch": 0,
    "number": 1,
    "started_at": MOMENT,
    "duration_ms": 59,
    "status_code": 422,
    "failure": None,
    "outcome": "retrying",
    "endpoint_id": "019cad9d-dd48-7000-8000-000000000101",
    "request_id": "019cad9d-dd48-7000-8000-000000000701",
    "answer_headers": {"server": "nginx"},
    "answer_body": "v1.k1.sealed-canary",
    "request_url": "https://receiver.example/hook",
    "request_headers": {"content-type": "application/json", "webhook-signature": "v1,…"},
    "payload": "full",
    "content_mode": "flat",
    "event_id": "event-7",
}


def test_a_call_is_shown_with_the_headers_that_are_its_own() -> None:
    shown = LoggedAttempt.of(ROW, "event-7")
    assert shown.request is not None
    assert shown.request.headers == ROW["request_headers"] | {
        "webhook-id": "event-7",
        "webhook-timestamp": str(int(MOMENT.timestamp())),
    }
    assert (shown.request.method, shown.request.url) == ("POST", "https://receiver.example/hook")
    assert shown.answer is not None
    assert (shown.answer.headers, shown.answer.body_kept) == ({"server": "nginx"}, True)
    assert "canary" not in shown.model_dump_json()


@pytest.mark.parametrize(
    ("fields", "request_is_known", "answer"),
    [
        ({"request_url": None, "request_headers": None}, False, True),
        ({"answer_headers": None, "answer_body": None}, True, None),
        ({"answer_headers": {}, "answer_body": None}, True, False),
    ],
    ids=["the log was not told what was sent", "no answer is kept", "an answer without a body"],
)
def test_what_is_not_known_is_null(fields: dict[str, Any], request_is_known: bool, answer: bool | None) -> None:
    shown = LoggedAttempt.of(ROW | fields, "event-7")
    assert (shown.request is not None) is request_is_known
    assert (None if shown.answer is None else shown.answer.body_kept) is answer


@pytest.mark.parametrize(
    ("sent", "answered", "told"),
    [
        (b'{"a":1}', b"no such patient", ('{"a":1}', None, "no such patient")),
        (b'{"a":1}', None, ('{"a":1}', None, None)),
        (b"{}", b"\xff\x00", ("{}", None, "\ufffd\x00")),
        (Missing.GONE, b"", (None, "gone", "")),
        (Missing.NOT_TOLD, None, (None, "not_told", None)),
        (Missing.NOT_AVAILABLE, None, (None, "not_available", None)),
    ],
    ids=str,
)
def test_whoever_looks_sees_both_bodies_or_why_there_is_none(
    sent: bytes | Missing, answered: bytes | None, told: tuple[Any, ...]
) -> None:
    shown = AttemptWithBodies.looked_at(Exchange(ROW, sent, answered))
    assert (shown.request_body, shown.request_body_missing, shown.answer_body) == told
    assert "sealed-canary" not in shown.model_dump_json()
    assert "canary" not in repr(Exchange(ROW, sent, answered))
