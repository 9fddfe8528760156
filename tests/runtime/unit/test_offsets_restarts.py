"""The offset tracker through any history of starts, ends, commits and restarts, against plain sets."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from carewire_runtime.kafka.offsets import OffsetTracker

WINDOW = 40


class Restarts(RuleBasedStateMachine):
    """One partition, whose offsets have gaps where compaction took records away."""

    @initialize(first=st.integers(0, 10**12))
    def begin(self, first: int) -> None:
        self.tracker = OffsetTracker(WINDOW)
        self.next = first
        self.log: list[int] = []
        self.done: set[int] = set()
        self.working: set[int] = set()
        self.committed: tuple[int, str] | None = None
        self.covered: set[int] = set()

    @precondition(lambda self: not self.tracker.full)
    @rule(gap=st.integers(0, 5))
    def start_the_next(self, gap: int) -> None:
        known = [offset for offset in self.log if offset >= self.next]
        offset = known[0] if known else self.next + gap
        if not known:
            self.log.append(offset)
        self.next = offset + 1
        if self.tracker.start(offset):
            assert offset not in self.covered
            self.working.add(offset)
        else:
            assert offset in self.covered

    @precondition(lambda self: self.working)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        offset = data.draw(st.sampled_from(sorted(self.working)))
        self.tracker.finish(offset)
        self.working.discard(offset)
        self.done.add(offset)

    @rule()
    def commit(self) -> None:
        self.committed = self.tracker.position()
        self.covered = set(self.done) if self.committed is not None else set()

    @precondition(lambda self: self.committed is not None)
    @rule()
    def restart(self) -> None:
        assert self.committed is not None
        self.tracker = OffsetTracker(WINDOW)
        self.tracker.restore(*self.committed)
        self.next = self.committed[0]
        self.working = set()
        self.done = set(self.covered)

    @invariant()
    def the_position_never_passes_what_is_under_way(self) -> None:
        position = self.tracker.position()
        if position is not None:
            assert all(offset >= position[0] for offset in self.working)
            assert {offset for offset in self.log if offset < position[0]} <= self.done

    @invariant()
    def what_is_committed_is_short(self) -> None:
        position = self.tracker.position()
        assert position is None or len(position[1]) <= 2 + 4 * (WINDOW // 24 + 2)


TestRestarts = Restarts.TestCase
TestRestarts.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
