"""Records of one call to an incoming webhook: accepted (`ingress.requests`) or refused (`ingress.refused`).

They are on the hot path, so they are dataclasses written by hand-laid dicts: no validation per record, the
writer being ours. A reader that meets a record of another shape gets RecordError and sends it to the dead letters.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, NamedTuple, Self, TypeVar

import orjson

from carewire_contracts.identifiers import Identifier
from carewire_contracts.record import record
from carewire_contracts.timestamps import format_timestamp, parse_timestamp


class RecordError(ValueError):
    """The bytes are no such record; the text names the field. Trying again cannot help."""


class ReasonCode(StrEnum):
    """Why ingress refused a call. The list is closed: logs, metrics and third parties rely on it."""

    DISABLED = "disabled"
    FILTERED = "filtered"
    UNAUTHENTICATED = "unauthenticated"
    MALFORMED_PAYLOAD = "malformed_payload"
    DEFINITION_NOT_LIVE = "definition_not_live"
    NOT_MAPPED = "not_mapped"
    NO_MATCH = "no_match"
    SEVERAL_MATCHES = "several_matches"
    WRONG_TYPE = "wrong_type"
    NOT_A_POSSIBLE_VALUE = "not_a_possible_value"
    OUT_OF_RANGE = "out_of_range"
    MALFORMED_IDENTIFIER = "malformed_identifier"
    UNKNOWN_IDENTIFIER_SYSTEM = "unknown_identifier_system"
    PLACEHOLDER_IDENTIFIER = "placeholder_identifier"
    MALFORMED_START_KEY = "malformed_start_key"


class EnrolmentGuard(StrEnum):
    """What happens to a call whose patient already has, or ever had, a care flow of the same definition."""

    START_ANOTHER = "start_another"
    SKIP_WHEN_ACTIVE = "skip_when_active"
    SKIP_WHEN_EVER_ENROLLED = "skip_when_ever_enrolled"

    @property
    def may_skip(self) -> bool:
        """Whether some calls start nothing."""
        return self is not EnrolmentGuard.START_ANOTHER


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that is wrong, in words that the sender can act on; it never holds a value of the payload.

    `data_point` is the key of the baseline data point, `path` the JSONPath or header that was looked at.
    """

    code: ReasonCode
    message: str
    data_point: str | None = None
    path: str | None = None
    expected: str | None = None
    found: str | None = None

    def as_dict(self) -> dict[str, str]:
        """The reason as JSON, without what doesn't apply."""
        fields = ("code", "message", "data_point", "path", "expected", "found")
        return {name: str(value) for name in fields if (value := getattr(self, name)) is not None}

    @classmethod
    def of(cls, data: Mapping[str, str]) -> Self:
        """Read a reason from JSON. Raises KeyError or ValueError for another shape."""
        optional = (data.get(name) for name in ("data_point", "path", "expected", "found"))
        return cls(ReasonCode(data["code"]), data["message"], *optional)


class DataPointValue(NamedTuple):
    """A typed baseline value in its wire form (`carewire_contracts.values.to_wire`)."""

    data_point_definition_id: str
    value_type: str
    value: Any

    def __repr__(self) -> str:
        """Show no value: it may be personal data."""
        return f"DataPointValue({self.data_point_definition_id!r}, {self.value_type!r}, <redacted>)"


@record(repr=False)
class AcceptedRequest:
    """A call that was accepted: the orchestrator starts one care flow for its `start_key`, for ever.

    `body_digest` is the SHA-256 (hex) of the raw body, or of the mapped content, by which a reused key is told
    from a repeated call. A record that the broker appended after `expires_at` was answered 503 and must not start.
    `resubmission_of` is the request that staff sent again, None for a call of a third party. `profile` is for a
    patient who gets created: fields of the reference's section 1.3, those of an address as `address.city`. `headers`
    are those that may be logged. `filter` explains the filter that let the call pass, condition by condition; None
    where the webhook has none.
    """

    request_id: str
    tenant_id: str
    webhook_id: str
    definition_id: str
    release_id: str
    start_key: str
    body_digest: str
    received_at: datetime
    expires_at: datetime
    identifiers: tuple[Identifier, ...]
    data_points: tuple[DataPointValue, ...]
    content_type: str
    payload: bytes
    resubmission_of: str | None = None
    profile: Mapping[str, str] = field(default_factory=dict)
    enrolment_guard: EnrolmentGuard = EnrolmentGuard.START_ANOTHER
    headers: Mapping[str, str] = field(default_factory=dict)
    filter: tuple[Mapping[str, Any], ...] | None = None

    def encode(self) -> bytes:
        """The record's value for Kafka."""
        return orjson.dumps(
            {
                "request_id": self.request_id,
                "tenant_id": self.tenant_id,
                "webhook_id": self.webhook_id,
                "definition_id": self.definition_id,
                "release_id": self.release_id,
                "start_key": self.start_key,
                "body_digest": self.body_digest,
                "received_at": format_timestamp(self.received_at),
                "expires_at": format_timestamp(self.expires_at),
                "identifiers": [{"system": i.system, "value": i.value} for i in self.identifiers],
                "data_points": _write_data_points(self.data_points),
                "content_type": self.content_type,
                "payload": b64encode(self.payload).decode(),
                **_said(
                    resubmission_of=self.resubmission_of,
                    profile=self.profile or None,
                    enrolment_guard=self.enrolment_guard if self.enrolment_guard.may_skip else None,
                    headers=self.headers or None,
                    filter=self.filter,
                ),
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read a record's value. Raises RecordError where the bytes are no accepted request."""
        return _read(data, cls._of)

    @classmethod
    def _of(cls, data: Mapping[str, Any]) -> Self:
        return cls(
            request_id=data["request_id"],
            tenant_id=data["tenant_id"],
            webhook_id=data["webhook_id"],
            definition_id=data["definition_id"],
            release_id=data["release_id"],
            start_key=data["start_key"],
            body_digest=data["body_digest"],
            received_at=parse_timestamp(data["received_at"]),
            expires_at=parse_timestamp(data["expires_at"]),
            identifiers=tuple(Identifier(i["system"], i["value"]) for i in data["identifiers"]),
            data_points=_read_data_points(data["data_points"]),
            content_type=data["content_type"],
            payload=b64decode(data["payload"], validate=True),
            resubmission_of=data.get("resubmission_of"),
            profile=dict(data.get("profile", {})),
            enrolment_guard=EnrolmentGuard(data.get("enrolment_guard", EnrolmentGuard.START_ANOTHER)),
            headers=dict(data.get("headers", {})),
            filter=_read_filter(data),
        )


@record(repr=False)
class RefusedRequest:
    """A call that starts nothing: REJECTED with its reasons, or a TEST with its would-be reasons.

    A TEST without reasons would have been accepted. `payload` is None where the sender was not authenticated,
    so that a stranger cannot fill the log with content. `resubmission_of`, `headers` and `filter` are as in
    `AcceptedRequest`. `start_key` is the one that the sender's own key gives a rejected call, None where it gave none:
    under it the call is sent again by staff, so that the sender may repeat it as well.
    """

    request_id: str
    tenant_id: str
    webhook_id: str
    definition_id: str
    status: Literal["REJECTED", "TEST"]
    received_at: datetime
    reasons: tuple[Reason, ...]
    data_points: tuple[DataPointValue, ...]
    content_type: str
    payload: bytes | None
    resubmission_of: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    filter: tuple[Mapping[str, Any], ...] | None = None
    start_key: str | None = None

    def encode(self) -> bytes:
        """The record's value for Kafka."""
        return orjson.dumps(
            {
                "request_id": self.request_id,
                "tenant_id": self.tenant_id,
                "webhook_id": self.webhook_id,
                "definition_id": self.definition_id,
                "status": self.status,
                "received_at": format_timestamp(self.received_at),
                "reasons": [reason.as_dict() for reason in self.reasons],
                "data_points": _write_data_points(self.data_points),
                "content_type": self.content_type,
                "payload": None if self.payload is None else b64encode(self.payload).decode(),
                **_said(
                    resubmission_of=self.resubmission_of,
                    headers=self.headers or None,
                    filter=self.filter,
                    start_key=self.start_key,
                ),
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read a record's value. Raises RecordError where the bytes are no refused request."""
        return _read(data, cls._of)

    @classmethod
    def _of(cls, data: Mapping[str, Any]) -> Self:
        if data["status"] not in ("REJECTED", "TEST"):
            raise ValueError("status")
        payload = data["payload"]
        return cls(
            request_id=data["request_id"],
            tenant_id=data["tenant_id"],
            webhook_id=data["webhook_id"],
            definition_id=data["definition_id"],
            status=data["status"],
            received_at=parse_timestamp(data["received_at"]),
            reasons=tuple(Reason.of(reason) for reason in data["reasons"]),
            data_points=_read_data_points(data["data_points"]),
            content_type=data["content_type"],
            payload=None if payload is None else b64decode(payload, validate=True),
            resubmission_of=data.get("resubmission_of"),
            headers=dict(data.get("headers", {})),
            filter=_read_filter(data),
            start_key=data.get("start_key"),
        )


Record = TypeVar("Record")


def _read(data: bytes, build: Callable[[Mapping[str, Any]], Record]) -> Record:
    try:
        return build(orjson.loads(data))
    except KeyError as missing:
        raise RecordError(f"the record lacks field {missing.args[0]}") from None
    except (ValueError, TypeError, AttributeError):
        # The driver's text may hold a value of the payload: say the shape alone.
        raise RecordError("the record is no JSON object of the expected shape") from None


def _said(**fields: Any) -> dict[str, Any]:
    # What most calls lack is left out, so that their records stay small, and as they were before there was any of it.
    return {name: value for name, value in fields.items() if value is not None}


def _read_filter(data: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...] | None:
    said = data.get("filter")
    return None if said is None else tuple(said)


def _write_data_points(values: tuple[DataPointValue, ...]) -> list[dict[str, Any]]:
    return [
        {"data_point_definition_id": v.data_point_definition_id, "value_type": v.value_type, "value": v.value}
        for v in values
    ]


def _read_data_points(values: list[Mapping[str, Any]]) -> tuple[DataPointValue, ...]:
    return tuple(DataPointValue(v["data_point_definition_id"], v["value_type"], v["value"]) for v in values)
