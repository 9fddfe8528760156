"""A partition's buffer through any history of fetches, work, commits and kills.

The world has one partition with records at rising offsets. A worker may be killed at any moment; its
successor restores the last commit and seeks there, as a tenure does. Whatever happens, no record is lost, none
leaves before its time, and what a commit covered is never done again.
"""

from types import SimpleNamespace
from typing import Any

from aiokafka import TopicPartition
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from carewire_dispatcher.adapters.source import SLOW_TIER_RECORDS, Source

DELAY = 128_000
PLACE = TopicPartition("tier", 0)


class Partition(RuleBasedStateMachine):
    """Kafka's partition and its committed position, and one worker after the other."""

    @initialize(steps=st.lists(st.integers(1, 3), min_size=1, max_size=150))
    def append(self, steps: list[int]) -> None:
        offsets = [sum(steps[: number + 1]) for number in range(len(steps))]
        self.log = [SimpleNamespace(offset=at, timestamp=10 * number, value=b"x") for number, at in enumerate(offsets)]
        self.committed: tuple[int, str] | None = None
        self.covered: set[int] = set()
        self.done: set[int] = set()
        self.now = 0
        self.take_over()

    def take_over(self) -> None:
        self.source = Source(PLACE, "fast", 128, DELAY, 10_000_000)
        self.position = 0
        if self.committed is not None:
            self.source.restore(*self.committed)
            self.position = self.committed[0]
        self.working: set[int] = set()
        # What a killed worker finished after its last commit nobody knows of.
        self.known = set(self.covered)

    @rule(most=st.integers(1, 100))
    def fetch(self, most: int) -> None:
        if self.source.full:
            return
        fetched: list[Any] = [record for record in self.log if record.offset >= self.position][:most]
        if not fetched:
            return
        unfit = self.source.put(fetched)
        self.position = fetched[-1].offset + 1 if unfit is None else unfit

    @rule(ms=st.sampled_from([1, DELAY - 1, DELAY, 10 * DELAY]))
    def wait(self, ms: int) -> None:
        self.now += ms

    @rule()
    def take_what_is_ripe(self) -> None:
        while self.source.is_ripe(self.now):
            due = self.source.ripe_at()
            record = self.source.take()
            assert due <= self.now
            if record is not None:
                assert record.timestamp + DELAY <= self.now
                assert record.offset not in self.covered, "what was committed as finished came again"
                self.working.add(record.offset)

    @precondition(lambda self: self.working)
    @rule(data=st.data())
    def finish_some(self, data: st.DataObject) -> None:
        ended = data.draw(st.sets(st.sampled_from(sorted(self.working)), min_size=1))
        for offset in ended:
            self.source.tracker.finish(offset)
        self.working -= ended
        self.known |= ended
        self.done |= ended

    @rule()
    def commit(self) -> None:
        position = self.source.tracker.position()
        if position is not None:
            self.committed = position
            self.covered = set(self.known)

    @rule()
    def kill(self) -> None:
        self.take_over()

    @invariant()
    def the_buffer_is_bounded(self) -> None:
        assert len(self.source._buffer) <= SLOW_TIER_RECORDS

    @invariant()
    def no_commit_passes_a_record_that_was_not_done(self) -> None:
        if self.committed is not None:
            passed = {record.offset for record in self.log if record.offset < self.committed[0]}
            assert passed <= self.done

    def teardown(self) -> None:
        """In the end a worker that nobody kills does all that is left."""
        if not hasattr(self, "log"):
            return
        self.now += 10**9
        for _ in range(10):
            self.fetch(1000)
            self.take_what_is_ripe()
            for offset in self.working:
                self.source.tracker.finish(offset)
            self.done |= self.working
            self.working = set()
        assert {record.offset for record in self.log} == self.done


TestPartition = Partition.TestCase
TestPartition.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
