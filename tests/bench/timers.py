"""Timers: how late they are with very many of them pending, what one costs, and what becomes of them after an outage.

Each is the first wait of a care flow of `colonoscopy-preparation`: it completes an activity, sends a message, and sets
the next timer. Lateness counts from the moment that the care flow waits for until the broker has the event of it.
"""

import asyncio
import os
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final

import asyncpg
import httpx
import orjson
from tests.bench import report
from tests.bench.accepted_calls import calls_for
from tests.bench.http_load import Outcome
from tests.bench.process_cpu import CpuMeter
from tests.bench.stored_care_flows import fill_up_to, looking_into, settle_tables
from tests.bench.surroundings import processes
from tests.bench.told_events import ToldEvents, told_events

from carewire_contracts.timestamps import parse_timestamp
from carewire_local.platform import Platform
from carewire_testing import eventually
from carewire_testing_e2e.house import visit

DEFINITION: Final = "colonoscopy-preparation"
PENDING: Final = int(os.environ.get("CAREWIRE_BENCH_TIMERS", "100000"))
RATE: Final = 200
STEADY: Final = min(6_000, PENDING // 3)
MISSED: Final = min(6_000, PENDING // 3)
TARGET_P99_S: Final = 1.0
ALLOWED: Final = 500
"""Timers a second, the default of `CAREWIRE_TIMERS_PER_SECOND`."""

_SEEDS: Final = 500
_LEAD: Final = timedelta(seconds=20)
"""Until the first moment: enough to start the orchestrator."""
_DAY: Final = timedelta(days=1)
_PATIENCE_S: Final = 300.0
_IN_JS: Final = """'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'"""
_SET_MOMENTS: Final = f"""
with moved as (
    select id, care_flow_id, due_at as was,
        date_trunc('milliseconds', $1::timestamptz + $2::interval * place) as becomes
    from (
        select id, care_flow_id, due_at, row_number() over (order by md5(id)) - 1 as place
        from timer where due_at > $3::timestamptz order by md5(id) limit $4::integer
    ) as chosen
),
said as (
    update care_flow set document = replace(
        document, to_char(was at time zone 'UTC', {_IN_JS}), to_char(becomes at time zone 'UTC', {_IN_JS})
    )
    from moved where care_flow.id = care_flow_id
)
update timer set due_at = becomes from moved where timer.id = moved.id
"""  # noqa: S608 (ours)
_FIRED: Final = """
select happened_at, care_flow_id from care_flow_change where what = 'timer.fire' order by position
"""


async def measure(platform: Platform) -> None:
    """Print lateness and cost at a steady rate, then order and rate after a day's outage."""
    orchestrator = platform.supervisor["orchestrator"]
    async with visit(platform) as house, calls_for(platform, house, DEFINITION) as calls:
        for name in ("ingress", "dispatcher"):
            await asyncio.to_thread(platform.supervisor[name].stop)
        async with told_events(platform) as told, looking_into(platform) as connection:
            await asyncio.gather(*(calls.accept() for _ in range(_SEEDS)))
            await eventually(lambda: _count(connection, "timer", _SEEDS), _PATIENCE_S, pause=0.5)
            await asyncio.to_thread(orchestrator.stop)
            report.title(f"Filling up to {PENDING:,} care flows of {DEFINITION}, each with a pending timer")
            report.line(
                "filled",
                f"in {await fill_up_to(platform, connection, PENDING):.0f} s, by copies of really started ones",
            )
            await _steady(platform, told, connection)
            await asyncio.to_thread(orchestrator.stop)
            await _after_an_outage(platform, told, connection)


async def _count(connection: "asyncpg.Connection[Any]", table: str, wanted: int) -> bool:
    return bool(await connection.fetchval(f"select count(*) from {table}") >= wanted)  # noqa: S608


async def _steady(platform: Platform, told: ToldEvents, connection: "asyncpg.Connection[Any]") -> None:
    await settle_tables(connection)
    first = await _now(connection) + _LEAD
    await _set_moments(connection, first, timedelta(seconds=1) / RATE, STEADY)
    await _start(platform)
    place = await told.end()
    pending = await connection.fetchval("select count(*) from timer")
    await asyncio.sleep(max(0.0, (first - await _now(connection)).total_seconds()))
    meter, began = CpuMeter(processes(platform)), time.perf_counter()
    await _all_said(connection, first + timedelta(seconds=STEADY / RATE))
    spent, took = meter.spent(), time.perf_counter() - began
    outcome = Outcome(took, await _lateness(told, place))
    report.title(f"{pending:,} timers pending, {RATE} due a second for {STEADY / RATE:.0f} s")
    p50, p99 = (report.milliseconds(outcome.percentile(share)) for share in (0.5, 0.99))
    report.line("timers told of", f"{outcome.answered} of {STEADY}")
    report.line("due to told", f"p50 {p50}, p99 {p99} (asked: p99 <= {report.milliseconds(TARGET_P99_S)})")
    report.cpu_per("timer", spent, STEADY)


async def _after_an_outage(platform: Platform, told: ToldEvents, connection: "asyncpg.Connection[Any]") -> None:
    before = await connection.fetch(_FIRED)
    now = await _now(connection)
    await _set_moments(connection, now - _DAY, _DAY / MISSED, MISSED)
    moments = {row["care_flow_id"]: row["due_at"] for row in await _due(connection, now)}
    await _start(platform)
    await _all_said(connection, now)
    fired = (await connection.fetch(_FIRED))[len(before) :]
    late = await _metric(platform, "carewire_timers_late_total")
    report.title(f"After an outage of a day in which {MISSED:,} timers were due")
    order = [moments[row["care_flow_id"]] for row in fired if row["care_flow_id"] in moments]
    swapped = sum(later < earlier for earlier, later in pairwise(order))
    report.line(
        "timers said", f"{len(order)} of {MISSED}, {swapped} of them before one that was due earlier (asked: 0)"
    )
    report.line("counted as late", f"{late:.0f}")
    report.line("a second", f"{_busiest([row['happened_at'] for row in fired])} at most (allowed: {ALLOWED})")
    took = (fired[-1]["happened_at"] - fired[0]["happened_at"]).total_seconds()
    report.line("all of them", f"within {took:.1f} s, {len(order) / took:.0f} a second")


async def _set_moments(connection: "asyncpg.Connection[Any]", first: datetime, gap: timedelta, count: int) -> None:
    """Have some of the timers that are far off be due from a moment on, each so long after the one before."""
    far_off = await _now(connection) + timedelta(days=30)
    await connection.execute(_SET_MOMENTS, first, gap, far_off, count)


async def _now(connection: "asyncpg.Connection[Any]") -> datetime:
    now: datetime = await connection.fetchval("select clock_timestamp()")
    return now


async def _start(platform: Platform) -> None:
    orchestrator = platform.supervisor["orchestrator"]
    orchestrator.start()
    await eventually(lambda: orchestrator.why_not_ready() is None, 60.0, pause=0.2)


async def _all_said(connection: "asyncpg.Connection[Any]", moment: datetime) -> None:
    async def said() -> bool:
        return not await connection.fetchval("select exists (select from timer where due_at <= $1)", moment) and (
            await _now(connection) > moment
        )

    await eventually(said, _PATIENCE_S, pause=0.2)
    await eventually(lambda: _is_empty(connection), _PATIENCE_S, pause=0.2)


async def _is_empty(connection: "asyncpg.Connection[Any]") -> bool:
    return not await connection.fetchval("select exists (select from outbox)")


async def _lateness(told: ToldEvents, place: Any) -> list[float]:
    records = [one for one in await told.since(place) if ("ce_type", b"activity.completed") in one.headers]
    return [_late(orjson.loads(one.value), one.timestamp) for one in records]


def _late(event: Any, told_ms: int) -> float:
    due = parse_timestamp(event["activity"]["metadata"]["due_date"])
    return told_ms / 1000 - due.timestamp()


async def _due(connection: "asyncpg.Connection[Any]", moment: datetime) -> list[Any]:
    rows: list[Any] = await connection.fetch("select care_flow_id, due_at from timer where due_at <= $1", moment)
    return rows


async def _metric(platform: Platform, name: str) -> float:
    async with httpx.AsyncClient(trust_env=False) as client:
        text = (await client.get(platform.urls["orchestrator"] + "/metrics")).text
    return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name))


def _busiest(moments: Sequence[datetime]) -> int:
    """The most within any second."""
    most, begin = 0, 0
    for end, moment in enumerate(moments):
        while moment - moments[begin] >= timedelta(seconds=1):
            begin += 1
        most = max(most, end - begin + 1)
    return most


def run(platform: Platform) -> None:
    """Measure in an event loop of its own."""
    asyncio.run(measure(platform))
