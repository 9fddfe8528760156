"""Which deliveries a repair takes, when it may run, and how fast it goes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_dispatcher.domain.endpoint import DisabledBecause, Endpoint
from carewire_dispatcher.domain.log_entry import DeliveryStatus
from carewire_dispatcher.domain.repair import (
    BY_LOG,
    MOST_LOOKED_AT_PER_S,
    MOST_PER_S,
    NEWEST_EPOCH,
    SETTLING_MS,
    Known,
    Obstacle,
    Reach,
    Which,
    all_have_heard,
    closed_because,
    may_have_been_seen,
    obstacle_of,
    pause_after,
    resumed_wholly,
    takes,
)
from carewire_testing_dispatcher.deliveries import an_endpoint

EPOCH = 7
RETRYING, DELIVERED, FAILED, HELD = (
    DeliveryStatus.RETRYING,
    DeliveryStatus.DELIVERED,
    DeliveryStatus.FAILED,
    DeliveryStatus.HELD,
)
whiches = st.sampled_from(Which)
knowns = st.builds(Known, st.sampled_from(DeliveryStatus), st.integers(0, 2 * EPOCH), st.integers(0, 20))


@pytest.mark.parametrize(
    ("which", "taken"),
    [
        (Which.HELD, {HELD}),
        (Which.FAILED, {FAILED, HELD}),
        (Which.MISSING, {FAILED, HELD, None}),
        (Which.ALL, {RETRYING, DELIVERED, FAILED, HELD, None}),
    ],
)
def test_what_is_taken_of_what_the_log_knows_or_does_not_know(which: Which, taken: set[DeliveryStatus | None]) -> None:
    for status in (*DeliveryStatus, None):
        known = None if status is None else Known(status, 0, 1)
        assert takes(which, known, EPOCH) == (status in taken), status


@given(whiches, knowns)
def test_what_this_repair_or_a_newer_one_took_is_not_taken_again(which: Which, known: Known) -> None:
    assert not (takes(which, known, EPOCH) and known.epoch >= EPOCH)


@given(whiches, knowns)
def test_what_it_has_written_it_leaves_alone_when_it_looks_again(which: Which, known: Known) -> None:
    written = Known(DeliveryStatus.RETRYING, EPOCH, 0)
    assert takes(which, known, EPOCH) <= (known.epoch < EPOCH)
    assert not takes(which, written, EPOCH)


@given(whiches.filter(lambda which: which is not Which.ALL), knowns)
def test_nobody_but_who_asks_for_all_gets_what_is_delivered_or_still_tried(which: Which, known: Known) -> None:
    assert not (takes(which, known, EPOCH) and known.status in (DELIVERED, RETRYING))


@given(knowns)
def test_each_kind_takes_what_a_narrower_one_takes(known: Known) -> None:
    widening = [takes(which, known, EPOCH) for which in (Which.HELD, Which.FAILED, Which.MISSING, Which.ALL)]
    assert widening == sorted(widening)


@given(whiches.filter(lambda which: which in BY_LOG), knowns)
def test_a_look_into_the_log_finds_just_what_is_taken(which: Which, known: Known) -> None:
    assert takes(which, known, EPOCH) == (known.status in BY_LOG[which] and known.epoch < EPOCH)


@pytest.mark.parametrize(
    ("known", "seen"),
    [
        pytest.param(None, False, id="the log knows nothing"),
        pytest.param(Known(HELD, 0, 0), False, id="held before it was tried"),
        pytest.param(Known(HELD, 0, 1), True, id="held after an attempt"),
        pytest.param(Known(HELD, 3, 0), True, id="made anew before, and who knows what came of it"),
        pytest.param(Known(DELIVERED, 0, 1), True, id="delivered"),
    ],
)
def test_whoever_may_have_seen_it_is_told(known: Known | None, seen: bool) -> None:
    assert may_have_been_seen(known) is seen


@pytest.mark.parametrize(
    ("endpoint", "obstacle"),
    [
        (None, Obstacle.ENDPOINT_DELETED),
        (an_endpoint(enabled=False, disabled_because=DisabledBecause.GONE), Obstacle.ENDPOINT_DISABLED),
        (an_endpoint(enabled=False, paused=True), Obstacle.ENDPOINT_DISABLED),
        (an_endpoint(paused=True), Obstacle.ENDPOINT_PAUSED),
        (an_endpoint(), None),
    ],
)
def test_nothing_is_sent_to_an_endpoint_that_takes_nothing(
    endpoint: Endpoint | None, obstacle: Obstacle | None
) -> None:
    assert closed_because(endpoint) is obstacle


CAUGHT_UP = Reach(events_from=1_000, log_from=2_000, log_is_caught_up=True)
LAGGING = Reach(events_from=1_000, log_from=2_000, log_is_caught_up=False)


@pytest.mark.parametrize(
    ("which", "begin", "reach", "obstacle"),
    [
        pytest.param(Which.ALL, 1_000, LAGGING, None, id="all needs no log"),
        pytest.param(Which.ALL, None, CAUGHT_UP, None, id="one delivery, whenever its event came"),
        pytest.param(Which.ALL, 999, CAUGHT_UP, Obstacle.EVENTS_EXPIRED, id="events are gone"),
        pytest.param(Which.MISSING, 2_000, CAUGHT_UP, None, id="as far back as the log goes"),
        pytest.param(Which.MISSING, 1_999, CAUGHT_UP, Obstacle.LOG_EXPIRED, id="before the log all would be missing"),
        pytest.param(Which.MISSING, 999, CAUGHT_UP, Obstacle.EVENTS_EXPIRED, id="before the events too"),
        pytest.param(Which.MISSING, 2_000, LAGGING, Obstacle.LOG_LAGS, id="who knows what is delivered"),
        pytest.param(Which.FAILED, None, CAUGHT_UP, None, id="whatever failed"),
        pytest.param(Which.FAILED, None, LAGGING, Obstacle.LOG_LAGS, id="who knows what failed"),
        pytest.param(Which.HELD, None, LAGGING, None, id="a resume waits for the log by itself"),
    ],
)
def test_a_repair_is_refused_where_deliveries_cannot_be_told_apart(
    which: Which, begin: int | None, reach: Reach, obstacle: Obstacle | None
) -> None:
    assert obstacle_of(which, begin, reach) is obstacle


@given(whiches, st.none() | st.integers(0, 5_000), st.integers(0, 3_000), st.integers(0, 3_000), st.booleans())
def test_from_where_the_answer_says_on_only_the_log_s_lag_is_in_the_way(
    which: Which, begin: int | None, events_from: int, log_from: int, caught_up: bool
) -> None:
    reach = Reach(events_from, log_from, caught_up)
    found = obstacle_of(which, begin, reach)
    assert found is None or found.remedy
    assert obstacle_of(which, max(begin or 0, reach.readable_from), reach) in (None, Obstacle.LOG_LAGS)


def test_every_obstacle_says_what_to_do() -> None:
    assert all(len(obstacle.remedy) > 20 for obstacle in Obstacle)


@pytest.mark.parametrize(
    ("taken", "settled", "over"), [(0, True, True), (0, False, False), (1, True, False), (1, False, False)]
)
def test_a_resume_is_over_when_a_look_finds_nothing_and_nothing_more_can_come(
    taken: int, settled: bool, over: bool
) -> None:
    assert resumed_wholly(taken, is_settled=settled) is over


def test_workers_are_given_some_seconds_to_hear_that_an_endpoint_is_open() -> None:
    assert [all_have_heard(at, 1_000) for at in (1_000, 999 + SETTLING_MS, 1_000 + SETTLING_MS)] == [False, False, True]


@pytest.mark.parametrize(
    ("taken", "looked_at", "rate", "pause"),
    [
        (0, 0, None, 0),
        (MOST_PER_S, MOST_PER_S, None, 1_000),
        (0, MOST_LOOKED_AT_PER_S, None, 1_000),
        (10, 10, 2.0, 5_000),
        (MOST_PER_S, 0, 10.0 * MOST_PER_S, 1_000),
    ],
)
def test_a_repair_goes_no_faster_than_the_endpoint_bears_and_never_so_fast_that_it_hurts(
    taken: int, looked_at: int, rate: float | None, pause: int
) -> None:
    assert pause_after(taken, looked_at, rate) == pause


def test_a_preview_asks_with_an_epoch_beyond_all() -> None:
    assert takes(Which.ALL, Known(DELIVERED, NEWEST_EPOCH - 1, 1), NEWEST_EPOCH)
