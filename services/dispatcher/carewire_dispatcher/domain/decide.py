"""What a worker does with a delivery record now. One total function; the worker does as it says.

What an answer means is in `classify`, when attempts are due in `schedule`, where waits are spent in `tiers`.
"""

from typing import Final

from carewire_contracts.record import record
from carewire_contracts.topics import TIERS
from carewire_dispatcher.domain.delivery import Delivery
from carewire_dispatcher.domain.ending import End, EndReason, EndStatus
from carewire_dispatcher.domain.endpoint import Endpoint
from carewire_dispatcher.domain.pacing import UNKNOWN_PACE, Pace
from carewire_dispatcher.domain.tiers import Wheel

HELD_MAX: Final = 64
"""Deliveries of one endpoint that may wait in memory for their time: its partition's offsets can't pass them."""

QUEUED_MAX: Final = 256
"""Deliveries of one endpoint that may queue for a place: an eighth of a partition's window of 2,000. A burst of
so many is over in 80 ms at an endpoint that takes 5 ms for each and 16 at a time."""

FURTHEST_TIER: Final = 2048
"""The tier that bounds how far a full endpoint puts a delivery off, so that a recovery is noticed in half an
hour, while a backlog of 100,000 costs no more than 50 records a second."""


@record()
class Load:
    """What the worker holds of the delivery's endpoint at this moment."""

    in_flight: int = 0
    held: int = 0
    queued: int = 0
    pace: Pace = UNKNOWN_PACE


@record()
class Attempt:
    """Call the endpoint now."""


@record()
class Queue:
    """Keep it in memory until an attempt of its endpoint ends."""


@record()
class Hold:
    """Keep it in memory until it is due."""

    until: int


@record()
class Forward:
    """Write `delivery` to the retry topic of `tier`, in the lane from which it came."""

    tier: int
    delivery: Delivery


@record()
class Drop:
    """A copy of a record that came by before: let it go, its twin goes on."""


Decision = Attempt | Queue | Hold | Forward | End | Drop


def decide(
    now: int,
    delivery: Delivery,
    endpoint: Endpoint | None,
    load: Load,
    wheel: Wheel,
    *,
    is_copy: bool = False,
) -> Decision:
    """Say what to do with a record, first rule first.

    A copy is dropped; without an enabled endpoint it is held; before its time it waits, in memory when
    the wait is below the shortest tier; at a full endpoint it queues while the queue is short, else it is
    diverted to the endpoint's next slot, so that it never waits at the head of a partition of others.
    """
    if is_copy:
        return Drop()
    if endpoint is None:
        return End(EndStatus.HELD, EndReason.ENDPOINT_DELETED)
    if not endpoint.enabled:
        return End(EndStatus.HELD, EndReason.ENDPOINT_DISABLED)
    if delivery.due_at > now:
        return _wait(now, delivery, load, wheel)
    if load.in_flight < endpoint.concurrency:
        return Attempt()
    if load.queued < QUEUED_MAX and load.pace.wait_behind(load.queued, endpoint.concurrency) < wheel.shortest:
        return Queue()
    return _divert(now, delivery, load, wheel)


def _wait(now: int, delivery: Delivery, load: Load, wheel: Wheel) -> Hold | Forward:
    tier = wheel.tier_for(delivery.due_at - now)
    if tier is not None:
        return Forward(tier, delivery.forwarded())
    if load.held < HELD_MAX:
        return Hold(delivery.due_at)
    return Forward(TIERS[0], delivery.forwarded())


def _divert(now: int, delivery: Delivery, load: Load, wheel: Wheel) -> Forward:
    slot = max(load.pace.next_slot, now + wheel.shortest)
    slot = min(slot, now + wheel.delay(FURTHEST_TIER))
    tier = wheel.tier_for(slot - now)
    return Forward(TIERS[0] if tier is None else tier, delivery.forwarded(due_at=slot))
