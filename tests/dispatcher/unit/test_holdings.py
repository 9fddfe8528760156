"""What a worker holds in memory, against a plain list."""

import itertools
from typing import Any, cast

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from carewire_dispatcher.adapters.holdings import Holdings, Item
from carewire_dispatcher.domain.breaker import Breaker
from carewire_dispatcher.domain.decide import Load
from carewire_dispatcher.domain.pacing import Pace
from carewire_dispatcher.domain.standing import Standing
from carewire_testing_dispatcher.deliveries import a_delivery

ENDPOINTS = ("a", "b", "c")
NOWHERE = cast("Any", None)


def an_item(endpoint_id: str, number: int = 0) -> Item:
    return Item(NOWHERE, number, a_delivery(endpoint_id=endpoint_id))


class Held(RuleBasedStateMachine):
    """Deliveries are held until a moment and given back when it has come."""

    def __init__(self) -> None:
        super().__init__()
        self.holdings = Holdings()
        self.model: list[tuple[int, int, str]] = []
        self.now = 0
        self.number = 0

    @rule(endpoint=st.sampled_from(ENDPOINTS), wait=st.integers(0, 50))
    def hold(self, endpoint: str, wait: int) -> None:
        self.number += 1
        self.holdings.hold(an_item(endpoint, self.number), self.now + wait)
        self.model.append((self.now + wait, self.number, endpoint))

    @rule(ms=st.integers(0, 40))
    def wait(self, ms: int) -> None:
        self.now += ms

    @rule()
    def release(self) -> None:
        due = sorted(entry for entry in self.model if entry[0] <= self.now)
        assert [item.offset for item in self.holdings.due(self.now)] == [number for _, number, _ in due]
        self.model = [entry for entry in self.model if entry[0] > self.now]

    @rule(most=st.integers(0, 3))
    def release_a_few_only(self, most: int) -> None:
        for item in itertools.islice(self.holdings.due(self.now), most):
            self.model = [entry for entry in self.model if entry[1] != item.offset]

    @invariant()
    def each_endpoint_s_load_counts_what_waits_for_it(self) -> None:
        for endpoint in ENDPOINTS:
            assert self.holdings.of(endpoint).load(0).held == sum(entry[2] == endpoint for entry in self.model)

    @invariant()
    def the_next_moment_is_the_earliest(self) -> None:
        assert self.holdings.next_due() == min((entry[0] for entry in self.model), default=None)


TestHeld = Held.TestCase
TestHeld.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


def test_the_load_of_an_endpoint_is_what_decide_looks_at() -> None:
    holdings = Holdings()
    work = holdings.of("a")
    work.in_flight = 3
    work.standing = Standing(pace=Pace(70))
    work.queue.extend([an_item("a"), an_item("a")])
    holdings.hold(an_item("a"), 5)
    assert work.load(2) == Load(in_flight=3, held=1, queued=2, standing=Standing(pace=Pace(70)))
    placed = work.load(0, is_crowded=True, is_strained=True)
    assert (placed.queued, placed.is_crowded, placed.is_strained) == (0, True, True)
    assert holdings.of("b").load(0) == Load()
    assert holdings.of("a") is work


def test_endpoints_that_are_left_alone_are_counted() -> None:
    holdings = Holdings()
    holdings.of("a").standing = Standing(Breaker(is_open=True))
    holdings.of("b").standing = Standing(Breaker(pause=4_000))
    assert holdings.open_breakers == 1
