"""A whole delivery in virtual time: lane, attempts, tiers, until its end, whatever its endpoint answers.

The world here is as simple as can be: a tier gives a record back after its delay and up to `LATEST` ms more,
everything else happens at once. The policy under test is the real one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle

from hypothesis import given
from hypothesis import strategies as st

from carewire_dispatcher.domain.classify import Answer, Failure, Retry, classify
from carewire_dispatcher.domain.decide import Attempt, Decision, Divert, Forward, Hold, Load, decide
from carewire_dispatcher.domain.delivery import Delivery
from carewire_dispatcher.domain.ending import End, EndReason, EndStatus
from carewire_dispatcher.domain.endpoint import Endpoint
from carewire_dispatcher.domain.policy import Policy
from carewire_dispatcher.domain.schedule import LAST_SLOT, OFFSETS_S
from carewire_testing_dispatcher.deliveries import a_delivery, an_endpoint

START = 1_700_000_000_000
LATEST = 1_000
"""How late a tier may give a record back: the promise is a second a hop."""
LONGEST = 10_000
"""The HTTP deadline, which time_scale leaves alone."""
SCALES = (1.0, 10.0, 100.0)


@dataclass
class Tried:
    slot: int
    due_at: int
    at: int


@dataclass
class Life:
    """One delivery, its attempts and its end."""

    scale: float
    answers: Iterator[tuple[Answer | Failure, int]]
    lateness: Iterator[int]
    fullness: Iterator[bool] = field(default_factory=lambda: cycle([False]))
    endpoint: Endpoint | None = field(default_factory=an_endpoint)
    now: int = START
    attempts: list[Tried] = field(default_factory=list)
    hops: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.policy = Policy.scaled(self.scale)

    def live(self) -> End:
        delivery = a_delivery(due_at=START)
        for _ in range(10_000):
            decision = decide(self.now, delivery, self.endpoint, self.load(), self.policy)
            outcome = self.follow(decision, delivery)
            if isinstance(outcome, End):
                return outcome
            delivery = outcome
        raise AssertionError("the delivery never ends")

    def load(self) -> Load:
        return Load(in_flight=16 if next(self.fullness) else 0, is_strained=True)

    def follow(self, decision: Decision, delivery: Delivery) -> Delivery | End:
        match decision:
            case End():
                return decision
            case Attempt():
                return self.attempt(delivery)
            case Hold(until):
                self.now = until
                return delivery
            case Forward(tier, following) | Divert(tier, following):
                self.hop(tier)
                return following
            case _:
                raise AssertionError(f"nothing of this kind can happen here: {decision}")

    def hop(self, tier: int) -> None:
        self.hops.append(tier)
        self.now += self.policy.wheel.delay(tier) + next(self.lateness)

    def attempt(self, delivery: Delivery) -> Delivery | End:
        result, duration = next(self.answers)
        self.attempts.append(Tried(delivery.slot, delivery.due_at, self.now))
        counted = delivery.attempted(self.now)
        self.now += duration
        verdict = classify(result, self.now, counted, self.policy.schedule)
        if isinstance(verdict, End):
            return verdict
        assert isinstance(verdict, Retry)
        tier = self.policy.wheel.tier_for(verdict.slot.due_at - self.now)
        if tier is not None:
            self.hop(tier)
        return counted.retried(verdict.slot.index, verdict.slot.due_at)


retry_afters = st.none() | st.integers(0, 200_000).map(str) | st.text(max_size=5)
failures = st.sampled_from(Failure) | st.builds(Answer, st.sampled_from([301, 404, 429, 500, 503]), retry_afters)
answers = failures | st.builds(Answer, st.sampled_from([200, 204, 410]))
durations = st.integers(0, LONGEST)
lateness = st.lists(st.integers(0, LATEST), min_size=1, max_size=20)
failing = st.lists(st.tuples(failures, durations), min_size=1, max_size=17)
anything = st.lists(st.tuples(answers, durations), min_size=1, max_size=17)
scales = st.sampled_from(SCALES)


def lived(script: Sequence[tuple[Answer | Failure, int]], late: Sequence[int], scale: float) -> tuple[Life, End]:
    life = Life(scale, cycle(script), cycle(late))
    return life, life.live()


@given(anything, lateness, scales)
def test_no_attempt_is_early_and_none_is_later_than_one_hop_may_be(
    script: list[tuple[Answer | Failure, int]], late: list[int], scale: float
) -> None:
    life, _ = lived(script, late, scale)
    assert all(0 <= tried.at - tried.due_at <= max(late) for tried in life.attempts)


@given(failing, lateness, scales)
def test_an_endpoint_that_never_recovers_is_given_up_after_an_attempt_at_the_very_end_of_24_hours(
    script: list[tuple[Answer | Failure, int]], late: list[int], scale: float
) -> None:
    life, end = lived(script, late, scale)
    assert end == End(EndStatus.FAILED, EndReason.EXHAUSTED)
    assert life.attempts[-1].due_at == START + round(86_400_000 / scale)
    assert life.attempts[-1].slot == LAST_SLOT


@given(anything, lateness, scales)
def test_slots_only_go_forward_so_there_are_17_attempts_at_most(
    script: list[tuple[Answer | Failure, int]], late: list[int], scale: float
) -> None:
    life, _ = lived(script, late, scale)
    slots = [tried.slot for tried in life.attempts]
    assert slots == sorted(set(slots))
    assert slots[0] == 0
    assert len(slots) <= 17


@given(failing, lateness)
def test_waiting_costs_few_hops(script: list[tuple[Answer | Failure, int]], late: list[int]) -> None:
    life, _ = lived(script, late, 1.0)
    # A wait walks down eight tiers, at most three hops on each; seven attempts come within the first minutes.
    assert len(life.hops) <= 17 * 23


def test_a_delivery_that_fails_at_once_each_time_walks_through_all_17_slots_with_two_or_three_hops_each() -> None:
    life, _ = lived([(Failure.CONNECT, 5)], [0], 1.0)
    assert [tried.slot for tried in life.attempts] == list(range(17))
    offsets = [(tried.at - START) / 1000 for tried in life.attempts]
    for offset, nominal, before in zip(offsets[1:], OFFSETS_S[1:], OFFSETS_S[:-1], strict=True):
        assert nominal - 0.1 * (nominal - before) <= offset <= nominal
    assert len(life.hops) < 150


@given(st.integers(0, 16), lateness)
def test_a_recovery_at_any_attempt_delivers_at_that_attempt(failed_before: int, late: list[int]) -> None:
    script: list[tuple[Answer | Failure, int]] = [*[(Answer(500), 20)] * failed_before, (Answer(200), 20)]
    life, end = lived(script, late, 1.0)
    assert end == End(EndStatus.DELIVERED)
    assert len(life.attempts) == failed_before + 1


@given(failing, st.lists(st.booleans(), min_size=1, max_size=40), scales)
def test_times_at_which_the_endpoint_is_full_use_up_no_attempt_and_every_delivery_still_ends(
    script: list[tuple[Answer | Failure, int]], full: list[bool], scale: float
) -> None:
    life = Life(scale, cycle(script), cycle([0]), fullness=cycle([*full, False]))
    end = life.live()
    assert end.status is EndStatus.FAILED
    assert 1 <= len(life.attempts) <= 17
    assert all(tried.at >= tried.due_at for tried in life.attempts)


def test_a_full_endpoint_puts_the_start_of_the_24_hours_off() -> None:
    life = Life(1.0, cycle([(Failure.CONNECT, 0)]), cycle([0]), fullness=iter([True] * 5 + [False] * 9_000))
    life.live()
    first = life.attempts[0].at
    assert first == START + 5 * 2_000
    assert life.attempts[-1].due_at == first + 86_400_000
