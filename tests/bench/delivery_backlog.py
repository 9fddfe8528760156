"""A backlog of deliveries, drained once the worker is there; CAREWIRE_BENCH_BACKLOG=20000 makes a smaller one."""

import asyncio
import os
from typing import Final

import uvloop
from tests.bench import report
from tests.bench.dispatcher import PATIENCE_S, dispatcher, measured

from carewire_local.stack import Stack
from carewire_testing import eventually
from carewire_testing_dispatcher.by_roles import ByRoles
from carewire_testing_dispatcher.positions import written

BACKLOG: Final = int(os.environ.get("CAREWIRE_BENCH_BACKLOG", "100000"))
ENDPOINTS: Final = tuple(f"receiver-{number}" for number in range(100))


async def measure(stack: Stack, roles: ByRoles) -> None:
    """Print how long the drain takes, and its CPU by part."""
    async with measured(stack, roles) as bench:
        await bench.subscribe(ENDPOINTS, by_definition=True)
        [worker] = roles.workers
        await asyncio.to_thread(worker.stop)
        await bench.teller.at_once(BACKLOG, lambda number: ENDPOINTS[number % len(ENDPOINTS)])

        async def all_written() -> bool:
            return await written(roles.bootstrap, roles.topics) >= BACKLOG

        await eventually(all_written, PATIENCE_S, pause=0.5)
        worker.start()
        begin = await bench.begin()
        spent = await begin.spent(BACKLOG)
        drained = spent.seconds - (min(bench.arrivals.at.values()) - begin.at)
        report.title(f"A backlog of {BACKLOG:,} deliveries to {len(ENDPOINTS)} endpoints")
        report.line("drained", f"in {drained:.1f} s, {BACKLOG / drained:.0f} a second; {bench.arrivals.copies} copies")
        report.line("with the start of the worker", f"{spent.seconds:.1f} s")
        report.cpu_per("delivery", spent.cpu, BACKLOG)


def run() -> None:
    """Measure in an event loop of its own."""
    with dispatcher() as (stack, roles), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(measure(stack, roles))
