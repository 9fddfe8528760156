"""What a worker does with a delivery record now. One total function; the worker does as it says.

What an answer means is in `classify`, when attempts are due in `schedule`, where waits are spent in `tiers`, when an
endpoint is left alone in `breaker`, and how often it may be called in `rate`.
"""

from typing import Final

from carewire_contracts.record import record
from carewire_contracts.topics import TIERS
from carewire_dispatcher.domain import rate
from carewire_dispatcher.domain.delivery import Delivery
from carewire_dispatcher.domain.ending import End, EndReason, EndStatus
from carewire_dispatcher.domain.endpoint import Endpoint
from carewire_dispatcher.domain.policy import Policy
from carewire_dispatcher.domain.standing import UNKNOWN, Standing

HELD_MAX: Final = 64
"""Deliveries of one endpoint that may wait in memory for their time: its partition's offsets can't pass them."""

FURTHEST_TIER: Final = 2048
"""The tier that bounds how far a delivery is put off, so that all of a backlog is back half an hour after a recovery,
while one of a million costs no more than 500 records a second."""

HEARD_WITHIN_MS: Final = 5_000
"""How much later than fan-out a worker may hear of a new endpoint. Afterwards one that it doesn't know was deleted."""
ASKED_AGAIN_MS: Final = 250
"""How far apart a delivery asks whether its endpoint is known by now."""

LIMIT_WHEN_CROWDED: Final = 2
"""Places of each endpoint while the process is crowded: of its 2,000 slots 1,000 are left then, enough for 500
endpoints that hang all at once and that no breaker knows yet."""


@record()
class Load:
    """What the worker holds of the delivery's endpoint at this moment, and how it is placed itself.

    It is crowded when half of its slots are taken. The partition is strained when so many of its records are under way
    that those of one endpoint should not queue before those of others.
    """

    in_flight: int = 0
    held: int = 0
    queued: int = 0
    standing: Standing = UNKNOWN
    is_crowded: bool = False
    is_strained: bool = False


@record()
class Attempt:
    """Call the endpoint now."""


@record()
class Queue:
    """Keep it in memory until an attempt of its endpoint ends."""


@record()
class Hold:
    """Keep it in memory until a moment: that when it is due, or its endpoint's next slot."""

    until: int


@record()
class Forward:
    """Write `delivery` to the retry topic of `tier`, in the lane from which it came."""

    tier: int
    delivery: Delivery


@record()
class Divert:
    """It can't go now: write `delivery` to the bulk lane's retry topic of `tier`, due at its endpoint's next slot."""

    tier: int
    delivery: Delivery


@record()
class Move:
    """Write `delivery` to its lane once more, for the shard where it belongs since there are fewer of them."""

    delivery: Delivery


@record()
class Drop:
    """A copy of a record that came by before: let it go, its twin goes on."""


Decision = Attempt | Queue | Hold | Forward | Divert | Move | End | Drop


def decide(
    now: int,
    delivery: Delivery,
    endpoint: Endpoint | None,
    load: Load,
    policy: Policy,
    *,
    is_copy: bool = False,
) -> Decision:
    """Say what to do with a record, first rule first.

    A copy is dropped; without an endpoint that is enabled and not paused it is held, but what was made just now waits
    for its endpoint to be heard of; of a shard that is no more it is moved; before its time it waits, in memory when
    the wait is below the shortest tier. Then it goes out, unless the endpoint has no place for it or its rate is used
    up: a place that is free in a moment is queued for, for anything else it is diverted to the endpoint's next slot.
    So it never waits at the head of a partition of others. What was never tried goes out a moment early where there is
    a place for it.
    """
    if is_copy:
        return Drop()
    if endpoint is None:
        return _without_endpoint(now, delivery, load)
    if not endpoint.enabled:
        return End(EndStatus.HELD, EndReason.ENDPOINT_DISABLED)
    if endpoint.paused:
        return End(EndStatus.HELD, EndReason.ENDPOINT_PAUSED)
    if delivery.shard >= endpoint.shards:
        return Move(delivery.moved(endpoint.shards))
    if delivery.due_at <= now:
        return _go(now, delivery, endpoint, load, policy)
    if _may_go_early(now, delivery, policy):
        early = _go(now, delivery, endpoint, load, policy)
        if isinstance(early, Attempt | Queue):
            return early
    return _wait(now, delivery, load, policy)


def _without_endpoint(now: int, delivery: Delivery, load: Load) -> Hold | End:
    """Wait for the news of an endpoint: nobody would send what ended as held because they came a moment later."""
    is_new = delivery.hop == 0 and abs(now - delivery.due_at) < HEARD_WITHIN_MS
    if is_new and load.held < HELD_MAX:
        return Hold(now + ASKED_AGAIN_MS)
    return End(EndStatus.HELD, EndReason.ENDPOINT_DELETED)


def _go(
    now: int, delivery: Delivery, endpoint: Endpoint, load: Load, policy: Policy
) -> Attempt | Queue | Hold | Divert:
    """Send it out, or find it a place."""
    horizon = _horizon(delivery, endpoint, policy)
    limit = _limit(now, horizon, endpoint, load, policy)
    if load.in_flight >= limit:
        return _without_place(now, delivery, horizon, load, policy, limit)
    if endpoint.rate_per_s is not None:
        free_at = rate.free_at(load.standing.rate_used_until, endpoint.rate_per_s)
        if free_at > now:
            return _divert(now, delivery, horizon, load, policy, free_at)
    return Attempt()


def _may_go_early(now: int, delivery: Delivery, policy: Policy) -> bool:
    """Say whether an endpoint that has a place already need not be kept waiting.

    What was never tried has no schedule to keep: it was put off to when a place was likely to be free.
    """
    return delivery.first_attempt_at is None and delivery.due_at - now < policy.wheel.shortest


def _wait(now: int, delivery: Delivery, load: Load, policy: Policy) -> Hold | Forward:
    tier = policy.wheel.tier_for(delivery.due_at - now)
    if tier is not None:
        return Forward(tier, delivery.forwarded())
    if load.held < HELD_MAX:
        return Hold(delivery.due_at)
    return Forward(TIERS[0], delivery.forwarded())


def _horizon(delivery: Delivery, endpoint: Endpoint, policy: Policy) -> int | None:
    """Say when the last attempt is; unknown before the first one."""
    first = delivery.first_attempt_at
    return None if first is None else policy.schedule.of(endpoint.retry_offsets_s).horizon(first)


def _limit(now: int, horizon: int | None, endpoint: Endpoint, load: Load, policy: Policy) -> int:
    """Say how many attempts may be under way. The last one, at the horizon, is made breaker or not."""
    limit = endpoint.concurrency
    if not _is_last(now, horizon):
        limit = policy.breaker.limit(load.standing.breaker, now, limit)
    return min(limit, LIMIT_WHEN_CROWDED) if load.is_crowded else limit


def _is_last(now: int, horizon: int | None) -> bool:
    return horizon is not None and now >= horizon


def _without_place(
    now: int, delivery: Delivery, horizon: int | None, load: Load, policy: Policy, limit: int
) -> Queue | Hold | Divert:
    standing, soonest = load.standing, now + policy.wheel.shortest
    if standing.breaker.is_open and not _is_last(now, horizon):
        probe_at = max(soonest, policy.breaker.retry_at(standing.breaker, now))
        return _divert(now, delivery, horizon, load, policy, probe_at)
    if not load.is_strained and now + standing.pace.wait_behind(load.queued, limit) < soonest:
        return Queue()
    return _divert(now, delivery, horizon, load, policy, soonest)


def _divert(
    now: int, delivery: Delivery, horizon: int | None, load: Load, policy: Policy, not_before: int
) -> Hold | Divert:
    slot = max(load.standing.pace.next_slot, not_before)
    slot = min(slot, now + policy.wheel.delay(FURTHEST_TIER))
    if horizon is not None and not _is_last(now, horizon):
        slot = min(slot, horizon)
    tier = policy.wheel.tier_for(slot - now)
    if tier is None and load.held < HELD_MAX:
        return Hold(slot)
    return Divert(TIERS[0] if tier is None else tier, delivery.forwarded(due_at=slot))
