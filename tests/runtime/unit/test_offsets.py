"""The contiguous-offset tracker, by table and against a model that is too simple to be wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_runtime.kafka.offsets import WINDOW, OffsetTracker


def test_nothing_is_committed_before_anything_was_started() -> None:
    assert OffsetTracker().position() is None
    assert not OffsetTracker().full


def test_the_position_is_the_first_unfinished_record() -> None:
    tracker = OffsetTracker()
    for offset in (10, 11, 12):
        assert tracker.start(offset)
    assert tracker.position() == (10, "")
    tracker.finish(10)
    assert tracker.position() == (11, "")
    tracker.finish(11)
    tracker.finish(12)
    assert tracker.position() == (13, "")


def test_what_is_finished_above_the_position_is_restored() -> None:
    tracker = OffsetTracker()
    for offset in range(5):
        tracker.start(offset)
    tracker.finish(1)
    tracker.finish(3)
    position = tracker.position()
    assert position is not None
    assert position[0] == 0

    restored = OffsetTracker()
    restored.restore(*position)
    assert [restored.start(offset) for offset in range(6)] == [True, False, True, False, True, True]
    restored.finish(0)
    position = restored.position()
    assert position is not None
    assert position[0] == 2
    again = OffsetTracker()
    again.restore(*position)
    assert [again.start(offset) for offset in range(2, 6)] == [True, False, True, True]


def test_gaps_of_compaction_do_not_hold_the_position_back() -> None:
    tracker = OffsetTracker()
    for offset in (5, 9, 20):
        tracker.start(offset)
    for offset in (5, 9, 20):
        tracker.finish(offset)
    assert tracker.position() == (21, "")


def test_the_window_is_full_when_one_record_stands_still() -> None:
    tracker = OffsetTracker(window=10)
    for offset in range(10):
        assert not tracker.full
        tracker.start(offset)
    assert tracker.full
    tracker.finish(5)
    assert tracker.full
    tracker.finish(0)
    assert not tracker.full


def test_a_full_window_fits_into_the_commit_metadata_of_kafka() -> None:
    tracker = OffsetTracker()
    for offset in range(WINDOW):
        tracker.start(offset)
        if offset:
            tracker.finish(offset)
    position = tracker.position()
    assert position is not None
    assert len(position[1]) < 4096


def test_offsets_must_go_forward() -> None:
    tracker = OffsetTracker()
    tracker.start(5)
    with pytest.raises(ValueError, match="order of their offsets"):
        tracker.start(5)


def test_a_restored_tracker_takes_nothing_that_was_committed() -> None:
    tracker = OffsetTracker()
    tracker.restore(7, "")
    with pytest.raises(ValueError, match="order of their offsets"):
        tracker.start(6)
    assert tracker.start(7)


def test_what_ends_before_it_was_started_is_not_done_again() -> None:
    tracker = OffsetTracker()
    tracker.finish(3)
    assert tracker.position() is None
    assert not tracker.start(3)
    assert tracker.position() == (4, "")


@pytest.mark.parametrize("metadata", ["", "other tool", "1:", "1:***", "2:AAAA"])
def test_metadata_that_is_not_ours_counts_as_none(metadata: str) -> None:
    tracker = OffsetTracker()
    tracker.restore(7, metadata)
    assert tracker.position() == (7, "")
    assert tracker.start(7)


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=60),
    st.randoms(use_true_random=False),
    st.floats(0, 1),
)
def test_nothing_finished_is_repeated_and_nothing_unfinished_is_skipped(
    steps: list[int], random: object, share: float
) -> None:
    offsets = [sum(steps[: number + 1]) for number in range(len(steps))]
    tracker = OffsetTracker()
    for offset in offsets:
        tracker.start(offset)
    shuffled = offsets.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    finished = set(shuffled[: int(share * len(offsets))])
    for offset in shuffled[: int(share * len(offsets))]:
        tracker.finish(offset)

    position = tracker.position()
    assert position is not None
    unfinished = [offset for offset in offsets if offset not in finished]
    assert position[0] == (unfinished[0] if unfinished else offsets[-1] + 1)

    restored = OffsetTracker()
    restored.restore(*position)
    again = [offset for offset in offsets if offset >= position[0] and restored.start(offset)]
    assert again == unfinished
