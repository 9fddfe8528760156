"""For teams downstream: verify and read what Carewire sends, with this package alone.

message = verify(body, headers, "whsec_...")   # a webhook, raw bytes as received; or with its public key, "whpk_..."
event = message.event                          # typed

envelope, event = parse_record(record.headers, record.value)   # a Kafka record
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import orjson
from pydantic import BaseModel, ValidationError

from carewire_contracts.envelope import Envelope
from carewire_contracts.event_catalogue import EVENT_CATALOGUE

TOLERANCE: Final = timedelta(minutes=5)
"""How far a webhook's timestamp may lie from now, to stop replays (Standard Webhooks, "Verifying webhooks")."""

_SECRET: Final = "whsec_"  # noqa: S105  the prefix is public
_PUBLIC: Final = "whpk_"


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
    *keys: str,
    now: datetime | None = None,
    tolerance: timedelta = TOLERANCE,
) -> Received:
    """Check a webhook's signature over its raw bytes, then read its event.

    `keys` are secrets (`whsec_`) or public keys (`whpk_`, which need the extra `ed25519` of this package); several are
    tried in turn, for a rotation. Header names are matched in any case. `now` is the current time unless given.
    Raises SignatureError or UnknownEventError.
    """
    found = {name.lower(): value for name, value in headers.items()}
    missing = [name for name in ("webhook-id", "webhook-timestamp", "webhook-signature") if name not in found]
    if missing:
        raise SignatureError(f"missing headers: {', '.join(missing)}")
    timestamp = _timestamp(found["webhook-timestamp"])
    if abs((now or datetime.now(UTC)) - timestamp) > tolerance:
        raise SignatureError("webhook-timestamp is too far from now; check the clock, else it is a replay")
    signed = f"{found['webhook-id']}.{found['webhook-timestamp']}.".encode() + body
    if not any(_matches(key, signed, found["webhook-signature"]) for key in keys):
        raise SignatureError("no signature matches; verify the raw bytes, with the endpoint's current secret or key")
    return Received(found["webhook-id"], timestamp, parse(body))


def parse(body: bytes) -> BaseModel:
    """Read an event of any known type from its JSON, bare or as the data of a CloudEvent. Raises UnknownEventError."""
    try:
        document = orjson.loads(body)
        if "specversion" in document and "event_type" not in document:
            document = document["data"]
            body = orjson.dumps(document)
        event_type = EVENT_CATALOGUE[document["event_type"]]
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


def _matches(key: str, signed: bytes, signatures: str) -> bool:
    offered = [part.partition(",") for part in signatures.split()]
    if key.startswith(_PUBLIC):
        return _verifies(_decoded(key, _PUBLIC), signed, [text for version, _, text in offered if version == "v1a"])
    expected = base64.b64encode(hmac.new(_decoded(key, _SECRET), signed, hashlib.sha256).digest())
    return any(version == "v1" and hmac.compare_digest(text.encode(), expected) for version, _, text in offered)


def _decoded(key: str, prefix: str) -> bytes:
    try:
        return base64.b64decode(key.removeprefix(prefix), validate=True)
    except ValueError:
        what = "public key" if prefix == _PUBLIC else "secret"
        raise SignatureError(f"the {what} is malformed: it is '{prefix}' and base64, as shown at creation") from None


def _verifies(public_key: bytes, signed: bytes, signatures: Iterable[str]) -> bool:
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ModuleNotFoundError:
        raise ImportError("to verify by a public key, install carewire-contracts[ed25519]") from None
    try:
        key = Ed25519PublicKey.from_public_bytes(public_key)
    except ValueError:
        raise SignatureError("the public key is malformed: it holds 32 bytes, as shown at creation") from None
    for signature in signatures:
        with suppress(InvalidSignature, ValueError):
            key.verify(base64.b64decode(signature, validate=True), signed)
            return True
    return False
