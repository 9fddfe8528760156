"""A subscriber: where its deliveries go, what it wants, and how much it bears at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

DEFAULT_CONCURRENCY: Final = 16
DEFAULT_TIMEOUT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One subscriber as fan-out and workers know it, its secrets opened.

    `event_types` None means every domain event; status events of incoming webhooks have to be named, since
    every request makes three of them. `definition_ids` None means every care-flow definition; where it is
    set, events that belong to no care flow (those of patients) don't match. `secrets` has the newest first,
    and two during a rotation. `concurrency` is the number of attempts at a time,
    `rate_per_s` that of attempts in a second, on average; None sets no bound.
    """

    id: str
    url: str
    event_types: frozenset[str] | None = None
    definition_ids: frozenset[str] | None = None
    secrets: tuple[bytes, ...] = field(default=(), repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    enabled: bool = True
    concurrency: int = DEFAULT_CONCURRENCY
    timeout_s: float = DEFAULT_TIMEOUT_S
    rate_per_s: float | None = None
