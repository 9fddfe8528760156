"""A subscriber: where its deliveries go, what it wants, and how much it bears at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, Literal, Self, TypeAlias

from carewire_contracts.json_query import JsonQuery
from carewire_dispatcher.domain.event_filter import EventFilter
from carewire_dispatcher.domain.sharding import part_of

DEFAULT_CONCURRENCY: Final = 16
DEFAULT_TIMEOUT_S: Final = 10.0
MOST_SHARDS: Final = 64

Payload: TypeAlias = Literal["full", "thin"]
"""Whether an event is sent whole, or only what it takes to look the rest up."""
ContentMode: TypeAlias = Literal["flat", "cloudevents"]
"""Whether a body is the event alone, or a structured CloudEvent that holds it."""


class DisabledBecause(StrEnum):
    """Who or what switched an endpoint off. The list is closed."""

    OPERATOR = "operator"
    """Staff did, or never switched it on."""
    GONE = "gone"
    """It answered 410."""
    FAILING = "failing"
    """It has been failing for days."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One subscriber as fan-out and workers know it, its secrets opened.

    `event_types` None means every domain event; status events of incoming webhooks have to be named, since
    every request makes three of them. `definition_ids` None means every care-flow definition; where it is
    set, events that belong to no care flow (those of patients) don't match. `filter` chooses among the rest.

    What signs: `secrets` (HMAC-SHA256), `ed25519_keys` (raw seeds of 32 bytes) and `rsa_key` (PKCS#8, DER), as far as
    the endpoint asked for their scheme. The newest comes first, and there are two during a rotation, of which the old
    one signs until `old_secret_until` or `old_ed25519_key_until`; None there sets no end.

    `disabled_because` is set where `enabled` is not. What is sent to an endpoint that is `paused`, gone or failing is
    held; one that an operator disabled gets nothing.

    `concurrency` is the number of attempts at a time, `rate_per_s` that of attempts in a second, on average; None
    sets no bound. `retry_offsets_s` are the seconds from the first attempt to each, None the standard ones; after an
    answer with one of the `terminal_statuses` there is no further one. `shards` is how many partitions share its work.
    Each `heartbeat_s` seconds it is told what it is to have received; None: never. `redacted` is what of the bodies of
    either side nobody is shown.

    What `is_sealed` could not be opened, for a key is missing: it lacks its secrets, and is paused until they are here.
    `judged_from` is when it was last enabled or moved: what attempts of before came to says nothing of it.
    An earlier release did not tell: None.
    """

    id: str
    url: str
    event_types: frozenset[str] | None = None
    definition_ids: frozenset[str] | None = None
    filter: EventFilter | None = None
    secrets: tuple[bytes, ...] = field(default=(), repr=False)
    old_secret_until: int | None = None
    ed25519_keys: tuple[bytes, ...] = field(default=(), repr=False)
    old_ed25519_key_until: int | None = None
    rsa_key: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    payload: Payload = "full"
    content_mode: ContentMode = "flat"
    enabled: bool = True
    disabled_because: DisabledBecause | None = None
    paused: bool = False
    concurrency: int = DEFAULT_CONCURRENCY
    timeout_s: float = DEFAULT_TIMEOUT_S
    rate_per_s: float | None = None
    retry_offsets_s: tuple[int, ...] | None = None
    terminal_statuses: frozenset[int] = frozenset()
    shards: int = 1
    heartbeat_s: int | None = None
    redacted: tuple[JsonQuery, ...] = ()
    is_sealed: bool = False
    judged_from: int | None = None

    @property
    def is_served(self) -> bool:
        """Whether deliveries are made for it, be it to be held until it is back."""
        return self.enabled or self.disabled_because in {DisabledBecause.GONE, DisabledBecause.FAILING}

    def part(self, shard: int) -> Self:
        """Return the endpoint as one of its shards sees it: with its part of concurrency and rate."""
        if self.shards == 1:
            return self
        rate = None if self.rate_per_s is None else self.rate_per_s / self.shards
        return replace(self, concurrency=part_of(self.concurrency, self.shards, shard), rate_per_s=rate)

    def secrets_at(self, now: int) -> tuple[bytes, ...]:
        """List the secrets that sign at a moment, the newest first."""
        return keys_at(self.secrets, self.old_secret_until, now)

    def ed25519_keys_at(self, now: int) -> tuple[bytes, ...]:
        """List the ed25519 keys that sign at a moment, the newest first."""
        return keys_at(self.ed25519_keys, self.old_ed25519_key_until, now)


def keys_at(keys: tuple[bytes, ...], old_until: int | None, now: int) -> tuple[bytes, ...]:
    """List the keys that sign at a moment, the newest first: the old one ends at `old_until`, None sets no end."""
    return keys if old_until is None or now < old_until else keys[:1]
