"""Bad neighbours: `make isolation`, or `python -m tests.chaos.isolation --pairs 1 --seconds 20 --backlog 50000`.

A hundred endpoints, each event for one of them. One hangs with a backlog behind it, one answers after nine seconds, one
is flooded at ten times its rate. The others must not notice: their latencies are compared with those of a run in which
the three are not there. Runs alternate, each on topics, a database and processes of its own.
"""

import argparse
import asyncio
import os
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

import uvloop

from carewire_local.progress import say
from carewire_local.stack import Stack
from carewire_runtime.memory import spare_the_collector
from carewire_testing import eventually
from carewire_testing.databases import fresh_database
from carewire_testing.topics import fresh_topics
from carewire_testing_dispatcher.by_roles import ByRoles, by_roles
from carewire_testing_dispatcher.crowd import AT_ONCE, NEVER, Answer, Crowd, Taken, crowd
from carewire_testing_dispatcher.positions import written
from carewire_testing_dispatcher.told_events import EVENT_TYPE, Teller, telling

RATE: Final = 200
HEALTHY: Final = tuple(f"healthy-{number}" for number in range(97))
HANGING, SLOW, FLOODED = "hanging", "slow", "flooded"
_HEALTHY: Final = frozenset(HEALTHY)
ALL: Final = (*HEALTHY, HANGING, SLOW, FLOODED)
SLOW_S: Final = 9.0
BEARS_PER_S: Final = 10
"""What the flooded endpoint bears; it gets ten times as much."""
RATIO_MAX: Final = 1.1
DIFFERENCE_MAX_S: Final = 0.005
_LEAD_IN_S: Final = 5.0
_WRITTEN_WITHIN_S: Final = 300.0
_ARRIVED_WITHIN_S: Final = 60.0


@dataclass
class Calls:
    """Who was called how often, and when each event reached a healthy endpoint."""

    counts: Counter[str] = field(default_factory=Counter)
    at: dict[str, float] = field(default_factory=dict)

    def take(self, taken: Taken) -> Answer:
        """Answer as whoever is called does."""
        name = taken.path.removeprefix("/")
        self.counts[name] += 1
        if name == HANGING:
            return NEVER
        if name == SLOW:
            return Answer(after_s=SLOW_S)
        if name != FLOODED:
            self.at.setdefault(taken.webhook_id, taken.at)
        return AT_ONCE


@dataclass(frozen=True)
class Latencies:
    """Of the healthy endpoints, from telling of an event to its call, in seconds."""

    p50: float
    p99: float
    longest: float
    calls: Counter[str]

    def __str__(self) -> str:
        return f"p50 {_ms(self.p50)}, p99 {_ms(self.p99)}, longest {_ms(self.longest)}"


def main() -> int:
    """Run the pairs. Returns 1 where the healthy ones were slowed down."""
    parser = argparse.ArgumentParser(prog="isolation", description="Bad neighbours, and what the others notice.")
    parser.add_argument("--pairs", type=int, default=5, help="runs without and with them (%(default)s)")
    parser.add_argument("--seconds", type=float, default=60, help="seconds that count of each run (%(default)s)")
    parser.add_argument("--backlog", type=int, default=200_000, help="events for the one that hangs (%(default)s)")
    asked = parser.parse_args()
    with TemporaryDirectory(prefix="carewire-isolation-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with Stack(folder / "state", report=say) as stack:
            pairs = [_pair(stack, folder, number, asked) for number in range(asked.pairs)]
    return 0 if _holds(pairs) else 1


def _pair(stack: Stack, folder: Path, number: int, asked: argparse.Namespace) -> tuple[Latencies, Latencies]:
    found = {}
    # Which comes first changes, so that no drift of the machine is taken for one of ours.
    for beside in (False, True) if number % 2 == 0 else (True, False):
        backlog = asked.backlog if beside else None
        found[beside] = _run(stack, folder, asked.seconds, backlog)
        say(f"  pair {number + 1}, {'with' if beside else 'without'} bad neighbours: {found[beside]}")
        if beside:
            bad = ", ".join(f"{name} {found[beside].calls[name]}" for name in (HANGING, SLOW, FLOODED))
            say(f"          calls of theirs: {bad}")
    return found[False], found[True]


def _run(stack: Stack, folder: Path, seconds: float, backlog: int | None) -> Latencies:
    with (
        fresh_database(stack.postgres_dsn) as dsn,
        fresh_topics(stack.kafka_bootstrap) as prefix,
        by_roles(stack, folder, CAREWIRE_POSTGRES_DSN=dsn, CAREWIRE_TOPIC_PREFIX=prefix) as roles,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        return runner.run(_measure(roles, seconds, backlog))


async def _measure(roles: ByRoles, seconds: float, backlog: int | None) -> Latencies:
    calls = Calls()
    async with crowd(calls.take) as receivers, telling(roles.bootstrap, roles.topics) as teller:
        await roles.subscribe([_endpoint(receivers, name) for name in (HEALTHY if backlog is None else ALL)])
        if backlog is not None:
            await _pile_up(roles, teller, backlog)
        _forget_the_piling_up()
        async with asyncio.TaskGroup() as others:
            if backlog is not None:
                flood = teller.steadily(10 * BEARS_PER_S, _LEAD_IN_S + seconds, lambda _: FLOODED)
                others.create_task(flood)
            await _tell(teller, _LEAD_IN_S)
            before = set(teller.told)
            await _tell(teller, seconds)
        counted = {
            event_id: moment.at
            for event_id, moment in teller.told.items()
            if event_id not in before and moment.definition_id in _HEALTHY
        }
        await eventually(lambda: counted.keys() <= calls.at.keys(), _ARRIVED_WITHIN_S)
        return _latencies([calls.at[event_id] - told for event_id, told in counted.items()], calls)


async def _pile_up(roles: ByRoles, teller: Teller, backlog: int) -> None:
    """Let a backlog wait for a worker that is not there, and have it come."""
    [worker] = roles.workers
    await asyncio.to_thread(worker.stop)
    await teller.at_once(backlog, lambda _: HANGING)

    async def all_written() -> bool:
        return await written(roles.bootstrap, roles.topics) >= backlog

    await eventually(all_written, _WRITTEN_WITHIN_S, pause=0.5)
    worker.start()
    await roles.ready()


def _forget_the_piling_up() -> None:
    """Leave it as if it had been long ago: on disk, and nothing that the collector looks through.

    Else Kafka waits for its disk while it is measured, and so do the receivers, which are in this process.
    """
    os.sync()
    spare_the_collector()


async def _tell(teller: Teller, seconds: float) -> None:
    """Tell of events for everyone in turn, for those too who are not there."""
    await teller.steadily(RATE, seconds, lambda number: ALL[number % len(ALL)])


def _endpoint(receivers: Crowd, name: str) -> dict[str, object]:
    wanted = {"url": receivers.url(f"/{name}"), "event_types": [EVENT_TYPE], "definition_ids": [name]}
    return wanted | ({"rate_per_s": BEARS_PER_S} if name == FLOODED else {})


def _latencies(found: list[float], calls: Calls) -> Latencies:
    found.sort()
    return Latencies(found[len(found) // 2], found[int(len(found) * 0.99)], found[-1], calls.counts)


def _holds(pairs: Sequence[tuple[Latencies, Latencies]]) -> bool:
    """Print the verdict."""
    ratios = [beside.p99 / alone.p99 for alone, beside in pairs]
    differences = [beside.p99 - alone.p99 for alone, beside in pairs]
    ratio, difference = median(ratios), median(differences)
    say(f"\np99 of the {len(HEALTHY)} others with bad neighbours, to that without:")
    say(f"  ratio       median {ratio:.2f}, from {min(ratios):.2f} to {max(ratios):.2f} (asked: {RATIO_MAX} at most)")
    spread = f"from {_ms(min(differences))} to {_ms(max(differences))}"
    say(f"  difference  median {_ms(difference)}, {spread} (or: {_ms(DIFFERENCE_MAX_S)} at most)")
    holds = ratio <= RATIO_MAX or difference <= DIFFERENCE_MAX_S
    say("Nobody else noticed." if holds else "NOT ISOLATED: the others were slowed down.")
    return holds


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


if __name__ == "__main__":
    sys.exit(main())
