"""Repair: deliveries that ended without success, or never came about, are made anew from their events.

Retry, resume and replay are one thing. Each takes deliveries by what the log knows of them, in an epoch of its own;
epochs only grow, so a newer repair supersedes all that is older, and a repair that was killed does the same again.
"""

from enum import StrEnum
from typing import Final

from carewire_contracts.record import record
from carewire_dispatcher.domain.endpoint import Endpoint
from carewire_dispatcher.domain.log_entry import DeliveryStatus

NEWEST_EPOCH: Final = 2**31 - 1
"""Beyond every epoch: what a preview asks with."""
SETTLING_MS: Final = 5_000
"""How long workers may go on holding what an endpoint gets that was switched on: until all have heard of it."""


class RepairKind(StrEnum):
    """What was asked for."""

    RETRY_ONE = "retry_one"
    RETRY_FAILED = "retry_failed"
    RESUME = "resume"
    REPLAY = "replay"


class Which(StrEnum):
    """Which deliveries are taken."""

    HELD = "held"
    """Those that were kept back while their endpoint was paused or disabled."""
    FAILED = "failed"
    """Those that ended without success."""
    MISSING = "missing"
    """Those that are neither delivered nor still tried: also where no delivery was ever made of the event."""
    ALL = "all"
    """All of them, delivered or not."""


class RepairState(StrEnum):
    """How far a repair has come."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    STOPPED = "stopped"
    """It could not go on; `reason` says why. What it had taken by then is on its way."""


class Obstacle(StrEnum):
    """Why a repair is refused, or stops. The list is closed."""

    ENDPOINT_DELETED = "endpoint_deleted"
    ENDPOINT_DISABLED = "endpoint_disabled"
    ENDPOINT_PAUSED = "endpoint_paused"
    LOG_LAGS = "log_lags"
    LOG_EXPIRED = "log_expired"
    EVENTS_EXPIRED = "events_expired"
    FAULT = "fault"

    @property
    def remedy(self) -> str:
        """What is the matter, and what to do about it."""
        return _REMEDIES[self]


_REMEDIES: Final = {
    Obstacle.ENDPOINT_DELETED: "The endpoint exists no more; nothing can be sent to it.",
    Obstacle.ENDPOINT_DISABLED: "The endpoint is disabled. Enable it: what is held for it is sent by that alone.",
    Obstacle.ENDPOINT_PAUSED: "The endpoint is paused. Resume it: what is held for it is sent by that alone.",
    Obstacle.LOG_LAGS: (
        "The attempt log lags, so it cannot be told what was delivered. Ask again when it has caught up; "
        "`which: all` does not need it."
    ),
    Obstacle.LOG_EXPIRED: (
        "The attempt log does not go back so far, so it cannot be told what was delivered. Begin at `readable_from`, "
        "or ask for `which: all`."
    ),
    Obstacle.EVENTS_EXPIRED: "Events from before `readable_from` are gone from Kafka. Begin there.",
    Obstacle.FAULT: "A fault of ours stopped it; the log of the service says more. Ask anew once it is mended.",
}

LIVING: Final = (RepairState.WAITING, RepairState.RUNNING)
BY_LOG: Final[dict[Which, tuple[DeliveryStatus, ...]]] = {
    Which.HELD: (DeliveryStatus.HELD,),
    Which.FAILED: (DeliveryStatus.FAILED, DeliveryStatus.HELD),
}
"""What is taken by looking into the log alone. Everything else begins with the events."""


@record()
class Known:
    """What the log knows of a delivery."""

    status: DeliveryStatus
    epoch: int
    attempts: int


def takes(which: Which, known: Known | None, epoch: int) -> bool:
    """Whether a repair of some epoch takes a delivery.

    One of its own epoch it took already, before it was killed; one of a newer epoch belongs to another repair.
    """
    if known is None:
        return which in (Which.MISSING, Which.ALL)
    if known.epoch >= epoch:
        return False
    if which is Which.ALL:
        return True
    ended_without_success = known.status in BY_LOG[Which.FAILED]
    return known.status is DeliveryStatus.HELD if which is Which.HELD else ended_without_success


def may_have_been_seen(known: Known | None) -> bool:
    """Whether the receiver may have seen the delivery before."""
    return known is not None and (known.attempts > 0 or known.epoch > 0)


def closed_because(endpoint: Endpoint | None) -> Obstacle | None:
    """Say why nothing can be sent to an endpoint, if so."""
    if endpoint is None:
        return Obstacle.ENDPOINT_DELETED
    if not endpoint.enabled:
        return Obstacle.ENDPOINT_DISABLED
    return Obstacle.ENDPOINT_PAUSED if endpoint.paused else None


@record()
class Reach:
    """How far back events and the log can be read, and whether the log tells of all that has happened."""

    events_from: int
    log_from: int
    log_is_caught_up: bool

    @property
    def readable_from(self) -> int:
        """From when on both can be read."""
        return max(self.events_from, self.log_from)


def obstacle_of(which: Which, begin: int | None, reach: Reach) -> Obstacle | None:
    """Say why deliveries cannot be told apart as asked, from an event's instant on (None: whatever the log has)."""
    if which is Which.ALL:
        return None if begin is None or begin >= reach.events_from else Obstacle.EVENTS_EXPIRED
    if not reach.log_is_caught_up and which is not Which.HELD:
        return Obstacle.LOG_LAGS
    if begin is None or begin >= reach.readable_from:
        return None
    return Obstacle.EVENTS_EXPIRED if begin < reach.events_from else Obstacle.LOG_EXPIRED


def resumed_wholly(taken: int, *, is_settled: bool) -> bool:
    """Whether a look at all that is held was the last one: it found nothing, and began when nothing more could come.

    That is when the log had been told all that was held before every worker had heard.
    """
    return taken == 0 and is_settled


def all_have_heard(now: int, asked_at: int) -> bool:
    """Whether every worker knows that the endpoint is open: from then on nothing more is held."""
    return now >= asked_at + SETTLING_MS


def pause_after(taken: int, looked_at: int, rate_per_s: float | None) -> int:
    """Say for how many milliseconds a repair rests after a step, so that it hurts nobody."""
    rate = MOST_PER_S if rate_per_s is None else min(MOST_PER_S, rate_per_s)
    return round(max(1000 * taken / rate, 1000 * looked_at / MOST_LOOKED_AT_PER_S))


MOST_PER_S: Final = 500
"""Deliveries that a repair writes in a second, or fewer where the endpoint bears less: what is more would be diverted
again and again. An eighth of what a worker makes, and in the lane that comes second."""
MOST_LOOKED_AT_PER_S: Final = 10_000
"""Events that a repair reads in a second: some percent of a core."""
