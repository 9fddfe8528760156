"""What a delivery costs the worker beside its ceilings, all draining the very same deliveries, one after the other.

The worker is stopped while fan-out writes a round's deliveries to the lanes. Then each ceiling takes them from there,
and leaves no trace; then the worker does. All call the same receivers, which live in this process, and all are counted
from their first delivery on: a ceiling until Kafka has its last record, the worker until its commits say so. What the
two ceilings are stands in `bare_worker`: the parts of which the worker is made, and the least that can be had.
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import astuple, dataclass
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

ROUNDS: Final = 5
EVENTS: Final = 15_000
_BARE_LOG: Final = Topic("bench.bare-log", PARTITIONS, "endpoint id")


@dataclass(frozen=True)
class Costs:
    """Microseconds of CPU that a delivery took in one round."""

    bare: float
    parts: float
    worker: float


@dataclass(frozen=True)
class Shape:
    """So many endpoints, each event for one of them; `at_once` calls of a ceiling."""

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


async def _round(bench: Bench, shape: Shape) -> Costs:
    [worker] = bench.roles.workers
    await asyncio.to_thread(worker.stop)
    begin = await _ends(bench.roles)
    await bench.teller.at_once(EVENTS, lambda number: shape.paths[number % shape.endpoints])

    async def all_written() -> bool:
        return sum((await _ends(bench.roles)).values()) >= sum(begin.values()) + EVENTS

    await eventually(all_written, PATIENCE_S, pause=0.5)
    bare, parts = [await _ceiling(client, bench, shape, begin) for client in ("bare", "parts")]
    worker.start()
    return Costs(bare, parts, await _drained(bench))


async def _drained(bench: Bench) -> float:
    arrivals = bench.arrivals = Arrivals()
    await eventually(lambda: bool(arrivals.at), PATIENCE_S, pause=0.001)
    before, meter = len(arrivals.at), CpuMeter({"worker": bench.roles.pids()["worker"]})
    await eventually(lambda: len(arrivals.at) >= EVENTS, PATIENCE_S)

    async def all_done() -> bool:
        return await alive(bench.roles.bootstrap, bench.roles.topics) == 0

    await eventually(all_done, PATIENCE_S, pause=0.2)
    return meter.spent()["worker"] / (EVENTS - before) * 1e6


async def _ceiling(client: str, bench: Bench, shape: Shape, begin: dict[Position, int]) -> float:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.bench.bare_worker", client, bench.roles.bootstrap, str(EVENTS), str(shape.at_once)),
        *(_BARE_LOG.name, bench.url("bare")),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await process.communicate(json.dumps([[*place, offset] for place, offset in begin.items()]).encode())
    return float(printed) / EVENTS * 1e6


async def _ends(roles: ByRoles) -> dict[Position, int]:
    return await ends(roles.bootstrap, [roles.topics.deliveries(lane) for lane in LANES])


def _print(shape: Shape, rounds: Sequence[Costs]) -> None:
    report.title(f"The worker drains a backlog to {shape.title}: {ROUNDS} rounds of {EVENTS:,} deliveries")
    bare, parts, worker = (median(cost) for cost in zip(*map(astuple, rounds), strict=True))
    report.line("CPU of the worker", f"{worker:8.0f} us a delivery (asked: 250 us at most)")
    what = "getmany, signature, delivery client, log line, one acked record, without any decision"
    report.line("CPU of its parts", f"{parts:8.0f} us a delivery ({what})")
    _share("of the ceiling per CPU second", [one.parts / one.worker for one in rounds], "asked: 60 % at least; ")
    what = "a few lines for a client, without deadline and bounds, and no log line"
    report.line("CPU of the least that can be had", f"{bare:8.0f} us a delivery ({what})")
    _share("of the least, per CPU second", [one.bare / one.worker for one in rounds])


def _share(label: str, ratios: Sequence[float], asked: str = "") -> None:
    found = Ratio(median(ratios), Against.CEILING)
    shown = ", ".join(f"{ratio * 100:.0f} %" for ratio in ratios)
    report.line(label, f"{found!s:>10} ({asked}rounds: {shown})", found)


def run() -> None:
    """Measure in an event loop of its own."""
    with dispatcher() as (stack, roles), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(measure(stack, roles))
