"""What a delivery costs the worker beside its ceiling, both draining the very same deliveries, one after the other.

The worker is stopped while fan-out writes a round's deliveries to the lanes. Then the ceiling takes them from there,
and leaves no trace; then the worker does. Both call the same receivers, which live in this process, and both are
counted from their first delivery on: the ceiling until Kafka has its last record, the worker until its commits say so.
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

import uvloop
from tests.bench import report
from tests.bench.dispatcher import PATIENCE_S, Arrivals, Bench, dispatcher, measured
from tests.bench.process_cpu import CpuMeter

from carewire_contracts.topics import LANES, Topic
from carewire_local.stack import Stack
from carewire_runtime.kafka.admin import Position, ensure_topics
from carewire_testing import eventually
from carewire_testing_bench.figures import Against, Ratio
from carewire_testing_dispatcher.by_roles import PARTITIONS, ByRoles
from carewire_testing_dispatcher.positions import alive, ends

ROUNDS: Final = 3
EVENTS: Final = 15_000
_BARE_LOG: Final = Topic("bench.bare-log", PARTITIONS, "endpoint id")


@dataclass(frozen=True)
class Shape:
    """So many endpoints, each event for one of them; `at_once` calls of the ceiling."""

    title: str
    endpoints: int
    at_once: int

    @property
    def paths(self) -> list[str]:
        """The endpoints, each named after its definition."""
        return [f"receiver-{number}" for number in range(self.endpoints)]


SHAPES: Final = (Shape("1 endpoint", 1, 16), Shape("100 endpoints", 100, 64))


async def measure(stack: Stack, roles: ByRoles) -> None:
    """Print what a delivery costs both in each shape."""
    await ensure_topics(roles.bootstrap, [_BARE_LOG])
    async with measured(stack, roles) as bench:
        for shape in SHAPES:
            await bench.subscribe(shape.paths, by_definition=True)
            _print(shape, [await _round(bench, shape) for _ in range(ROUNDS)])


async def _round(bench: Bench, shape: Shape) -> tuple[float, float]:
    """Microseconds of a delivery by the ceiling and by the worker."""
    [worker] = bench.roles.workers
    await asyncio.to_thread(worker.stop)
    begin = await _ends(bench.roles)
    await bench.teller.at_once(EVENTS, lambda number: shape.paths[number % shape.endpoints])

    async def all_written() -> bool:
        return sum((await _ends(bench.roles)).values()) >= sum(begin.values()) + EVENTS

    await eventually(all_written, PATIENCE_S, pause=0.5)
    bare = await _bare(bench, shape, begin)
    worker.start()
    return bare, await _drained(bench)


async def _drained(bench: Bench) -> float:
    arrivals = bench.arrivals = Arrivals()
    await eventually(lambda: bool(arrivals.at), PATIENCE_S, pause=0.001)
    before, meter = len(arrivals.at), CpuMeter({"worker": bench.roles.pids()["worker"]})
    await eventually(lambda: len(arrivals.at) >= EVENTS, PATIENCE_S)

    async def all_done() -> bool:
        return await alive(bench.roles.bootstrap, bench.roles.topics) == 0

    await eventually(all_done, PATIENCE_S, pause=0.2)
    return meter.spent()["worker"] / (EVENTS - before) * 1e6


async def _bare(bench: Bench, shape: Shape, begin: dict[Position, int]) -> float:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.bench.bare_worker", bench.roles.bootstrap, str(EVENTS), str(shape.at_once)),
        *(_BARE_LOG.name, bench.url("bare")),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await process.communicate(json.dumps([[*place, offset] for place, offset in begin.items()]).encode())
    return float(printed) / EVENTS * 1e6


async def _ends(roles: ByRoles) -> dict[Position, int]:
    return await ends(roles.bootstrap, [roles.topics.deliveries(lane) for lane in LANES])


def _print(shape: Shape, pairs: Sequence[tuple[float, float]]) -> None:
    report.title(f"The worker drains a backlog to {shape.title}: {ROUNDS} rounds of {EVENTS:,} deliveries")
    bare, ours = (median(costs) for costs in zip(*pairs, strict=True))
    report.line("CPU of the ceiling", f"{bare:8.0f} us a delivery (getmany, bare client, one acked record)")
    report.line("CPU of the worker", f"{ours:8.0f} us a delivery (asked: 250 us at most)")
    ratios = [bare / ours for bare, ours in pairs]
    shown = ", ".join(f"{ratio * 100:.0f} %" for ratio in ratios)
    found = Ratio(median(ratios), Against.CEILING)
    report.line("of the ceiling per CPU second", f"{found!s:>10} (asked: 60 % at least; rounds: {shown})", found)


def run() -> None:
    """Measure in an event loop of its own."""
    with dispatcher() as (stack, roles), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(measure(stack, roles))
