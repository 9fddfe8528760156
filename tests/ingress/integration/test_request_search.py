"""The log is searched by any filter, and Postgres never reads the whole of it."""

import json
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from carewire_contracts.requests import ReasonCode
from carewire_contracts.statuses import FailureReason, RequestStatus
from carewire_ingress import app
from carewire_ingress.adapters.request_query import IN_ORDER, count_query, page_query
from carewire_ingress.adapters.request_reader import RequestReader
from carewire_ingress.adapters.request_store import RequestStore
from carewire_ingress.domain.request_filter import RequestFilter
from carewire_ingress.domain.request_log import LogEntry
from carewire_runtime.audit import Audit
from carewire_runtime.clock import SystemClock
from carewire_runtime.ids import derived_id, earliest_id
from carewire_runtime.postgres.migrations import migrate
from carewire_runtime.postgres.pool import Database

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROWS = 20_000
BEGAN = datetime(2026, 3, 2, tzinfo=UTC)
WEBHOOKS = [derived_id("webhook", str(number)) for number in range(20)]
REASONS = (ReasonCode.NO_MATCH, ReasonCode.WRONG_TYPE, ReasonCode.DISABLED)


def entry(number: int) -> LogEntry:
    rng = random.Random(number)
    at = BEGAN + timedelta(seconds=number)
    request_id = str(UUID(int=UUID(earliest_id(at)).int | 0x7 << 76 | 0b10 << 62 | number))
    status = rng.choices(list(RequestStatus), [2, 1, 90, 2, 4, 1])[0]
    webhook = rng.randrange(len(WEBHOOKS))
    codes = rng.sample(REASONS, 2) if status is RequestStatus.REJECTED else []
    return LogEntry(
        request_id=request_id,
        webhook_id=WEBHOOKS[webhook],
        definition_id=f"definition-{webhook % 5}",
        status=status,
        reached={status: at},
        received_at=at,
        reasons=tuple({"code": code.value, "message": "m"} for code in codes) or None,
        payload=b"{}" if number % 3 else None,
        care_flow_id=f"flow-{number}" if status is RequestStatus.SUCCESS else None,
        failure_reason=FailureReason.IDENTITY_CONFLICT.value if status is RequestStatus.FAILED else None,
    )


@cache
def entries() -> list[LogEntry]:
    """The whole log, made by whoever needs it and not by all who only collect the tests."""
    return [entry(number) for number in range(ROWS)]


@cache
def resent() -> frozenset[str]:
    able = (one for one in entries() if one.status is RequestStatus.REJECTED and one.payload is not None)
    return frozenset(sorted(one.request_id for one in able)[::2])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def db(database_dsn: str) -> AsyncIterator[Database]:
    database = Database(database_dsn, app.SERVICE)
    await database.start()
    await migrate(database, "carewire_ingress")
    store = RequestStore(database)
    for start in range(0, ROWS, 1_000):
        await store.save(entries()[start : start + 1_000])
    async with database.connection() as connection:
        await connection.executemany(
            "insert into request_resubmission values ($1, $2)",
            [(derived_id("again", one), one) for one in sorted(resent())],
        )
        await connection.execute("analyze")
    yield database
    await database.stop()


@pytest.fixture
def reader(db: Database) -> RequestReader:
    return RequestReader(db, Audit(SystemClock()))


SOME = entry(ROWS // 2)
STARTED = next(one for one in map(entry, reversed(range(ROWS))) if one.care_flow_id is not None)
FILTERS = {
    "nothing": RequestFilter(),
    "a frequent status": RequestFilter(statuses=(RequestStatus.SUCCESS,)),
    "a rare status": RequestFilter(statuses=(RequestStatus.PROCESSING,)),
    "several statuses": RequestFilter(statuses=(RequestStatus.FAILED, RequestStatus.REJECTED)),
    "a webhook": RequestFilter(webhook_id=WEBHOOKS[3]),
    "a webhook nobody knows": RequestFilter(webhook_id=derived_id("nobody")),
    "a definition": RequestFilter(definition_id="definition-2"),
    "a care flow": RequestFilter(care_flow_id=STARTED.care_flow_id),
    "a request": RequestFilter(request_id=SOME.request_id),
    "a reason of a refusal": RequestFilter(reason=ReasonCode.WRONG_TYPE),
    "a reason of a failure": RequestFilter(reason=FailureReason.IDENTITY_CONFLICT),
    "a reason that nothing has": RequestFilter(reason=ReasonCode.FILTERED),
    "from a moment on": RequestFilter(received_from=BEGAN + timedelta(seconds=ROWS - 20)),
    "until a moment": RequestFilter(received_to=BEGAN + timedelta(seconds=20)),
    "between two moments": RequestFilter(
        received_from=BEGAN + timedelta(seconds=5_000), received_to=BEGAN + timedelta(seconds=5_010)
    ),
    "an empty range": RequestFilter(received_from=BEGAN, received_to=BEGAN),
    "a webhook and a status": RequestFilter(statuses=(RequestStatus.FAILED,), webhook_id=WEBHOOKS[3]),
    "a webhook and a reason": RequestFilter(webhook_id=WEBHOOKS[3], reason=ReasonCode.DISABLED),
    "a definition and statuses": RequestFilter(
        statuses=(RequestStatus.TEST, RequestStatus.FAILED), definition_id="definition-1"
    ),
    "a webhook and another one's definition": RequestFilter(webhook_id=WEBHOOKS[3], definition_id="definition-1"),
    "a reason, a status and a range": RequestFilter(
        statuses=(RequestStatus.REJECTED,),
        reason=ReasonCode.NO_MATCH,
        received_from=BEGAN + timedelta(seconds=1_000),
        received_to=BEGAN + timedelta(seconds=15_000),
    ),
    "a care flow of another webhook": RequestFilter(
        care_flow_id=STARTED.care_flow_id, webhook_id=next(one for one in WEBHOOKS if one != STARTED.webhook_id)
    ),
    "a request with another status": RequestFilter(
        request_id=STARTED.request_id, statuses=(RequestStatus.FAILED, RequestStatus.TEST)
    ),
    "what can be sent again": RequestFilter(resubmittable=True),
    "what can be sent again of a webhook": RequestFilter(resubmittable=True, webhook_id=WEBHOOKS[4]),
    "what can be sent again for a reason": RequestFilter(resubmittable=True, reason=ReasonCode.NO_MATCH),
    "tests that can be sent again": RequestFilter(resubmittable=True, statuses=(RequestStatus.TEST,)),
}
ALL = pytest.mark.parametrize("wanted", FILTERS.values(), ids=FILTERS.keys())
SINGLE = {name: wanted for name, wanted in FILTERS.items() if " and " not in name and "tests" not in name}


def fits(one: LogEntry, wanted: RequestFilter) -> bool:
    """What the filters mean, said without SQL."""
    at = one.received_at
    assert at is not None
    able = one.status in {RequestStatus.FAILED, RequestStatus.REJECTED} and one.payload is not None
    return (
        (not wanted.statuses or one.status in wanted.statuses)
        and wanted.webhook_id in (None, one.webhook_id)
        and wanted.definition_id in (None, one.definition_id)
        and wanted.care_flow_id in (None, one.care_flow_id)
        and wanted.request_id in (None, one.request_id)
        and (wanted.reason is None or wanted.reason.value in one.reason_codes)
        and (wanted.received_from is None or at >= wanted.received_from)
        and (wanted.received_to is None or at < wanted.received_to)
        and (not wanted.resubmittable or (able and one.request_id not in resent()))
    )


@ALL
async def test_the_newest_that_fit_are_found_in_order(reader: RequestReader, wanted: RequestFilter) -> None:
    expected = [one.request_id for one in reversed(entries()) if fits(one, wanted)]
    assert [row["id"] for row in await reader.page(wanted, None, 120)] == expected[:120]


@ALL
async def test_pages_hold_each_request_once(reader: RequestReader, wanted: RequestFilter) -> None:
    expected = [one.request_id for one in reversed(entries()) if fits(one, wanted)][:70]
    found: list[str] = []
    after: str | None = None
    while len(found) < 70 and (rows := await reader.page(wanted, after, 7)):
        found += [row["id"] for row in rows]
        after = found[-1]
    assert found == expected
    assert all(one > other for one, other in pairwise(found))


@ALL
async def test_what_remains_is_counted_up_to_a_limit(reader: RequestReader, wanted: RequestFilter) -> None:
    expected = sum(fits(one, wanted) for one in entries())
    assert await reader.count(wanted, None, 500) == min(expected, 500)


async def explained(db: Database, query: str, values: list[Any]) -> dict[str, Any]:
    async with db.transaction() as connection:
        await connection.execute(IN_ORDER)
        text = await connection.fetchval(f"explain (analyze, format json) {query}", *values)
    plan: dict[str, Any] = (json.loads(text) if isinstance(text, str) else text)[0]["Plan"]
    return plan


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", []) for node in nodes(child))]


def limited(plan: dict[str, Any]) -> bool:
    """Whether nothing below reads more than a limit."""
    if plan.get("Relation Name") in LOG_TABLES:
        return False
    return plan["Node Type"] == "Limit" or all(limited(child) for child in plan.get("Plans", []))


LOG_TABLES = {"request", "request_reason", "request_resubmission"}


@pytest.mark.parametrize("wanted", SINGLE.values(), ids=SINGLE.keys())
async def test_no_single_filter_reads_a_whole_table_or_sorts(db: Database, wanted: RequestFilter) -> None:
    middle = SOME.request_id
    for after in (None, middle):
        plan = nodes(await explained(db, *page_query(wanted, after, 51)))
        assert not {node["Node Type"] for node in plan} & {"Incremental Sort", "Hash Join", "Merge Join"}
        # What is sorted, if anything, is a page of each of six ranges.
        assert all(node["Actual Rows"] <= 6 * 51 for node in plan if node["Node Type"] == "Sort")
        assert all(limited(node) for node in plan if node["Node Type"] == "Sort")
        assert not [node for node in plan if node["Node Type"] == "Seq Scan" and node["Relation Name"] in LOG_TABLES]


BOUNDED = [name for name in SINGLE if "sent again" not in name]


@pytest.mark.parametrize("name", BOUNDED)
async def test_a_page_of_one_filter_reads_little_more_than_it_shows(db: Database, name: str) -> None:
    limit = 50
    plan = nodes(await explained(db, *page_query(FILTERS[name], None, limit)))
    scans = [node for node in plan if "Scan" in node["Node Type"] and node.get("Relation Name") in LOG_TABLES]
    read = sum((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"] for node in scans)
    # A page of each of six ranges; of a reason, both its row and its request's.
    assert read <= 6 * limit, json.dumps(plan[0], indent=1)


async def test_a_combination_is_led_by_an_index(db: Database) -> None:
    for name, wanted in FILTERS.items():
        if wanted.wanted_statuses:
            query, values = count_query(wanted, None, 100)
            plan = nodes(await explained(db, query, values))
            whole = [node for node in plan if node["Node Type"] == "Seq Scan" and node["Relation Name"] == "request"]
            assert not whole, name


async def test_names_of_webhooks_are_told_where_they_are_known(reader: RequestReader) -> None:
    (row,) = await reader.page(RequestFilter(request_id=SOME.request_id), None, 1)
    assert row["webhook_name"] is None
    assert (row["webhook_id"], row["status"]) == (SOME.webhook_id, SOME.status.value)


async def test_details_come_newest_first_and_without_payloads_for_nobody(reader: RequestReader) -> None:
    wanted = [one.request_id for one in (entry(4), entry(1), entry(2))]
    found = await reader.details([*wanted, derived_id("nobody")], None)
    assert [one.id for one in found] == sorted(wanted, reverse=True)
    assert {one.payload for one in found} == {None}
    assert [one.row["payload_kept"] for one in found] == [True, True, True]
    assert repr(found[0]) == "LoggedRequest()"
