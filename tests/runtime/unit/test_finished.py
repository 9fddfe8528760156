"""What is committed: the newest finished offset of each partition, and of lost partitions nothing."""

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaTimeoutError, TopicAuthorizationFailedError
from hypothesis import given
from hypothesis import strategies as st

from carewire_runtime.errors import KafkaRefused, KafkaUnavailable
from carewire_runtime.kafka.finished import Finished
from carewire_runtime.telemetry import metrics
from carewire_testing_runtime.log import logged

GROUP = "finished-test"


@dataclass(frozen=True)
class Fetched:
    """A record as the driver hands it out, as far as commits look at it."""

    topic: str
    partition: int
    offset: int


class Member:
    """A member of a group that writes down its commits, or fails them."""

    def __init__(self, *errors: Exception) -> None:
        self.commits: list[dict[TopicPartition, int]] = []
        self.errors = list(errors)
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def commit(self, offsets: dict[TopicPartition, int]) -> None:
        await self.go_on.wait()
        if self.errors:
            raise self.errors.pop(0)
        self.commits.append(offsets)


def records(*places: tuple[int, int]) -> list[Any]:
    return [Fetched("t", partition, offset) for partition, offset in places]


async def test_the_offset_after_the_last_record_of_each_partition_is_committed() -> None:
    finished, member = Finished(GROUP), Member()
    finished.add(records((0, 1), (1, 7), (0, 2)))
    finished.add(records((0, 3)))
    await finished.commit(member)
    assert member.commits == [{TopicPartition("t", 0): 4, TopicPartition("t", 1): 8}]


async def test_nothing_new_costs_no_request() -> None:
    finished, member = Finished(GROUP), Member()
    await finished.commit(member)
    finished.add(records((0, 1)))
    await finished.commit(member)
    await finished.commit(member)
    assert len(member.commits) == 1


async def test_who_waits_for_something_to_commit_waits_until_there_is_some() -> None:
    finished = Finished(GROUP)

    async def must_wait() -> bool:
        waiting = asyncio.create_task(finished.any())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        return waiting.cancelled()

    assert await must_wait()
    finished.add(records((0, 1)))
    assert not await must_wait()
    await finished.commit(Member())
    assert await must_wait()
    finished.add(records((0, 2)))
    finished.forget()
    assert await must_wait()


async def test_what_was_taken_away_is_not_committed() -> None:
    finished, member = Finished(GROUP), Member()
    finished.add(records((0, 1)))
    finished.forget()
    await finished.commit(member)
    assert member.commits == []


@pytest.mark.parametrize("refusal", [CommitFailedError(), IllegalStateError()], ids=["moved on", "not assigned"])
async def test_a_commit_that_comes_too_late_is_left_out_counted_and_told(refusal: Exception) -> None:
    finished, member = Finished(GROUP), Member(refusal)
    finished.add(records((0, 1), (1, 1)))
    before = metrics.COMMITS_SKIPPED.value(group=GROUP)
    with logged() as lines:
        await finished.commit(member)
        await finished.commit(member)
    assert member.commits == []
    assert metrics.COMMITS_SKIPPED.value(group=GROUP) == before + 1
    assert [line["partitions"] for line in lines.of("commit_skipped")] == [2]


@pytest.mark.parametrize(
    ("raised", "meant"),
    [
        (KafkaTimeoutError(), KafkaUnavailable),
        (ConnectionResetError(), KafkaUnavailable),
        (TopicAuthorizationFailedError(), KafkaRefused),
    ],
)
async def test_other_failures_are_told_in_our_words(raised: Exception, meant: type[Exception]) -> None:
    finished = Finished(GROUP)
    finished.add(records((0, 1)))
    with pytest.raises(meant):
        await finished.commit(Member(raised))


async def test_commits_go_one_after_another_and_a_later_one_holds_what_came_meanwhile() -> None:
    finished, member = Finished(GROUP), Member()
    member.go_on.clear()
    finished.add(records((0, 1)))
    first = asyncio.create_task(finished.commit(member))
    await asyncio.sleep(0)
    finished.add(records((0, 2)))
    second = asyncio.create_task(finished.commit(member))
    await asyncio.sleep(0)
    assert member.commits == []
    member.go_on.set()
    await asyncio.gather(first, second)
    assert member.commits == [{TopicPartition("t", 0): 2}, {TopicPartition("t", 0): 3}]


@given(st.lists(st.one_of(st.none(), st.lists(st.integers(0, 3), min_size=1, max_size=6)), max_size=30))
async def test_commits_only_go_forward_and_end_at_all_that_is_finished(steps: list[list[int] | None]) -> None:
    """Each step is a batch, as the partitions of its records, or a commit."""
    finished, member, following = Finished(GROUP), Member(), dict.fromkeys(range(4), 0)
    for step in [*steps, None]:
        if step is None:
            await finished.commit(member)
            continue
        batch = []
        for partition in step:
            batch.append((partition, following[partition]))
            following[partition] += 1
        finished.add(records(*batch))
    reached = dict.fromkeys(range(4), 0)
    for commit in member.commits:
        for place, offset in commit.items():
            assert offset > reached[place.partition]
            reached[place.partition] = offset
    assert reached == following
