"""From a verdict to its record on Kafka.

An accepted request is laid out as text: what stays the same from call to call is written once, and the rest is put
in between. The bytes are those of `AcceptedRequest.encode` and of `Envelope.headers`, at less than half of the cost.
"""

from binascii import b2a_base64
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final, Literal

import orjson

from carewire_contracts.envelope import JSON_CONTENT_TYPE, SPECVERSION, Headers
from carewire_contracts.identifiers import Identifier
from carewire_contracts.record import record
from carewire_contracts.requests import DataPointValue, EnrolmentGuard, RefusedRequest
from carewire_contracts.timestamps import format_milliseconds
from carewire_contracts.topics import Topic, Topics
from carewire_ingress.domain.admit import Accepted, Admission, Rejected
from carewire_ingress.domain.call import Call
from carewire_ingress.domain.start_key import senders_start_key
from carewire_ingress.domain.webhook import IncomingWebhook

SOURCE: Final = "carewire/ingress"
ACCEPTED_TYPE: Final = "carewire.ingress.request.accepted"
REFUSED_TYPE: Final = "carewire.ingress.request.refused"

LIFE_MS: Final = 10_000
"""How long a record may wait to be appended: twice the 5 s within which its call is answered 202, so that no
error of the learned clock can expire what was accepted."""

_Header = tuple[str, bytes]

_SPECVERSION: Final[_Header] = ("ce_specversion", SPECVERSION.encode())
_SOURCE: Final[_Header] = ("ce_source", SOURCE.encode())
_ACCEPTED: Final[_Header] = ("ce_type", ACCEPTED_TYPE.encode())
_REFUSED: Final[_Header] = ("ce_type", REFUSED_TYPE.encode())
_CONTENT_TYPE: Final[_Header] = ("content-type", JSON_CONTENT_TYPE)

_START_ANOTHER: Final = EnrolmentGuard.START_ANOTHER
"""Looked up once: a member of an enumeration costs as much as a data point."""


@record(repr=False)
class RequestRecord:
    """A record that is ready to be appended. `expires_ms` is None where it may be appended at any time.

    Times are milliseconds since 1970 by the broker's clock, which stamps the record.
    """

    topic: Topic
    key: bytes
    value: bytes
    headers: Headers
    expires_ms: int | None


class RequestRecords:
    """Writes records of one deployment."""

    def __init__(self, topics: Topics, tenant_id: str) -> None:
        self._accepted_topic = topics.requests
        self._refused_topic = topics.refused
        self._tenant_id = tenant_id

    def of(self, webhook: IncomingWebhook, call: Call, verdict: Admission, traceparent: str) -> RequestRecord:
        """The record of a call: a test is never an accepted request, whatever the verdict."""
        key, (time, expires) = call.request_id.encode(), _life(call.received_ms)
        if isinstance(verdict, Accepted) and not call.is_test:
            ids = _ids_of(self._tenant_id, webhook.id, webhook.definition_id, verdict.release_id)
            value = _accepted(key, ids, call, verdict, time, expires, webhook.enrolment_guard)
            headers = _headers(_ACCEPTED, key, time, traceparent)
            return RequestRecord(self._accepted_topic, key, value, headers, call.received_ms + LIFE_MS)
        value = self._refused(webhook, call, verdict)
        return RequestRecord(self._refused_topic, key, value, _headers(_REFUSED, key, time, traceparent), None)

    def _refused(self, webhook: IncomingWebhook, call: Call, verdict: Admission) -> bytes:
        status: Literal["REJECTED", "TEST"] = "TEST" if call.is_test else "REJECTED"
        is_strangers = isinstance(verdict, Rejected) and verdict.is_unauthenticated
        # What nobody sends again needs no key: a test, a stranger's call, and what was sent again has its call's.
        is_kept = not (call.is_test or is_strangers or call.resubmission_of is not None)
        return RefusedRequest(
            request_id=call.request_id,
            tenant_id=self._tenant_id,
            webhook_id=webhook.id,
            definition_id=webhook.definition_id,
            status=status,
            received_at=call.received_at,
            reasons=verdict.reasons,
            data_points=verdict.data_points,
            content_type=call.content_type,
            payload=None if is_strangers else call.body,
            resubmission_of=call.resubmission_of,
            headers=call.logged_headers,
            filter=verdict.explanation,
            start_key=senders_start_key(webhook, call) if is_kept else None,
        ).encode()


def _accepted(
    request_id: bytes,
    ids: bytes,
    call: Call,
    verdict: Accepted,
    time: bytes,
    expires: bytes,
    guard: EnrolmentGuard,
) -> bytes:
    # Ids, digests and times hold nothing that JSON would escape; whatever a sender chose goes through orjson.
    return b"".join(
        (
            b'{"request_id":"',
            request_id,
            b'",',
            ids,
            b',"start_key":"',
            verdict.start_key.encode(),
            b'","body_digest":"',
            verdict.body_digest.encode(),
            b'","received_at":"',
            time,
            b'","expires_at":"',
            expires,
            b'","identifiers":',
            _identifiers(verdict.identifiers),
            b',"data_points":',
            _data_points(verdict.data_points),
            b',"content_type":',
            orjson.dumps(call.content_type),
            b',"payload":"',
            b2a_base64(call.body, newline=False),
            _rest(call, verdict, guard),
        )
    )


def _identifiers(identifiers: Iterable[Identifier]) -> bytes:
    return orjson.dumps([{"system": one.system, "value": one.value} for one in identifiers])


def _data_points(values: Iterable[DataPointValue]) -> bytes:
    return orjson.dumps(
        [
            {"data_point_definition_id": data_point, "value_type": value_type, "value": value}
            for data_point, value_type, value in values
        ]
    )


def _rest(call: Call, verdict: Accepted, guard: EnrolmentGuard) -> bytes:
    """What most calls lack, as the end of the record."""
    said: dict[str, Any] = {}
    if call.resubmission_of is not None:
        said["resubmission_of"] = call.resubmission_of
    if verdict.profile:
        said["profile"] = verdict.profile
    if guard is not _START_ANOTHER:
        said["enrolment_guard"] = guard
    if call.logged_headers:
        said["headers"] = call.logged_headers
    if verdict.explanation is not None:
        said["filter"] = verdict.explanation
    return b'",' + orjson.dumps(said)[1:] if said else b'"}'


@lru_cache(maxsize=64)
def _life(received_ms: int) -> tuple[bytes, bytes]:
    """When a call came and when its record expires, as text: the calls of a turn came at one moment."""
    return format_milliseconds(received_ms).encode(), format_milliseconds(received_ms + LIFE_MS).encode()


@lru_cache(maxsize=4_096)
def _ids_of(tenant_id: str, webhook_id: str, definition_id: str, release_id: str) -> bytes:
    """The fields that all calls to a webhook share while its care flow's live release is the same."""
    ids = {"tenant_id": tenant_id, "webhook_id": webhook_id, "definition_id": definition_id, "release_id": release_id}
    return orjson.dumps(ids)[1:-1]


def _headers(kind: _Header, request_id: bytes, time: bytes, traceparent: str) -> Headers:
    return [
        _SPECVERSION,
        ("ce_id", request_id),
        kind,
        _SOURCE,
        ("ce_time", time),
        _CONTENT_TYPE,
        ("ce_subject", request_id),
        ("traceparent", traceparent.encode()),
    ]
