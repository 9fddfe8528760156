"""What the sender of a call is told: one HTTP answer for each outcome.

Errors are problem details (RFC 9457) and say what the sender can do. None holds a value of the payload.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

import orjson

from carewire_contracts.record import record
from carewire_contracts.requests import Reason
from carewire_ingress.domain.admit import Accepted, Admission, Filtered, Rejected
from carewire_ingress.domain.call import Call
from carewire_ingress.domain.senders.verdict import Challenge

Header = tuple[bytes, bytes]

_JSON: Final = b"application/json"
_PROBLEM: Final = b"application/problem+json"
_NOSNIFF: Final[Header] = (b"x-content-type-options", b"nosniff")
_BASIC: Final[Header] = (b"www-authenticate", b'Basic realm="incoming webhook", charset="UTF-8"')
_SIGNATURE: Final[Header] = (b"www-authenticate", b'Signature realm="incoming webhook"')
"""A 401 has to say what to prove oneself with (RFC 9110, section 15.5.2). Some senders wait for it."""

_WOULD_BE: Final[Mapping[type, str]] = {
    Accepted: "would_be_accepted",
    Filtered: "would_be_filtered",
    Rejected: "would_be_rejected",
}
_TOLD_OF_A_CONDITION: Final = ("at", "id", "reference", "operator", "satisfied", "empty")
"""Without value and operand: whoever has the link of the webhook reads the answer, the log only who may."""


@record()
class Answer:
    """Status, body and headers; `outcome` is the one word that logs and metrics use for it."""

    status: int
    outcome: str
    body: bytes
    content_type: bytes = _PROBLEM
    more_headers: tuple[Header, ...] = ()

    is_last: bool = False
    """Whether the connection ends with it."""

    @property
    def head(self) -> bytes:
        """The lines of all headers."""
        lines = b"content-type: %b\r\ncontent-length: %d\r\n" % (self.content_type, len(self.body))
        return lines + b"".join(b"%b: %b\r\n" % header for header in self.more_headers) if self.more_headers else lines


def answer_to(call: Call, verdict: Admission) -> Answer:
    """The answer to a call whose record is durable."""
    if call.is_test:
        return tested(call.request_id, verdict)
    if isinstance(verdict, Accepted):
        return scheduled(call.request_id)
    return filtered(call.request_id) if isinstance(verdict, Filtered) else rejected(call.request_id, verdict)


def scheduled(request_id: str) -> Answer:
    """202: durable, and starts one care flow."""
    # Laid by hand: it is the answer of nearly every call, and the id needs no escaping.
    body = b'{"request_id":"%b","status":"SCHEDULED"}' % request_id.encode()
    return Answer(202, "scheduled", body, _JSON)


def filtered(request_id: str) -> Answer:
    """202: received, and not meant for the care flow. That is no error of the sender, who must not try again."""
    body = b'{"request_id":"%b","status":"REJECTED","reason":"filtered"}' % request_id.encode()
    return Answer(202, "filtered", body, _JSON)


def tested(request_id: str, verdict: Admission) -> Answer:
    """200: the verdict on a test call, with the outcome of each condition of a filter."""
    body: dict[str, Any] = {
        "request_id": request_id,
        "status": "TEST",
        "verdict": _WOULD_BE[type(verdict)],
        "reasons": _listed(verdict.reasons),
    }
    if verdict.explanation is not None:
        body["filter"] = [{name: condition[name] for name in _TOLD_OF_A_CONDITION} for condition in verdict.explanation]
    return Answer(200, "test", orjson.dumps(body), _JSON)


def rejected(request_id: str, rejection: Rejected) -> Answer:
    """409 where the webhook is disabled, else 422 with every reason."""
    more: dict[str, Any] = {
        "request_id": request_id,
        "request_status": "REJECTED",
        "reasons": _listed(rejection.reasons),
    }
    if rejection.is_unauthenticated:
        asked = _BASIC if rejection.reasons[0].path == "header authorization" else _SIGNATURE
        detail = "No care flow was started; `reasons` says what to send."
        return _problem(401, "unauthenticated", "Sender not verified", detail, headers=(asked,), more=more)
    if rejection.is_disabled:
        detail = "The incoming webhook is disabled. The call is kept in its log."
        return _problem(409, "disabled", "Incoming webhook disabled", detail, more=more)
    detail = "No care flow was started; `reasons` says everything that has to change."
    return _problem(422, "rejected", "Payload rejected", detail, more=more)


def unavailable(retry_after: int) -> Answer:
    """503: nothing was accepted; the same call may succeed after `retry_after` seconds."""
    detail = f"The call could not be stored. Send it again, the same, after {retry_after} s."
    header = (b"retry-after", str(retry_after).encode())
    return _problem(503, "unavailable", "Not accepted", detail, headers=(header,))


def too_many(wait_s: float) -> Answer:
    """429: above the webhook's rate; `wait_s` seconds from now a call is taken again."""
    seconds = max(1, math.ceil(wait_s))
    detail = f"The webhook's rate is spent. Send the call again, the same, after {seconds} s."
    return _problem(429, "rate_limited", "Too many calls", detail, headers=((b"retry-after", b"%d" % seconds),))


def challenged(challenge: Challenge) -> Answer:
    """200: the handshake that a sender asked for before it calls. It repeats what the sender said."""
    return Answer(200, "handshake", challenge.body, challenge.content_type, (_NOSNIFF,))


def too_large(limit: int) -> Answer:
    """413: the body exceeds the cap, in bytes."""
    return _problem(413, "too_large", "Body too large", f"A body may have at most {limit} bytes.")


def _problem(
    status: int,
    outcome: str,
    title: str,
    detail: str,
    *,
    headers: tuple[Header, ...] = (),
    more: dict[str, Any] | None = None,
) -> Answer:
    body = {"type": f"urn:carewire:problem:{outcome}", "title": title, "status": status, "detail": detail}
    return Answer(status, outcome, orjson.dumps(body | (more or {})), more_headers=headers)


def _listed(reasons: Iterable[Reason]) -> list[dict[str, str]]:
    return [reason.as_dict() for reason in reasons]


UNKNOWN_WEBHOOK: Final = _problem(
    404, "unknown_webhook", "No such incoming webhook", "Check the URL; it may have been rotated or deleted."
)
METHOD_NOT_ALLOWED: Final = _problem(
    405, "method_not_allowed", "Method not allowed", "Send a POST.", headers=((b"allow", b"POST"),)
)
UNSUPPORTED_MEDIA_TYPE: Final = _problem(
    415,
    "unsupported_media_type",
    "Media type not supported",
    "Send JSON (application/json or +json) or a form (application/x-www-form-urlencoded), without compression.",
)
READ_TIMEOUT: Final = replace(
    _problem(408, "read_timeout", "Body too slow", "The body did not arrive in time."), is_last=True
)
FAULT: Final = _problem(500, "fault", "Internal error", "The call was not accepted. Send it again, the same, later.")
