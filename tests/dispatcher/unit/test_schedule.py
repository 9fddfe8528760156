import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_dispatcher.domain.schedule import (
    LAST_SLOT,
    MOST_ATTEMPTS,
    OFFSETS_S,
    RetrySchedule,
    Slot,
    schedule_fault,
)

FIRST = 1_700_000_000_000
SCHEDULE = RetrySchedule()
delivery_ids = st.uuids().map(str)
slots = st.integers(0, LAST_SLOT)


def test_there_are_17_attempts_in_exactly_24_hours() -> None:
    doubling = [2, 6, 14, 30, 62, 126, 254, 510, 1022, 2046, 4094, 8190, 16382, 32766, 65534]
    assert list(OFFSETS_S) == [0, *doubling, 86_400]
    assert len(OFFSETS_S) == 17
    assert SCHEDULE.horizon(FIRST) == FIRST + 24 * 3600 * 1000


@given(delivery_ids, slots)
def test_jitter_only_subtracts_at_most_a_tenth_of_the_step(delivery_id: str, index: int) -> None:
    due = SCHEDULE.due(delivery_id, FIRST, index)
    step = SCHEDULE.offset(index) - SCHEDULE.offset(max(0, index - 1))
    assert FIRST + SCHEDULE.offset(index) - step * 0.1 <= due <= FIRST + SCHEDULE.offset(index)


@given(delivery_ids)
def test_the_first_and_the_last_attempt_have_no_jitter(delivery_id: str) -> None:
    assert SCHEDULE.due(delivery_id, FIRST, 0) == FIRST
    assert SCHEDULE.due(delivery_id, FIRST, LAST_SLOT) == SCHEDULE.horizon(FIRST)


def test_jitter_differs_between_deliveries_and_is_the_same_for_copies() -> None:
    dues = {SCHEDULE.due(f"delivery {n}", FIRST, 5) for n in range(50)}
    assert len(dues) > 40
    assert SCHEDULE.due("delivery 1", FIRST, 5) == SCHEDULE.due("delivery 1", FIRST, 5)


@given(delivery_ids)
def test_quick_failures_walk_through_every_slot_and_end_after_the_horizon(delivery_id: str) -> None:
    at, index, walked = FIRST, 0, [0]
    while (slot := SCHEDULE.next_attempt(delivery_id, FIRST, index, at + 1)) is not None:
        at, index = slot.due_at, slot.index
        walked.append(index)
    assert walked == list(range(17))
    assert at == SCHEDULE.horizon(FIRST)


def test_slots_that_went_by_during_an_attempt_are_skipped() -> None:
    slot = SCHEDULE.next_attempt("d", FIRST, 0, FIRST + 10_000)
    assert slot is not None
    assert slot.index == 3
    assert FIRST + 10_000 < slot.due_at <= FIRST + 14_000


@given(delivery_ids, slots, st.integers(0, 200_000_000), st.none() | st.integers(0, 200_000_000))
def test_the_next_attempt_is_later_and_never_beyond_the_horizon(
    delivery_id: str, index: int, elapsed: int, asked: int | None
) -> None:
    ended = FIRST + elapsed
    not_before = None if asked is None else FIRST + asked
    slot = SCHEDULE.next_attempt(delivery_id, FIRST, index, ended, not_before)
    if slot is None:
        assert index == LAST_SLOT or ended >= SCHEDULE.due(delivery_id, FIRST, LAST_SLOT)
        return
    assert slot.index > index
    assert ended < slot.due_at <= SCHEDULE.horizon(FIRST)
    if not_before is not None:
        assert slot.due_at >= min(not_before, SCHEDULE.horizon(FIRST))


def test_a_wish_to_wait_moves_the_attempt_back_and_the_schedule_goes_on_from_there() -> None:
    assert SCHEDULE.next_attempt("d", FIRST, 0, FIRST + 1, FIRST + 100_000) == Slot(5, FIRST + 100_000)


def test_a_wish_to_wait_less_than_the_schedule_changes_nothing() -> None:
    assert SCHEDULE.next_attempt("d", FIRST, 5, FIRST + 70_000, FIRST + 71_000) == SCHEDULE.next_attempt(
        "d", FIRST, 5, FIRST + 70_000
    )


def test_an_absurd_wish_to_wait_ends_at_the_horizon() -> None:
    horizon = SCHEDULE.horizon(FIRST)
    assert SCHEDULE.next_attempt("d", FIRST, 2, FIRST + 7_000, FIRST + 10**15) == Slot(LAST_SLOT, horizon)


def test_nothing_follows_the_last_slot() -> None:
    assert SCHEDULE.next_attempt("d", FIRST, LAST_SLOT, FIRST + 86_400_001) is None


def test_time_scale_divides_every_offset() -> None:
    assert [RetrySchedule(time_scale=10).offset(n) for n in (0, 1, 2, 16)] == [0, 200, 600, 8_640_000]


own = st.lists(st.integers(1, 86_400), max_size=MOST_ATTEMPTS - 1, unique=True).map(lambda each: (0, *sorted(each)))


def test_an_endpoint_without_a_schedule_of_its_own_has_the_deployment_s() -> None:
    assert SCHEDULE.of(None) is SCHEDULE


@given(own, st.sampled_from([1.0, 10.0]))
def test_an_endpoint_s_own_schedule_is_walked_slot_by_slot_and_ends_with_its_last(
    offsets: tuple[int, ...], scale: float
) -> None:
    schedule = RetrySchedule(scale).of(offsets)
    assert schedule_fault(offsets) is None
    walked = [Slot(0, FIRST)]
    while (slot := schedule.next_attempt("d", FIRST, walked[-1].index, walked[-1].due_at + 1)) is not None:
        walked.append(slot)
    assert [slot.index for slot in walked] == list(range(len(offsets)))
    assert walked[-1].due_at == schedule.horizon(FIRST) == FIRST + round(offsets[-1] * 1000 / scale)


@given(own, slots, st.integers(0, 200_000_000), st.none() | st.integers(0, 200_000_000))
def test_a_slot_of_a_schedule_that_was_longer_leads_to_the_end_or_to_a_slot_that_there_is(
    offsets: tuple[int, ...], index: int, elapsed: int, asked: int | None
) -> None:
    schedule = SCHEDULE.of(offsets)
    not_before = None if asked is None else FIRST + asked
    slot = schedule.next_attempt("d", FIRST, index, FIRST + elapsed, not_before)
    if slot is not None:
        assert index < slot.index <= schedule.last
        assert FIRST + elapsed < slot.due_at <= schedule.horizon(FIRST)


def test_a_schedule_of_one_attempt_has_no_retry() -> None:
    assert SCHEDULE.of((0,)).next_attempt("d", FIRST, 0, FIRST) is None


@pytest.mark.parametrize("offsets", [(0,), (0, 1), (0, 60, 86_400), OFFSETS_S, tuple(range(MOST_ATTEMPTS))])
def test_these_are_schedules(offsets: tuple[int, ...]) -> None:
    assert schedule_fault(offsets) is None


@pytest.mark.parametrize(
    ("offsets", "said"),
    [
        ((), "from 1 to 30"),
        (tuple(range(MOST_ATTEMPTS + 1)), "from 1 to 30"),
        ((1, 2), "begins with 0"),
        ((-1, 0), "begins with 0"),
        ((0, 5, 5), "later than the one before"),
        ((0, 5, 4), "later than the one before"),
        ((0, 86_401), "at most 86400 seconds"),
    ],
)
def test_what_is_no_schedule_is_told_why(offsets: tuple[int, ...], said: str) -> None:
    assert said in str(schedule_fault(offsets))
