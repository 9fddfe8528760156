"""The rules of `decide`, first rule first, over every combination of what it looks at."""

from itertools import product

import pytest

from carewire_contracts.topics import TIERS
from carewire_dispatcher.domain.decide import (
    FURTHEST_TIER,
    HELD_MAX,
    QUEUED_MAX,
    Attempt,
    Decision,
    Drop,
    Forward,
    Hold,
    Load,
    Queue,
    decide,
)
from carewire_dispatcher.domain.ending import End, EndReason, EndStatus
from carewire_dispatcher.domain.pacing import Pace
from carewire_dispatcher.domain.tiers import Wheel
from carewire_testing_dispatcher.deliveries import a_delivery, an_endpoint

NOW = 1_000_000
WHEEL = Wheel()
CAP = 4
QUICK = Pace(mean_duration=5)
SLOW = Pace(mean_duration=60_000)

COPIES = (True, False)
ENDPOINTS = {"none": None, "disabled": an_endpoint(enabled=False), "enabled": an_endpoint(concurrency=CAP)}
WAITS = (-86_400_000, -1, 0, 1, WHEEL.shortest - 1, WHEEL.shortest, 86_400_000)
IN_FLIGHT = (0, CAP - 1, CAP, CAP + 1)
QUEUED = (0, QUEUED_MAX - 1, QUEUED_MAX)
HELD = (0, HELD_MAX - 1, HELD_MAX)
PACES = (QUICK, SLOW)


def rule(is_copy: bool, endpoint: str, wait: int, load: Load) -> type[Decision] | EndReason:
    """The rules in words: what kind of decision the first rule that applies demands."""
    if is_copy:
        return Drop
    if endpoint == "none":
        return EndReason.ENDPOINT_DELETED
    if endpoint == "disabled":
        return EndReason.ENDPOINT_DISABLED
    if wait >= WHEEL.shortest:
        return Forward
    if wait > 0:
        return Hold if load.held < HELD_MAX else Forward
    if load.in_flight < CAP:
        return Attempt
    return Queue if load.queued < QUEUED_MAX and load.pace is QUICK else Forward


def test_each_combination_is_decided_by_the_first_rule_that_applies() -> None:
    wrong = []
    for is_copy, name, wait, in_flight, queued, held, pace in product(
        COPIES, ENDPOINTS, WAITS, IN_FLIGHT, QUEUED, HELD, PACES
    ):
        load = Load(in_flight, held, queued, pace)
        decision = decide(NOW, a_delivery(due_at=NOW + wait), ENDPOINTS[name], load, WHEEL, is_copy=is_copy)
        found = decision.reason if isinstance(decision, End) else type(decision)
        if found != rule(is_copy, name, wait, load):
            wrong.append((is_copy, name, wait, load, decision))
    assert wrong == []


def test_a_held_delivery_can_be_told_from_a_failed_one() -> None:
    for endpoint in (None, an_endpoint(enabled=False)):
        decision = decide(NOW, a_delivery(), endpoint, Load(), WHEEL)
        assert isinstance(decision, End)
        assert decision.status is EndStatus.HELD


@pytest.mark.parametrize("tier", TIERS)
def test_a_wait_of_exactly_a_tiers_delay_goes_to_that_tier_and_a_millisecond_less_to_the_one_before(tier: int) -> None:
    delay = WHEEL.delay(tier)
    exact = decide(NOW, a_delivery(due_at=NOW + delay), an_endpoint(), Load(), WHEEL)
    assert isinstance(exact, Forward)
    assert exact.tier == tier
    less = decide(NOW, a_delivery(due_at=NOW + delay - 1), an_endpoint(), Load(), WHEEL)
    if tier == TIERS[0]:
        assert less == Hold(NOW + delay - 1)
    else:
        assert isinstance(less, Forward)
        assert less.tier == TIERS[TIERS.index(tier) - 1]


@pytest.mark.parametrize(
    ("next_slot", "due_in", "tier"),
    [
        (0, 2_000, 2),
        (NOW + 1, 2_000, 2),
        (NOW + 2_000, 2_000, 2),
        (NOW + 8_000, 8_000, 8),
        (NOW + 600_000, 600_000, 512),
        (NOW + 86_400_000, 2_048_000, FURTHEST_TIER),
    ],
)
def test_a_diverted_delivery_is_put_off_to_the_first_free_slot_by_two_seconds_to_half_an_hour(
    next_slot: int, due_in: int, tier: int
) -> None:
    full = Load(in_flight=CAP, pace=Pace(60_000, next_slot))
    decision = decide(NOW, a_delivery(due_at=NOW, hop=7), an_endpoint(concurrency=CAP), full, WHEEL)
    assert decision == Forward(tier, a_delivery(due_at=NOW + due_in, hop=8))


@pytest.mark.parametrize(("queued", "queues"), [(0, True), (15, True), (32, True), (33, False), (200, False)])
def test_a_delivery_queues_only_where_it_will_be_over_before_a_tier_would_give_it_back(
    queued: int, queues: bool
) -> None:
    # 240 ms for each of four places: a place each 60 ms, so the 33rd comes before 2 s are over.
    load = Load(in_flight=CAP, queued=queued, pace=Pace(mean_duration=240))
    decision = decide(NOW, a_delivery(due_at=NOW), an_endpoint(concurrency=CAP), load, WHEEL)
    assert isinstance(decision, Queue) is queues


def test_with_time_scaled_the_same_rules_hold_for_scaled_waits() -> None:
    wheel = Wheel(time_scale=10)
    assert decide(NOW, a_delivery(due_at=NOW + 199), an_endpoint(), Load(), wheel) == Hold(NOW + 199)
    forward = decide(NOW, a_delivery(due_at=NOW + 200), an_endpoint(), Load(), wheel)
    assert isinstance(forward, Forward)
    assert forward.tier == 2
