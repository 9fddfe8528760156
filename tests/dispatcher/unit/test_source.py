from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition

from carewire_contracts.topics import Topics
from carewire_dispatcher.adapters.consumers import BUFFER_BYTES, sources
from carewire_dispatcher.adapters.source import (
    DRAIN_RECORDS,
    LANE_RECORDS,
    QUICK_TIER_RECORDS,
    SLOW_TIER_RECORDS,
    STRAINED,
    WINDOW,
    Source,
)
from carewire_dispatcher.domain.tiers import Wheel

PLACE = TopicPartition("t", 0)


def a_source(tier: int | None = None, delay: int = 0, byte_limit: int = 10_000_000) -> Source:
    return Source(PLACE, "fast", tier, delay, byte_limit)


def records(count: int, first: int = 0, size: int = 10) -> list[Any]:
    return [SimpleNamespace(offset=first + n, timestamp=1_000 + n, value=b"x" * size) for n in range(count)]


def test_a_record_of_a_tier_leaves_when_its_delay_is_over() -> None:
    source = a_source(tier=2, delay=2_000)
    source.put(records(2))
    assert not source.is_ripe(2_999)
    assert source.is_ripe(3_000)
    source.take()
    assert not source.is_ripe(3_000)
    assert source.ripe_at() == 3_001


def test_what_does_not_fit_is_left_to_be_fetched_again() -> None:
    source = a_source(tier=128)
    assert source.put(records(SLOW_TIER_RECORDS + 3)) == SLOW_TIER_RECORDS
    assert source.full


def test_what_one_drain_brings_of_a_lane_is_taken_beside_a_buffer_that_is_not_full() -> None:
    source = a_source()
    unfit, full = [], []
    for first, count in ((0, LANE_RECORDS - 1), (LANE_RECORDS - 1, DRAIN_RECORDS)):
        unfit.append(source.put(records(count, first=first)))
        full.append(source.full)
    assert (unfit, full, source.wants_more) == ([None, None], [False, True], False)


def test_a_lane_is_fetched_again_as_soon_as_it_is_not_full() -> None:
    source = a_source()
    source.put(records(LANE_RECORDS + 1))
    wanted = []
    for _ in range(2):
        source.take()
        wanted.append(source.wants_more)
    assert wanted == [False, True]


def test_a_slow_tier_is_fetched_again_when_its_last_head_is_gone() -> None:
    source = a_source(tier=2048)
    source.put(records(SLOW_TIER_RECORDS))
    for _ in range(SLOW_TIER_RECORDS - 1):
        source.take()
        assert not source.wants_more
    source.take()
    assert source.wants_more


def test_a_quick_tier_is_fetched_again_when_it_is_half_empty() -> None:
    source = a_source(tier=2)
    source.put(records(QUICK_TIER_RECORDS))
    for _ in range(QUICK_TIER_RECORDS // 2 + 1):
        source.take()
    assert source.wants_more


def test_bytes_are_bounded_but_one_record_always_fits() -> None:
    source = a_source(byte_limit=2_000)
    assert source.put(records(3, size=5_000)) == 1


def test_a_source_that_is_full_by_bytes_is_fetched_again_when_half_of_them_are_gone() -> None:
    source = a_source(byte_limit=12_000)
    source.put(records(4, size=2_500))
    assert source.full
    source.take()
    assert not source.wants_more, "what is fetched now would be thrown away"
    source.take()
    assert source.wants_more


def test_one_record_beyond_the_limit_is_waited_for() -> None:
    source = a_source(byte_limit=2_000)
    source.put(records(1, size=5_000))
    assert source.full
    assert not source.wants_more
    source.take()
    assert source.wants_more


@pytest.mark.parametrize("numbers", [0, 1, 12, 200])
def test_all_buffers_of_a_process_keep_within_its_bytes_but_for_one_record_each(numbers: int) -> None:
    lanes, tiers = sources(Topics(), range(numbers), Wheel())
    fetched = [SimpleNamespace(offset=0, timestamp=0, value=bytes(20_000))] * (LANE_RECORDS + DRAIN_RECORDS + 1)
    for source in (*lanes, *tiers):
        source.put(fetched)
    held = sum(len(record.value) for source in (*lanes, *tiers) for record in source._buffer)
    assert held <= BUFFER_BYTES + len((*lanes, *tiers)) * 20_000


def test_what_was_finished_before_a_restart_is_not_done_again() -> None:
    before = a_source()
    before.put(records(3))
    for _ in range(3):
        before.take()
    before.tracker.finish(1)
    position = before.tracker.position()
    assert position is not None
    after = a_source()
    after.restore(*position)
    after.put(records(3))
    assert [taken.offset for taken in (after.take(), after.take(), after.take()) if taken] == [0, 2]


def test_a_full_window_holds_the_head_back_until_an_older_one_is_finished() -> None:
    source = a_source()
    for first in range(0, WINDOW, DRAIN_RECORDS):
        source.put(records(DRAIN_RECORDS, first=first))
        for _ in range(DRAIN_RECORDS):
            source.take()
    source.put(records(1, first=WINDOW))
    assert not source.is_ripe(10_000)
    source.tracker.finish(0)
    assert source.is_ripe(10_000)


def test_a_partition_is_strained_long_before_its_window_is_full() -> None:
    source = a_source()
    strained = []
    for offset in range(STRAINED):
        source.put(records(1, first=offset))
        source.take()
        strained.append(source.is_strained)
    source.tracker.finish(0)
    strained.append(source.is_strained)
    assert strained == [False] * (STRAINED - 1) + [True, False]


def test_a_full_window_with_all_but_its_first_finished_fits_into_the_metadata_of_a_commit() -> None:
    source = a_source()
    for first in range(0, WINDOW, DRAIN_RECORDS):
        source.put(records(DRAIN_RECORDS, first=first))
        for _ in range(DRAIN_RECORDS):
            source.take()
    for offset in range(1, WINDOW):
        source.tracker.finish(offset)
    position = source.tracker.position()
    assert position is not None
    assert (position[0], len(position[1]) <= 4_096) == (0, True)
