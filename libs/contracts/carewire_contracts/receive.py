"""For teams downstream: verify and read what Carewire sends, with this package alone.

message = verify(body, headers, "whsec_...")   # a webhook, raw bytes as received
event = message.event                          # typed

envelope, event = parse_record(record.headers, record.value)   # a Kafka record
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import orjson
from pydantic import BaseModel, ValidationError

from carewire_contracts.envelope import Envelope
from carewire_contracts.event_catalogue import EVENT_CATALOGUE

TOLERANCE: Final = timedelta(minutes=5)
"""How far a webhook's timestamp may lie from now, to stop replays (Standard Webhooks, "Verifying webhooks")."""


class ReceiveError(ValueError):
    """What was received cannot be used.

    ReceiveError
    ├── SignatureError     it does not come from Carewire, or not lately: answer 401, do nothing
    └── UnknownEventError  the type or its shape is newer than this package: acknowledge, and update
    """


class SignatureError(ReceiveError):
    """A header is missing or malformed, the timestamp is too old or too new, or no signature matches."""


class UnknownEventError(ReceiveError):
    """The payload is no event that this version knows. The text names fields, never values."""


@dataclass(frozen=True, slots=True)
class Received:
    """A verified webhook. `id` is the same each time that the event is sent: dedupe by it."""

    id: str
    timestamp: datetime
    event: BaseModel


def verify(
    body: bytes,
    headers: Mapping[str, str],
    *secrets: str,
    now: datetime | None = None,
    tolerance: timedelta = TOLERANCE,
) -> Received:
    """Check a webhook's signature over its raw bytes, then read its event.

    Several secrets are tried in turn, for a rotation. Header names are matched in any case. `now` is the
    current time unless given. Raises SignatureError or UnknownEventError.
    """
    found = {name.lower(): value for name, value in headers.items()}
    missing = [name for name in ("webhook-id", "webhook-timestamp", "webhook-signature") if name not in found]
    if missing:
        raise SignatureError(f"missing headers: {', '.join(missing)}")
    timestamp = _timestamp(found["webhook-timestamp"])
    if abs((now or datetime.now(UTC)) - timestamp) > tolerance:
        raise SignatureError("webhook-timestamp is too far from now; check the clock, else it is a replay")
    signed = f"{found['webhook-id']}.{found['webhook-timestamp']}.".encode() + body
    if not any(_matches(secret, signed, found["webhook-signature"]) for secret in secrets):
        raise SignatureError("no signature matches; verify the raw bytes, with the endpoint's current secret")
    return Received(found["webhook-id"], timestamp, parse(body))


def parse(body: bytes) -> BaseModel:
    """Read an event of any known type from its JSON. Raises UnknownEventError."""
    try:
        event_type = EVENT_CATALOGUE[orjson.loads(body)["event_type"]]
    except (ValueError, KeyError, TypeError):
        raise UnknownEventError("the payload has no event_type that this version of the package knows") from None
    try:
        return event_type.model.model_validate_json(body)
    except ValidationError as error:
        places = ", ".join(".".join(map(str, e["loc"])) for e in error.errors(include_input=False))
        raise UnknownEventError(f"a {event_type.name} of another shape: look at {places}") from None


def parse_record(headers: Iterable[tuple[str, bytes]], value: bytes) -> tuple[Envelope, BaseModel]:
    """Read a Kafka record of a public topic. Raises EnvelopeError or UnknownEventError."""
    return Envelope.of(headers), parse(value)


def _timestamp(text: str) -> datetime:
    try:
        return datetime.fromtimestamp(int(text), UTC)
    except (ValueError, OverflowError, OSError):
        raise SignatureError("webhook-timestamp is no Unix time in seconds") from None


def _matches(secret: str, signed: bytes, signatures: str) -> bool:
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        raise SignatureError("the secret is malformed: it is 'whsec_' and base64, as shown at creation") from None
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    offered = (part.partition(",") for part in signatures.split())
    return any(
        version == "v1" and hmac.compare_digest(text.encode(), expected.encode()) for version, _, text in offered
    )
