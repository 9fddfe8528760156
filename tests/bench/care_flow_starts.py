"""Starts of a named care flow: what one costs and how soon it is told of, with few and with very many stored ones.

CAREWIRE_BENCH_DEFINITION names another one of the examples. Requests are put on Kafka as ingress puts them there, and
nothing but the orchestrator and the servers runs. Latency is by the broker's clock alone: from when it had the request
to when it had `pathway.started`.
"""

import asyncio
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
import orjson
from tests.bench import report
from tests.bench.accepted_calls import Calls, calls_for
from tests.bench.http_load import Outcome
from tests.bench.machine_shares import MachineShares
from tests.bench.process_cpu import CpuMeter
from tests.bench.stored_care_flows import fill_up_to, looking_into, settle_tables
from tests.bench.surroundings import processes, settle
from tests.bench.told_events import ToldEvents, told_events

from carewire_local.platform import Platform
from carewire_testing import eventually
from carewire_testing_bench.figures import Against, Ratio
from carewire_testing_e2e.house import visit

DEFINITION: Final = os.environ.get("CAREWIRE_BENCH_DEFINITION", "hip-surgery-follow-up")
MANY: Final = int(os.environ.get("CAREWIRE_BENCH_STORED", "200000"))
FEW: Final = 1_000
RATE: Final = 100.0
LEAD_IN: Final = 300
"""Starts at the steady rate that do not count: the first ones alone meet code, statements and connections that are cold
for batches of a few, after those of hundreds that made the stored ones."""
STEADY: Final = 2_000
BURST: Final = 3_000
TARGET_P99_S: Final = 0.150
TARGET_CPU_S: Final = 0.002
_PATIENCE_S: Final = 120.0
_AT_REST_S: Final = 1.0
_TABLES: Final = (
    "start",
    "patient",
    "patient_identifier",
    "patient_search_key",
    "care_flow",
    "activity",
    "data_point",
    "care_flow_change",
    "timer",
)


@dataclass(frozen=True)
class Cost:
    """What a phase cost, in seconds of CPU a start."""

    steady: Mapping[str, float]
    burst: Mapping[str, float]


class Starts:
    """Starts care flows and waits until all of them are told of. `each` is how many events one start tells."""

    def __init__(self, platform: Platform, calls: Calls, told: ToldEvents, each: int) -> None:
        self._platform = platform
        self._calls = calls
        self._told = told
        self._each = each

    async def steadily(self, rate: float, count: int) -> tuple[Outcome, Mapping[str, float]]:
        """Start `count` at `rate` a second; answers latencies, and CPU a start."""
        began, place, meter = time.perf_counter(), await self._told.end(), self._meter()
        accepted = []
        async with asyncio.TaskGroup() as group:
            for number in range(count):
                await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
                accepted.append(group.create_task(self._calls.accept()))
        await self._all_told(place, count)
        spent = _each(meter, count)
        at = dict(one.result() for one in accepted)
        latencies = [(ended_ms - at[patient]) / 1000 for patient, ended_ms in await self._started_since(place)]
        return Outcome(time.perf_counter() - began, latencies), spent

    async def at_once(self, count: int) -> tuple[float, Mapping[str, float]]:
        """Start `count` as fast as it goes; answers how many a second that is, and CPU a start."""
        began, place, meter = time.perf_counter(), await self._told.end(), self._meter()
        await asyncio.gather(*(self._calls.accept() for _ in range(count)))
        await self._all_told(place, count)
        return count / (time.perf_counter() - began), _each(meter, count)

    def _meter(self) -> CpuMeter:
        return CpuMeter(processes(self._platform))

    async def _all_told(self, place: Any, count: int) -> None:
        async def told() -> bool:
            return await self._told.count_since(place) >= count * self._each

        await eventually(told, _PATIENCE_S, pause=0.1)

    async def _started_since(self, place: Any) -> list[tuple[str, int]]:
        """The patient's identifier of each `pathway.started`, and when the broker had it."""
        records = [one for one in await self._told.since(place) if ("ce_type", b"pathway.started") in one.headers]
        pathways = [(orjson.loads(one.value)["pathway"], one.timestamp) for one in records]
        return [(pathway["patient_identifiers"][0]["value"], at) for pathway, at in pathways]


def _each(meter: CpuMeter, count: int) -> dict[str, float]:
    return {name: seconds / count for name, seconds in meter.spent().items()}


async def measure(platform: Platform) -> None:
    """Print what a start costs and how soon it is told of, with few and with many stored care flows."""
    async with visit(platform) as house, calls_for(platform, house, DEFINITION) as calls:
        for name in ("ingress", "dispatcher"):
            # They would share the servers' time, and a start needs neither.
            await asyncio.to_thread(platform.supervisor[name].stop)
        async with told_events(platform) as told, looking_into(platform) as connection:
            await _measure(platform, calls, told, connection)


async def _measure(platform: Platform, calls: Calls, told: ToldEvents, connection: "asyncpg.Connection[Any]") -> None:
    report.title(f"Starts of {DEFINITION}")
    starts = Starts(platform, calls, told, await _print_one(calls, told, connection))
    await starts.at_once(FEW - 1)
    await settle(2.0)
    few = await _phase(starts, FEW)
    report.title(f"Filling up to {MANY:,} stored care flows")
    filled = await fill_up_to(platform, connection, MANY)
    await settle_tables(connection)
    report.line("filled", f"in {filled:.0f} s, by copies of really started ones; indexes as in life, then analyzed")
    await starts.at_once(FEW)
    await settle(2.0)
    many = await _phase(starts, MANY)
    _print_growth(few, many)


async def _print_one(calls: Calls, told: ToldEvents, connection: "asyncpg.Connection[Any]") -> int:
    """Start one and print what it leaves; answers how many events it tells."""
    place, before = await told.end(), await _rows(connection)
    await calls.accept()
    events = 0

    async def at_rest() -> bool:
        nonlocal events
        before, events = events, await told.count_since(place)
        return events > 0 and events == before

    await eventually(at_rest, _PATIENCE_S, pause=_AT_REST_S)
    rows = {table: count - before[table] for table, count in (await _rows(connection)).items()}
    listed = ", ".join(f"{table} {count}" for table, count in rows.items() if count)
    report.line("rows a start", f"{sum(rows.values())} ({listed}), and for a moment one of the outbox a batch")
    report.line("events a start", f"{events}, and 3 statuses of its request")
    return events


async def _rows(connection: "asyncpg.Connection[Any]") -> dict[str, int]:
    return {table: await connection.fetchval(f"select count(*) from {table}") for table in _TABLES}  # noqa: S608


async def _phase(starts: Starts, stored: int) -> Cost:
    await starts.steadily(RATE, LEAD_IN)
    machine = MachineShares()
    outcome, steady = await starts.steadily(RATE, STEADY)
    left = str(machine)
    report.title(f"With {stored:,} stored care flows, a steady {RATE:.0f} a second for {STEADY / RATE:.0f} s")
    p50, p99 = outcome.percentile(0.5), outcome.percentile(0.99)
    told = f"p50 {report.milliseconds(p50)}, p99 {report.milliseconds(p99)}"
    report.line("request to pathway.started", f"{told} (asked: p99 <= {report.milliseconds(TARGET_P99_S)})")
    report.line("the machine meanwhile", left)
    report.cpu_per("start", steady, 1)
    rate, burst = await starts.at_once(BURST)
    report.title(f"With {stored:,} stored care flows, {BURST:,} at once: {rate:.0f} a second")
    report.cpu_per("start", burst, 1)
    return Cost(steady, burst)


def _print_growth(few: Cost, many: Cost) -> None:
    report.title("What was asked")
    for what, cost in (("at 100 a second", many.steady), ("at once", many.burst)):
        found = f"{cost['orchestrator'] * 1e3:.2f} ms CPU of the orchestrator a start"
        report.line(what, f"{found} (asked: <= {TARGET_CPU_S * 1e3:.0f} ms)")
    for what, before, after in (("at 100 a second", few.steady, many.steady), ("at once", few.burst, many.burst)):
        ratios = ", ".join(f"{name} {after[name] / before[name]:.2f}" for name in before)
        ratio = sum(after.values()) / sum(before.values())
        grown = f"{ratio:.2f} times the CPU ({ratios}; asked: 1)"
        report.line(f"{MANY:,} stored to {FEW:,}, {what}", grown, Ratio(ratio, Against.GROWTH))


def run(platform: Platform) -> None:
    """Measure in an event loop of its own."""
    asyncio.run(measure(platform))
