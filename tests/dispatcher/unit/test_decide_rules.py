"""The rules of `decide`, first rule first, over every combination of what it looks at."""

from itertools import product

import pytest

from carewire_contracts.topics import TIERS
from carewire_dispatcher.domain.breaker import Breaker
from carewire_dispatcher.domain.decide import (
    FURTHEST_TIER,
    HEARD_WITHIN_MS,
    HELD_MAX,
    LIMIT_WHEN_CROWDED,
    Attempt,
    Decision,
    Divert,
    Drop,
    Forward,
    Hold,
    Load,
    Queue,
    decide,
)
from carewire_dispatcher.domain.ending import End, EndReason, EndStatus
from carewire_dispatcher.domain.pacing import Pace
from carewire_dispatcher.domain.policy import Policy
from carewire_dispatcher.domain.standing import Standing
from carewire_testing_dispatcher.deliveries import a_delivery, an_endpoint

NOW = 1_000_000
POLICY = Policy.scaled()
WHEEL = POLICY.wheel
CAP = 4
CLOSED, OPEN, PROBING = Breaker(), Breaker(is_open=True, since=NOW + 1, pause=4_000), Breaker(True, NOW, 4_000)
QUICK, SLOW = Pace(mean_duration=5), Pace(mean_duration=60_000)
DAY = 86_400_000

COPIES = (True, False)
ENDPOINTS = {
    "none": None,
    "disabled": an_endpoint(enabled=False),
    "disabled and paused": an_endpoint(enabled=False, paused=True),
    "paused": an_endpoint(paused=True),
    "enabled": an_endpoint(concurrency=CAP),
}
WAITS = (-DAY, -1, 0, 1, WHEEL.shortest - 1, WHEEL.shortest, DAY)
FIRST_ATTEMPTS = (None, NOW - DAY + 1, NOW - DAY)
IN_FLIGHT = (0, 1, CAP - 1, CAP, CAP + 1)
QUEUED = (0, 400)
HELD = (0, HELD_MAX - 1, HELD_MAX)
CROWDED = STRAINED = (True, False)


def rule(is_copy: bool, endpoint: str, wait: int, first: int | None, load: Load) -> type[Decision] | EndReason:
    """The rules in words: what kind of decision the first rule that applies demands."""
    if is_copy:
        return Drop
    if endpoint == "none":
        is_new = abs(wait) < HEARD_WITHIN_MS and load.held < HELD_MAX
        return Hold if is_new else EndReason.ENDPOINT_DELETED
    if endpoint.startswith("disabled"):
        return EndReason.ENDPOINT_DISABLED
    if endpoint == "paused":
        return EndReason.ENDPOINT_PAUSED
    if wait >= WHEEL.shortest:
        return Forward
    goes = rule_of_places(first, load)
    if wait > 0 and (first is not None or goes not in (Attempt, Queue)):
        return Hold if load.held < HELD_MAX else Forward
    return goes


def rule_of_places(first: int | None, load: Load) -> type[Decision]:
    """What becomes of a delivery that may go; one that was never tried may do so a moment early."""
    is_last = first == NOW - DAY
    places = LIMIT_WHEN_CROWDED if load.is_crowded else CAP
    if load.standing.breaker is OPEN and not is_last:
        places = 0
    if load.standing.breaker is PROBING and not is_last:
        places = 1
    if load.in_flight < places:
        return Attempt
    if load.standing.breaker is not CLOSED and not is_last:
        return divert_or_hold(first, load)
    if load.standing.pace is QUICK and not load.is_strained:
        return Queue
    return divert_or_hold(first, load)


def divert_or_hold(first: int | None, load: Load) -> type[Decision]:
    """An attempt that is the last but for a millisecond is not put off beyond it."""
    return Hold if first == NOW - DAY + 1 and load.held < HELD_MAX else Divert


def test_each_combination_is_decided_by_the_first_rule_that_applies() -> None:
    wrong = []
    standings = [Standing(breaker, pace) for breaker, pace in product((CLOSED, OPEN, PROBING), (QUICK, SLOW))]
    loads = [Load(*fields) for fields in product(IN_FLIGHT, HELD, QUEUED, standings, CROWDED, STRAINED)]
    for is_copy, name, wait, first in product(COPIES, ENDPOINTS, WAITS, FIRST_ATTEMPTS):
        delivery = a_delivery(due_at=NOW + wait, first_attempt_at=first)
        for load in loads:
            decision = decide(NOW, delivery, ENDPOINTS[name], load, POLICY, is_copy=is_copy)
            found = decision.reason if isinstance(decision, End) else type(decision)
            if found != rule(is_copy, name, wait, first, load):
                wrong.append((is_copy, name, wait, first, load, decision))
    assert wrong == []


def test_a_held_delivery_can_be_told_from_a_failed_one() -> None:
    for endpoint in (None, an_endpoint(enabled=False)):
        decision = decide(NOW, a_delivery(hop=1), endpoint, Load(), POLICY)
        assert isinstance(decision, End)
        assert decision.status is EndStatus.HELD


@pytest.mark.parametrize("tier", TIERS)
def test_a_wait_of_exactly_a_tiers_delay_goes_to_that_tier_and_a_millisecond_less_to_the_one_before(tier: int) -> None:
    delay = WHEEL.delay(tier)
    exact = decide(NOW, a_delivery(due_at=NOW + delay), an_endpoint(), Load(), POLICY)
    assert isinstance(exact, Forward)
    assert exact.tier == tier
    less = decide(NOW, a_delivery(due_at=NOW + delay - 1, first_attempt_at=NOW), an_endpoint(), Load(), POLICY)
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
    full = Load(in_flight=CAP, standing=Standing(pace=Pace(60_000, next_slot)))
    decision = decide(NOW, a_delivery(due_at=NOW, hop=7), an_endpoint(concurrency=CAP), full, POLICY)
    assert decision == Divert(tier, a_delivery(due_at=NOW + due_in, hop=8))


@pytest.mark.parametrize(("queued", "queues"), [(0, True), (15, True), (32, True), (33, False), (200, False)])
def test_a_delivery_queues_only_where_it_will_be_over_before_a_tier_would_give_it_back(
    queued: int, queues: bool
) -> None:
    # 240 ms for each of four places: a place each 60 ms, so the 33rd comes before 2 s are over.
    load = Load(in_flight=CAP, queued=queued, standing=Standing(pace=Pace(mean_duration=240)))
    decision = decide(NOW, a_delivery(due_at=NOW), an_endpoint(concurrency=CAP), load, POLICY)
    assert isinstance(decision, Queue) is queues


def test_with_time_scaled_the_same_rules_hold_for_scaled_waits() -> None:
    policy = Policy.scaled(10)
    tried = NOW - 1_000
    held = decide(NOW, a_delivery(due_at=NOW + 199, first_attempt_at=tried), an_endpoint(), Load(), policy)
    assert held == Hold(NOW + 199)
    forward = decide(NOW, a_delivery(due_at=NOW + 200, first_attempt_at=tried), an_endpoint(), Load(), policy)
    assert isinstance(forward, Forward)
    assert forward.tier == 2


@pytest.mark.parametrize(
    ("used_until", "rate", "expected"),
    [
        (NOW, 1, Attempt()),
        (NOW + 1, 1, Hold(NOW + 1)),
        (NOW + 1_999, 1, Hold(NOW + 1_999)),
        (NOW + 2_000, 1, Divert(2, a_delivery(due_at=NOW + 2_000, hop=1))),
        (NOW + 9_000, 1, Divert(8, a_delivery(due_at=NOW + 9_000, hop=1))),
        (NOW + 90, 100, Attempt()),
        (NOW + 91, 100, Hold(NOW + 1)),
    ],
)
def test_what_is_too_much_for_a_rate_waits_for_its_turn_in_memory_or_in_a_tier_of_the_bulk_lane(
    used_until: int, rate: float, expected: Decision
) -> None:
    load = Load(standing=Standing(rate_used_until=used_until))
    assert decide(NOW, a_delivery(due_at=NOW), an_endpoint(rate_per_s=rate), load, POLICY) == expected


def test_too_much_for_a_rate_lines_up_behind_what_was_put_off_before() -> None:
    endpoint, standing, dues = an_endpoint(rate_per_s=2), Standing(rate_used_until=NOW + 300), []
    for _ in range(6):
        decision = decide(NOW, a_delivery(due_at=NOW), endpoint, Load(standing=standing), POLICY)
        assert isinstance(decision, Hold | Divert)
        slot = decision.until if isinstance(decision, Hold) else decision.delivery.due_at
        standing = standing.put_off(slot, endpoint)
        dues.append(slot - NOW)
    assert dues == [300, 800, 1_300, 1_800, 2_300, 2_800]


def test_a_breaker_turns_deliveries_away_until_its_probe_may_go_and_behind_each_other() -> None:
    endpoint, standing, dues = an_endpoint(), Standing(Breaker(True, NOW + 64_000, 64_000), Pace(800)), []
    for _ in range(3):
        decision = decide(NOW, a_delivery(due_at=NOW), endpoint, Load(standing=standing), POLICY)
        assert isinstance(decision, Divert)
        standing = standing.put_off(decision.delivery.due_at, endpoint)
        dues.append(decision.delivery.due_at - NOW)
    assert dues == [64_000, 64_050, 64_100]


def test_while_the_probe_is_under_way_others_come_again_when_the_next_one_would() -> None:
    load = Load(in_flight=1, standing=Standing(Breaker(True, NOW - 5, 32_000)))
    decision = decide(NOW, a_delivery(due_at=NOW), an_endpoint(), load, POLICY)
    assert decision == Divert(32, a_delivery(due_at=NOW + 32_000, hop=1))
