"""One event on its way to one endpoint, and how it is written to Kafka.

On the wire the record's value is what is sent, byte by byte (it is what the signature covers), its key
the endpoint id and shard, and all else stands in one header, so that a body is never parsed or copied on its way.
"""

from collections.abc import Iterable
from typing import Any, Final, Self

from msgspec import Struct
from msgspec.json import Decoder, Encoder
from msgspec.structs import replace

from carewire_contracts.envelope import Headers
from carewire_dispatcher.domain.endpoint import ContentMode, Payload
from carewire_dispatcher.domain.sharding import key_of, read_key, shard_of
from carewire_dispatcher.domain.storable import UNREADABLE, Int8

STATE_HEADER: Final = "delivery"
TRACEPARENT_HEADER: Final = "traceparent"

GROWTH: Final = 256
"""Bytes by which a delivery's record may grow from its first hop to its last: counters get longer."""


class UnreadableDelivery(ValueError):
    """The record is no delivery: its state header is missing or broken. Trying again cannot help."""

    retriable = False


class EventPosition(Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """Where the event stands in its topic: from there it can be read again."""

    topic: str
    partition: int
    offset: int


class _State(Struct, omit_defaults=True, gc=False):
    """What a record's header tells of a delivery. A payload or a mode that a later release may add is read as usual."""

    id: str
    event_id: str
    event_type: str
    event: EventPosition
    event_at: Int8
    due_at: Int8
    first_attempt_at: Int8 | None
    attempt: Int8
    slot: Int8
    epoch: Int8
    hop: Int8
    care_flow_id: str | None = None
    replayed: bool = False
    is_test: bool = False
    payload: Any = "full"
    content_mode: Any = "flat"


class Delivery(Struct, frozen=True, gc=False):
    """One (event, endpoint), as it travels through the lanes and tiers.

    `id` is derived from event and endpoint, so fan-out may repeat itself without harm. `event_at` is when the event
    was appended. `epoch` grows with each deliberate resend. `hop` grows each time that the record is written again.
    `shard` is the part of the endpoint's work that it belongs to. `attempt` counts the attempts that were made;
    `slot` is the place in the schedule of the attempt that is next. `replayed` says that the receiver may have seen
    it in an epoch before, `is_test` that nothing happened but that somebody asked for an example. `body` is what is
    sent, made of the event as `payload` and `content_mode` say.
    """

    id: str
    endpoint_id: str
    event_id: str
    event_type: str
    event: EventPosition
    event_at: int
    body: bytes
    due_at: int
    first_attempt_at: int | None = None
    attempt: int = 0
    slot: int = 0
    epoch: int = 0
    hop: int = 0
    shard: int = 0
    traceparent: str | None = None
    care_flow_id: str | None = None
    replayed: bool = False
    is_test: bool = False
    payload: Payload = "full"
    content_mode: ContentMode = "flat"

    def __repr__(self) -> str:
        # No body: it may be about somebody.
        return f"Delivery(id={self.id!r}, epoch={self.epoch}, hop={self.hop}, attempt={self.attempt})"

    @property
    def key(self) -> str:
        """The key of its records, by which its partition was chosen."""
        return key_of(self.endpoint_id, self.shard)

    def moved(self, shards: int) -> Self:
        """Make the record of the next hop in the shard where it belongs among so many."""
        return replace(self, hop=self.hop + 1, shard=shard_of(self.id, shards))

    def forwarded(self, due_at: int | None = None) -> Self:
        """Make the record of the next hop, due at the same moment or at another."""
        return replace(self, hop=self.hop + 1, due_at=self.due_at if due_at is None else due_at)

    def attempted(self, at: int) -> Self:
        """Count an attempt that started `at`."""
        first = at if self.first_attempt_at is None else self.first_attempt_at
        return replace(self, first_attempt_at=first, attempt=self.attempt + 1)

    def retried(self, slot: int, due_at: int) -> Self:
        """Make the record of the next hop, for the attempt of another slot."""
        return replace(self, hop=self.hop + 1, slot=slot, due_at=due_at)

    def headers(self) -> Headers:
        """Write everything but the body as Kafka headers."""
        state = _State(
            self.id,
            self.event_id,
            self.event_type,
            self.event,
            self.event_at,
            self.due_at,
            self.first_attempt_at,
            self.attempt,
            self.slot,
            self.epoch,
            self.hop,
            self.care_flow_id,
            self.replayed,
            self.is_test,
            self.payload,
            self.content_mode,
        )
        headers = [(STATE_HEADER, _encoder.encode(state))]
        if self.traceparent is not None:
            headers.append((TRACEPARENT_HEADER, self.traceparent.encode()))
        return headers

    @classmethod
    def of(cls, key: bytes | None, value: bytes | None, headers: Iterable[tuple[str, bytes]]) -> Self:
        """Read a Kafka record. Raises UnreadableDelivery where it is none."""
        found = dict(headers)
        state = found.get(STATE_HEADER)
        if state is None or key is None or value is None:
            raise UnreadableDelivery(f"a delivery needs a key, a value and the header {STATE_HEADER}")
        try:
            endpoint_id, shard = read_key(key.decode())
            told = _decoder.decode(state)
        except UNREADABLE:
            raise UnreadableDelivery(f"the header {STATE_HEADER} holds no delivery") from None
        traceparent = found.get(TRACEPARENT_HEADER)
        return cls(
            told.id,
            endpoint_id,
            told.event_id,
            told.event_type,
            told.event,
            told.event_at,
            value,
            told.due_at,
            told.first_attempt_at,
            told.attempt,
            told.slot,
            told.epoch,
            told.hop,
            shard,
            None if traceparent is None else traceparent.decode("utf-8", "replace"),
            told.care_flow_id,
            told.replayed,
            told.is_test,
            "thin" if told.payload == "thin" else "full",
            "cloudevents" if told.content_mode == "cloudevents" else "flat",
        )


_encoder: Final = Encoder()
_decoder: Final = Decoder(_State)
