"""What is committed when, and what a refused commit means. Kafka is played by a script."""

from typing import Any, cast

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaConnectionError

from carewire_dispatcher.adapters.committer import RECOMMIT_EVERY_S, Committer
from carewire_dispatcher.adapters.source import Source
from carewire_dispatcher.errors import SessionLost
from carewire_runtime.clock import FakeClock
from carewire_runtime.errors import KafkaUnavailable

Commit = dict[TopicPartition, tuple[int, str]]


class Consumer:
    """Takes commits, or refuses them."""

    def __init__(self) -> None:
        self.commits: list[Commit] = []
        self.refusal: Exception | None = None

    async def commit(self, offsets: dict[TopicPartition, Any]) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.commits.append({place: (at.offset, at.metadata) for place, at in offsets.items()})


@pytest.fixture
def sources() -> list[Source]:
    return [Source(TopicPartition("lane", number), "fast", None, 0, 10**6) for number in range(3)]


@pytest.fixture
def consumer() -> Consumer:
    return Consumer()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def committer(consumer: Consumer, sources: list[Source], clock: FakeClock) -> Committer:
    return Committer(cast("Any", consumer), sources, clock)


async def test_only_positions_that_moved_are_committed(
    committer: Committer, consumer: Consumer, sources: list[Source]
) -> None:
    first, second, _ = sources
    first.restore(10, "")
    second.restore(20, "")
    await committer.commit()
    assert consumer.commits == []
    second.tracker.start(20)
    second.tracker.finish(20)
    await committer.commit()
    await committer.commit()
    assert consumer.commits == [{second.place: (21, "")}]


async def test_what_ends_behind_a_straggler_moves_the_metadata_and_not_the_offset(
    committer: Committer, consumer: Consumer, sources: list[Source]
) -> None:
    source = sources[0]
    for offset in (0, 1, 2):
        source.tracker.start(offset)
    source.tracker.finish(2)
    await committer.commit()
    [[(offset, metadata)]] = [list(commit.values()) for commit in consumer.commits]
    assert offset == 0
    successor = Source(source.place, "fast", None, 0, 10**6)
    successor.restore(offset, metadata)
    assert [successor.tracker.start(offset) for offset in (0, 1, 2)] == [True, True, False]


async def test_once_a_day_all_positions_are_committed_again_before_the_broker_forgets_them(
    committer: Committer, consumer: Consumer, sources: list[Source], clock: FakeClock
) -> None:
    for number, source in enumerate(sources[:2]):
        source.restore(number, "")
    clock.advance(RECOMMIT_EVERY_S - 1)
    await committer.commit()
    assert consumer.commits == []
    clock.advance(1)
    await committer.commit()
    await committer.commit()
    assert consumer.commits == [{source.place: (number, "") for number, source in enumerate(sources[:2])}]


@pytest.mark.parametrize("refusal", [CommitFailedError("canary"), IllegalStateError("canary")])
async def test_a_commit_that_the_group_refuses_means_that_the_partitions_are_another_s(
    committer: Committer, consumer: Consumer, sources: list[Source], refusal: Exception
) -> None:
    sources[0].tracker.start(5)
    consumer.refusal = refusal
    with pytest.raises(SessionLost) as lost:
        await committer.commit()
    assert "canary" not in str(lost.value)
    assert sources[0].committed is None


async def test_what_could_not_be_committed_is_committed_the_next_time(
    committer: Committer, consumer: Consumer, sources: list[Source], clock: FakeClock
) -> None:
    sources[0].tracker.start(5)
    clock.advance(RECOMMIT_EVERY_S)
    consumer.refusal = KafkaConnectionError("canary")
    with pytest.raises(KafkaUnavailable):
        await committer.commit()
    consumer.refusal = None
    await committer.commit()
    assert consumer.commits == [{sources[0].place: (5, "")}]
