"""How long a page of the request log takes by each filter, with ten thousand requests in it and with a million."""

import asyncio
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

import asyncpg
from tests.bench import report

from carewire_local.platform import Platform
from carewire_testing_bench.figures import Against, Ratio
from carewire_testing_e2e.house import House, ok, visit

ROWS: Final = int(os.environ.get("CAREWIRE_BENCH_LOG_ROWS", "1000000"))
FEW: Final = 10_000
_ASKED: Final = 30
_DEEP: Final = 10
"""Pages that are turned before the one that is measured as a deep one."""

_WEBHOOKS: Final = 50
_FILL: Final = (
    # One request every 3 s back from now, so that a million of them are five weeks. Ids are uuid7, as in life.
    """
    create temporary table filling as
    select number, mark, at,
           (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7' || substr(mark, 1, 3)
            || '8' || substr(mark, 4, 15))::uuid as id,
           ('00000000-0000-7000-8000-'
            || lpad((('x' || substr(mark, 20, 4))::bit(16)::integer % {webhooks})::text, 12, '0'))::uuid as webhook_id,
           case when number % 100 < 90 then 'SUCCESS' when number % 100 < 95 then 'REJECTED'
                when number % 100 < 98 then 'TEST' when number % 1000 < 999 then 'FAILED' else 'PROCESSING'
           end as status
    from (select number, md5(number::text) as mark, now() - number * interval '3 s' as at
          from generate_series({first}, {last}) as number) as born
    """,
    """
    insert into ingress.request
        (id, webhook_id, definition_id, status, status_rank, received_at, reasons, data_points, content_type, payload,
         care_flow_id, patient_id, failure_reason)
    select id, webhook_id, 'definition-' || number % 20, status, 3, at,
           case when status = 'REJECTED' then '[{{"code": "no_match", "message": "No match."}}]'::jsonb end,
           '[]', 'application/json', convert_to('{{"filled": "' || repeat(mark, 8) || '"}}', 'UTF8'),
           case when status = 'SUCCESS' then 'care-flow-' || number end,
           case when status = 'SUCCESS' then 'patient-' || number end,
           case when status = 'FAILED' then 'identity_conflict' end
    from filling
    """,
    """
    insert into ingress.request_reason (request_id, reason, webhook_id)
    select id, case status when 'REJECTED' then 'no_match' else 'identity_conflict' end, webhook_id
    from filling where status in ('REJECTED', 'FAILED')
    """,
    """
    insert into ingress.request_status (request_id, status, reached_at)
    select id, reached, at from filling, unnest(array['SCHEDULED', 'PROCESSING', status]) as reached
    where status in ('SUCCESS', 'FAILED') union all select id, status, at from filling
    where status not in ('SUCCESS', 'FAILED')
    """,
    "analyze ingress.request",
    "analyze ingress.request_reason",
    "analyze ingress.request_status",
)


@dataclass(frozen=True)
class Asked:
    """What it took to ask for a page some times, in seconds."""

    rows: int
    usual: float
    slowest: float

    def __str__(self) -> str:
        shown = f"median {report.milliseconds(self.usual)}, slowest {report.milliseconds(self.slowest)}"
        return f"{self.rows:3} rows, {shown}"


async def measure(platform: Platform) -> None:
    """Fill the log, and ask for pages of it, with few requests in it and with many."""
    async with visit(platform) as house:
        some, _ = await _filled(platform, 1, FEW)
        few = {name: await _asked(house, query) for name, query in _queries(some, FEW).items()}
        some, took = await _filled(platform, FEW + 1, ROWS)
        report.title(f"Request log of {ROWS:,} requests, pages of 50")
        report.line("filled", f"in {took:.0f} s")
        many = {}
        for name, query in _queries(some, ROWS).items():
            many[name] = await _asked(house, query)
            beside = f"with {FEW:,} requests: median {report.milliseconds(few[name].usual)}"
            report.line(name, f"{many[name]}; {beside}{await _deep(house, query)}")
    # Together: of a few milliseconds each, the ratio of a single one would be chance.
    alike = [name for name, asked in many.items() if asked.rows == few[name].rows]
    grown = Ratio(sum(many[name].usual for name in alike) / sum(few[name].usual for name in alike), Against.GROWTH)
    report.line(f"{ROWS:,} requests to {FEW:,}", f"{grown} as long, first pages of as many rows together", grown)


async def _deep(house: House, query: dict[str, Any]) -> str:
    """What a page takes that many were turned for; nothing where there are not as many."""
    page = await _page(house, query)
    for _ in range(_DEEP):
        if page["next_cursor"] is None:
            return ""
        page = await _page(house, query | {"cursor": page["next_cursor"]})
    if page["next_cursor"] is None:
        return ""
    return f"; page {_DEEP + 2}: {await _asked(house, query | {'cursor': page['next_cursor']})}"


async def _filled(platform: Platform, first: int, last: int) -> tuple[Mapping[str, Any], float]:
    """Put requests of these numbers into the log; answers what to look for, and the seconds that it took."""
    connection = await asyncpg.connect(platform.env["CAREWIRE_POSTGRES_DSN"])
    try:
        began = time.perf_counter()
        for statement in _FILL:
            await connection.execute(statement.format(first=first, last=last, webhooks=_WEBHOOKS))
        took = time.perf_counter() - began
        some: Mapping[str, Any] = await connection.fetchrow(
            "select id::text, care_flow_id, webhook_id::text from ingress.request where care_flow_id = 'care-flow-4711'"
        )
        return some, took
    finally:
        await connection.close()


def _queries(some: Mapping[str, Any], rows: int) -> dict[str, dict[str, Any]]:
    span = rows * 3 / 86_400
    return {
        "without a filter": {},
        "status REJECTED": {"status": "REJECTED"},
        "status PROCESSING (1 in 1,000)": {"status": "PROCESSING"},
        "status of two": {"status": ["FAILED", "REJECTED"]},
        "webhook": {"webhook_id": some["webhook_id"]},
        "webhook and status": {"webhook_id": some["webhook_id"], "status": "REJECTED"},
        "definition": {"definition_id": "definition-7"},
        "care flow": {"care_flow_id": some["care_flow_id"]},
        "request": {"request_id": some["id"]},
        "reason": {"reason": "no_match"},
        "reason and webhook": {"reason": "identity_conflict", "webhook_id": some["webhook_id"]},
        "a reason that never was": {"reason": "malformed_payload"},
        "a webhook that never was": {"webhook_id": "00000000-0000-7000-8000-999999999999"},
        "a day, weeks ago": {"received_from": _days_ago(min(20.0, span)), "received_to": _days_ago(span / 2)},
        "resubmittable": {"resubmittable": "true"},
        "webhook, status, time, reason": {
            "webhook_id": some["webhook_id"],
            "status": "REJECTED",
            "reason": "no_match",
            "received_from": _days_ago(span / 2),
        },
    }


def _days_ago(days: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() - days * 86_400))


async def _page(house: House, query: Mapping[str, Any]) -> Any:
    return await ok(house.ingress.get("/v1/requests", params={"limit": 50, **query}))


async def _asked(house: House, query: Mapping[str, Any]) -> Asked:
    took = []
    for _ in range(_ASKED):
        began = time.perf_counter()
        page = await _page(house, query)
        took.append(time.perf_counter() - began)
    return Asked(len(page["items"]), median(took), max(took))


def run(platform: Platform) -> None:
    """Measure in an event loop of its own."""
    asyncio.run(measure(platform))
