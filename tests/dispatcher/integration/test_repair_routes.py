"""Repairs and what is undelivered, as the management API has them: roles, refusals, counts and pages.

Real Postgres, no Kafka: what it would say is played here.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, cast

import httpx
import pytest

from carewire_contracts.envelope import Envelope
from carewire_contracts.topics import Topics
from carewire_dispatcher.adapters import repair_desk
from carewire_dispatcher.adapters.endpoint_lookup import endpoint_lookup
from carewire_dispatcher.adapters.event_reader import Run
from carewire_dispatcher.adapters.repair_api import RepairApi
from carewire_dispatcher.adapters.repair_desk import RepairDesk
from carewire_dispatcher.adapters.repair_record import Repair
from carewire_dispatcher.adapters.repair_runner import CLAIMED_FOR, LOOK_EVERY_S, RepairRunner
from carewire_dispatcher.adapters.undelivered_api import undelivered_router
from carewire_dispatcher.adapters.undelivered_store import UndeliveredStore
from carewire_dispatcher.domain.delivery import EventPosition
from carewire_dispatcher.domain.repair import Reach, RepairState
from carewire_runtime.audit import Audit
from carewire_runtime.auth import ApiKeys, Role
from carewire_runtime.clock import FakeClock
from carewire_runtime.errors import KafkaRefused, KafkaUnavailable
from carewire_runtime.http.health import Health
from carewire_runtime.http.management import management_app
from carewire_runtime.kafka.records import Record
from carewire_runtime.postgres import outbox
from carewire_runtime.postgres.pool import Connection, Database
from carewire_testing_dispatcher.repairs import (
    CARE_FLOWS,
    DELIVERED,
    FAILED,
    HELD,
    NOON,
    PARTITION,
    RETRYING,
    TOPIC,
    log_of,
    stored_endpoint,
)
from carewire_testing_dispatcher.stores import KEYRING, STAFF, an_endpoint_store

UNKNOWN = "00000000-0000-7000-8000-000000000000"

Call = Callable[..., Awaitable[httpx.Response]]

ROUTES = [
    ("POST", f"/v1/deliveries/{UNKNOWN}/retry", Role.OPERATOR),
    ("POST", f"/v1/endpoints/{UNKNOWN}/retry-failed", Role.OPERATOR),
    ("POST", f"/v1/endpoints/{UNKNOWN}/retry-failed/preview", Role.OPERATOR),
    ("POST", f"/v1/care-flows/{UNKNOWN}/retry-failed", Role.OPERATOR),
    ("POST", f"/v1/care-flows/{UNKNOWN}/retry-failed/preview", Role.OPERATOR),
    ("POST", f"/v1/endpoints/{UNKNOWN}/replay", Role.OPERATOR),
    ("POST", f"/v1/endpoints/{UNKNOWN}/replay/preview", Role.OPERATOR),
    ("POST", f"/v1/repairs/{UNKNOWN}/cancel", Role.OPERATOR),
    ("GET", f"/v1/repairs/{UNKNOWN}", Role.VIEWER),
    ("GET", "/v1/repairs", Role.VIEWER),
    ("GET", "/v1/undelivered", Role.VIEWER),
    ("GET", "/v1/undelivered/by-endpoint", Role.VIEWER),
]
REPLAY = {"from": "2026-03-02T00:00:00.000Z", "which": "missing"}


class PlayedReach:
    """Kafka, as far as a repair asks for it."""

    def __init__(self) -> None:
        self.now = Reach(0, 0, True)
        self.patience_s = -1.0

    async def reach(self, _: object, *, patience_s: float) -> Reach:
        self.patience_s = patience_s
        return self.now

    async def begins(self) -> dict[tuple[str, int], int]:
        return {("carewire.events", 1): 10}

    async def places(self, _: object, begin: int, end: int) -> list[tuple[str, int, int, int, int]]:
        return [("carewire.events", 1, begin, begin, end)]

    def topics_of(self, _: object) -> list[object]:
        return []


@pytest.fixture
async def db(migrated: str) -> AsyncIterator[Database]:
    made = Database(migrated, "dispatcher")
    await made.start()
    async with made.connection() as connection:
        await connection.execute("truncate endpoint, delivery, attempt, outbox, repair, audit_record cascade")
    yield made
    await made.stop()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOON)


@pytest.fixture
def reach() -> PlayedReach:
    return PlayedReach()


@pytest.fixture
async def call(db: Database, keys: dict[Role, str], reach: PlayedReach, clock: FakeClock) -> AsyncIterator[Call]:
    """Call as somebody, an operator by default."""
    endpoint_of = endpoint_lookup(an_endpoint_store(db), KEYRING)
    desk = RepairDesk(db, "", endpoint_of, cast("Any", reach), Audit(clock), clock)
    routers = [RepairApi(desk).router(), undelivered_router(UndeliveredStore(db), clock)]
    app = management_app("Dispatcher", Health(), ApiKeys(db), routers)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:

        async def called(
            method: str, path: str, role: Role = Role.OPERATOR, key: dict[str, str] | None = None, **more: Any
        ) -> httpx.Response:
            headers = {"authorization": f"Bearer {keys[role]}"} | (key or {})
            return await http.request(method, path, headers=headers, **more)

        yield called


@pytest.mark.parametrize(("method", "path", "needed"), ROUTES)
async def test_each_route_lets_its_role_and_higher_ones_pass_and_nobody_else(
    call: Call, method: str, path: str, needed: Role
) -> None:
    for role in Role:
        status = (await call(method, path, role, json=REPLAY if "replay" in path else None)).status_code
        assert (status == 403) is (role.rank < needed.rank), f"{role} got {status}"
        assert status not in (401, 500)


@pytest.mark.parametrize(("method", "path"), [(m, p) for m, p, _ in ROUTES if UNKNOWN in p and "care-flows" not in p])
async def test_what_is_not_there_is_not_found(call: Call, method: str, path: str) -> None:
    answer = await call(method, path, json=REPLAY if "replay" in path else None)
    assert answer.status_code == 404, answer.text
    assert UNKNOWN not in answer.text


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"from", "which"}),
        ({"from": "canary", "which": "canary"}, {"from", "which"}),
        ({"from": "2026-03-02T00:00:00.000", "which": "all"}, {"from"}),
        (REPLAY | {"which": "held"}, {"which"}),
        (REPLAY | {"canary": 1}, {"(entry 3)"}),
        (REPLAY | {"to": REPLAY["from"]}, {""}),
    ],
)
async def test_a_range_that_is_none_is_refused_by_field(call: Call, body: dict[str, Any], fields: set[str]) -> None:
    answer = await call("POST", f"/v1/endpoints/{UNKNOWN}/replay", json=body)
    assert answer.status_code == 422, answer.text
    assert {error["field"] for error in answer.json()["errors"]} <= fields


@pytest.mark.parametrize(
    ("fields", "reach_now", "path", "reason"),
    [
        ({"enabled": False}, Reach(0, 0, True), "retry-failed", "endpoint_disabled"),
        ({"paused": True}, Reach(0, 0, True), "retry-failed/preview", "endpoint_paused"),
        ({}, Reach(0, 0, False), "retry-failed", "log_lags"),
        ({}, Reach(0, 2**41, True), "replay", "log_expired"),
        ({}, Reach(2**41, 0, True), "replay/preview", "events_expired"),
    ],
)
async def test_what_cannot_be_done_is_refused_with_its_reason_and_nothing_begins(
    call: Call, db: Database, reach: PlayedReach, fields: dict[str, Any], reach_now: Reach, path: str, reason: str
) -> None:
    endpoint_id = await stored_endpoint(db, **fields)
    reach.now = reach_now
    answer = await call("POST", f"/v1/endpoints/{endpoint_id}/{path}", json=REPLAY if "replay" in path else None)
    assert (answer.status_code, answer.json()["reason"]) == (409, reason), answer.text
    assert ("readable_from" in answer.json()) == ("expired" in reason or reason == "log_lags")
    assert ("retry-after" in answer.headers) == (reason == "log_lags")
    assert (await call("GET", "/v1/repairs")).json()["items"] == []


async def test_only_who_needs_the_log_waits_for_it(call: Call, db: Database, reach: PlayedReach) -> None:
    endpoint_id = await stored_endpoint(db)
    reach.now = Reach(0, 2**41, False)
    for which, status, waits in (("all", 202, False), ("missing", 409, True)):
        answer = await call("POST", f"/v1/endpoints/{endpoint_id}/replay", json=REPLAY | {"which": which})
        assert (answer.status_code, reach.patience_s > 0) == (status, waits), answer.text


async def test_one_delivery_is_sent_again_unless_its_event_or_its_endpoint_is_gone(call: Call, db: Database) -> None:
    endpoint_id = await stored_endpoint(db)
    [known] = await log_of(db, endpoint_id, DELIVERED)
    answer = await call("POST", f"/v1/deliveries/{known}/retry")
    assert answer.status_code == 202, answer.text
    made = answer.json()
    assert (made["kind"], made["which"], made["delivery_id"], made["endpoint_id"]) == (
        "retry_one",
        "all",
        known,
        endpoint_id,
    )
    assert (made["state"], made["total"], made["from"], made["ended_at"]) == ("waiting", 1, None, None)
    assert (await call("GET", f"/v1/repairs/{made['id']}")).json() == made
    [gone] = await log_of(db, endpoint_id, FAILED, first=1, event=EventPosition(TOPIC, PARTITION, 9))
    assert (await call("POST", f"/v1/deliveries/{gone}/retry")).json()["reason"] == "events_expired"
    [orphan] = await log_of(db, UNKNOWN, FAILED, first=2)
    assert (await call("POST", f"/v1/deliveries/{orphan}/retry")).json()["reason"] == "endpoint_deleted"


async def test_the_same_call_under_the_same_key_begins_one_repair(call: Call, db: Database) -> None:
    endpoint_id = await stored_endpoint(db)
    [known] = await log_of(db, endpoint_id, DELIVERED)
    calls: list[tuple[str, Any]] = [
        (f"/v1/deliveries/{known}/retry", None),
        (f"/v1/endpoints/{endpoint_id}/retry-failed", {"to": REPLAY["from"]}),
        (f"/v1/endpoints/{endpoint_id}/replay", REPLAY),
        (f"/v1/care-flows/{CARE_FLOWS[0]}/retry-failed", None),
    ]
    for number, (path, body) in enumerate(calls):
        key = {"Idempotency-Key": f'"key-{number}"'}
        answers = [await call("POST", path, json=body, key=key) for _ in range(2)]
        answers += await asyncio.gather(
            *(call("POST", path, json=body, key={"Idempotency-Key": "k" * 9 + path}) for _ in "ab")
        )
        assert {answer.status_code for answer in answers} == {202}
        ids = [answer.json()["id"] for answer in answers]
        assert (ids[0] == ids[1], ids[2] == ids[3], ids[0] == ids[2]) == (True, True, False)
        other = await call("POST", calls[number - 1][0], json=calls[number - 1][1], key=key)
        assert (other.status_code, other.json()["title"]) == (422, "Key used before")
        by_another = await call("POST", path, Role.ADMIN, json=body, key=key)
        assert by_another.json()["id"] not in ids
    bad = await call("POST", calls[0][0], key={"Idempotency-Key": "canary key"})
    assert bad.status_code == 422
    assert "canary" not in bad.text


async def test_every_change_is_on_record(call: Call, db: Database) -> None:
    endpoint_id = await stored_endpoint(db)
    repair = (await call("POST", f"/v1/endpoints/{endpoint_id}/retry-failed")).json()
    await call("POST", f"/v1/repairs/{repair['id']}/cancel")
    async with db.connection() as connection:
        rows = await connection.fetch(
            "select action, subject_id from audit_record where subject_kind = 'repair' order by id"
        )
    assert [tuple(row) for row in rows] == [("repair.retry_failed", repair["id"]), ("repair.cancel", repair["id"])]


async def test_a_preview_counts_what_failed_and_what_of_it_is_gone(call: Call, db: Database) -> None:
    endpoint_id, other = await stored_endpoint(db), await stored_endpoint(db)
    ids = await log_of(db, endpoint_id, FAILED, HELD, DELIVERED, RETRYING, FAILED)
    await log_of(db, endpoint_id, FAILED, first=7, event=EventPosition(TOPIC, PARTITION, 9))
    await log_of(db, other, FAILED, FAILED)
    path = f"/v1/endpoints/{endpoint_id}/retry-failed"
    preview = (await call("POST", f"{path}/preview")).json()
    assert (preview["count"], preview["unreadable"]) == (3, 1)
    assert {one["id"] for one in preview["first"]} >= {ids[0], ids[1], ids[4]}
    assert (await call("GET", "/v1/repairs")).json()["items"] == []
    begin = (NOON - timedelta(minutes=98)).isoformat()
    assert (await call("POST", f"{path}/preview", json={"from": begin})).json()["count"] == 1
    assert (await call("POST", f"{path}/preview", json={"to": begin})).json()["count"] == 2
    assert (await call("POST", path, json={"from": begin})).json()["total"] == 2
    of_care_flow = await call("POST", f"/v1/care-flows/{CARE_FLOWS[0]}/retry-failed/preview")
    assert of_care_flow.json()["count"] == 3


class PlayedReader:
    """A reader of events that are all there, a few at a time."""

    async def between(self, topic: str, partition: int, begin: int, end: int, most: int) -> Run:
        found = [an_event(topic, partition, offset) for offset in range(begin, min(end, begin + min(most, 8)))]
        return Run(found[-1].offset + 1, found)


def an_event(topic: str, partition: int, offset: int) -> Record:
    headers = tuple(Envelope(f"event-{offset}", "pathway.completed", "test", NOON).headers())
    # The later it stands, the earlier it came: no preview may show events in the order in which they stand.
    return Record(topic, partition, offset, int(NOON.timestamp() * 1000) - 60_000 * offset, b"p", b"{}", headers)


@pytest.mark.parametrize(
    ("end", "most", "count", "is_complete"),
    [(30, 20_000, 28, True), (30, 10, 14, False), (1, 20_000, 0, True), (4, 20_000, 2, True)],
)
async def test_a_preview_of_a_replay_looks_at_the_events_themselves_but_not_at_all_too_many(
    call: Call, db: Database, monkeypatch: pytest.MonkeyPatch, end: int, most: int, count: int, is_complete: bool
) -> None:
    @asynccontextmanager
    async def reader(_: str) -> AsyncIterator[PlayedReader]:
        yield PlayedReader()

    monkeypatch.setattr(repair_desk, "event_reader", reader)
    monkeypatch.setattr(repair_desk, "MOST_PREVIEWED", most)
    endpoint_id = await stored_endpoint(db)
    await log_of(db, endpoint_id, DELIVERED, RETRYING)
    span = {"from": "1970-01-01T00:00:00.000Z", "to": f"1970-01-01T00:00:00.{end:03d}Z", "which": "missing"}
    preview = (await call("POST", f"/v1/endpoints/{endpoint_id}/replay/preview", json=span)).json()
    assert (preview["count"], preview["is_complete"], preview["unreadable"]) == (count, is_complete, 0)
    assert len(preview["first"]) == min(5, count)
    times = [one["event_at"] for one in preview["first"]]
    assert times == sorted(times)
    assert (await call("GET", "/v1/repairs")).json()["items"] == []


async def test_opening_an_endpoint_begins_a_resume_and_nothing_else_does(call: Call, db: Database) -> None:

    store, endpoint_id = an_endpoint_store(db), await stored_endpoint(db, paused=True)
    await log_of(db, endpoint_id, HELD, HELD, FAILED)
    await store.resume(endpoint_id, STAFF)
    await store.resume(endpoint_id, STAFF)
    [repair] = (await call("GET", "/v1/repairs", params={"endpoint_id": endpoint_id})).json()["items"]
    assert (repair["kind"], repair["which"], repair["total"], repair["created_by"]) == ("resume", "held", 2, None)


async def test_repairs_are_paged_newest_first_and_found_by_endpoint_and_state(call: Call, db: Database) -> None:
    endpoints = [await stored_endpoint(db) for _ in range(2)]
    made = [
        (await call("POST", f"/v1/endpoints/{endpoints[number % 2]}/retry-failed")).json()["id"] for number in range(5)
    ]
    await call("POST", f"/v1/repairs/{made[0]}/cancel")
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while cursor.get("cursor", "") is not None:
        page = (await call("GET", "/v1/repairs", Role.VIEWER, params={"limit": 2} | cursor)).json()
        seen += [one["id"] for one in page["items"]]
        cursor = {"cursor": page["next_cursor"]}
    assert seen == made[::-1]
    by_endpoint = (await call("GET", "/v1/repairs", params={"endpoint_id": endpoints[1]})).json()["items"]
    assert [one["id"] for one in by_endpoint] == [made[3], made[1]]
    cancelled = (await call("GET", "/v1/repairs", params={"state": ["cancelled", "done"]})).json()["items"]
    assert [one["id"] for one in cancelled] == [made[0]]


async def test_what_is_undelivered_is_counted_and_paged_oldest_first(call: Call, db: Database) -> None:
    endpoint_id, other = await stored_endpoint(db), await stored_endpoint(db)
    ids = await log_of(db, endpoint_id, DELIVERED, FAILED, HELD, RETRYING, FAILED)
    [of_other] = await log_of(db, other, FAILED, event_type="track.stopped")
    answer = await call("GET", "/v1/undelivered", Role.VIEWER, params={"endpoint_id": endpoint_id})
    whole = answer.json()
    assert (whole["retrying"], whole["failed"], whole["held"]) == (1, 2, 1)
    assert [one["id"] for one in whole["items"]] == ids[1:]
    assert whole["oldest_age_s"] == 99 * 60
    assert whole["oldest_event_at"] == whole["items"][0]["event_at"]
    assert (whole["items"][0]["care_flow_id"], whole["items"][0]["reason"]) == (CARE_FLOWS[1], "exhausted")
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while cursor.get("cursor", "") is not None:
        params = {"endpoint_id": endpoint_id, "limit": "3"} | cursor
        page = (await call("GET", "/v1/undelivered", params=params)).json()
        assert page["failed"] == 2, "the counts are of all pages"
        seen += [one["id"] for one in page["items"]]
        cursor = {"cursor": page["next_cursor"]}
    assert seen == ids[1:]
    filters: tuple[tuple[dict[str, Any], list[str]], ...] = (
        ({"status": ["held", "retrying"]}, ids[2:4]),
        ({"event_type": "track.stopped"}, [of_other]),
        ({"care_flow_id": CARE_FLOWS[1]}, [ids[1], ids[3]]),
        ({"from": (NOON - timedelta(minutes=96)).isoformat()}, ids[4:]),
        ({"to": (NOON - timedelta(minutes=98)).isoformat()}, [of_other, ids[1]]),
        ({"endpoint_id": UNKNOWN}, []),
    )
    for params, expected in filters:
        found = (await call("GET", "/v1/undelivered", params=params)).json()
        assert [one["id"] for one in found["items"]] == expected, params
        assert found["retrying"] + found["failed"] + found["held"] == len(expected)
    nothing = (await call("GET", "/v1/undelivered", params={"endpoint_id": UNKNOWN})).json()
    assert (nothing["oldest_event_at"], nothing["oldest_age_s"], nothing["next_cursor"]) == (None, None, None)


async def test_what_is_undelivered_is_counted_by_endpoint(call: Call, db: Database) -> None:
    endpoints = sorted([await stored_endpoint(db) for _ in range(3)])
    for number, endpoint_id in enumerate(endpoints):
        await log_of(db, endpoint_id, *[FAILED] * number, DELIVERED, HELD)
    first = (await call("GET", "/v1/undelivered/by-endpoint", params={"limit": 2})).json()
    rest = (await call("GET", "/v1/undelivered/by-endpoint", params={"cursor": first["next_cursor"]})).json()
    found = first["items"] + rest["items"]
    assert [(one["endpoint_id"], one["failed"], one["held"]) for one in found] == [
        (endpoint_id, number, 1) for number, endpoint_id in enumerate(endpoints)
    ]
    assert rest["next_cursor"] is None


@pytest.mark.parametrize(
    ("path", "params", "field"),
    [
        ("/v1/undelivered", {"limit": "201"}, "limit"),
        ("/v1/undelivered", {"cursor": "canary"}, "cursor"),
        ("/v1/undelivered", {"status": "delivered"}, "status.0"),
        ("/v1/undelivered/by-endpoint", {"cursor": "canary"}, "cursor"),
        ("/v1/repairs", {"state": "canary"}, "state.0"),
        ("/v1/repairs", {"cursor": "canary"}, "cursor"),
    ],
)
async def test_a_bad_parameter_is_refused_by_name(call: Call, path: str, params: dict[str, str], field: str) -> None:
    answer = await call("GET", path, params=params)
    assert answer.status_code == 422, answer.text
    assert {error["field"].partition(".")[0] for error in answer.json()["errors"]} == {field.partition(".")[0]}
    assert "canary" not in answer.text


class PlayedStep:
    """A step that does as it is told."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.fault = fault
        self.done: list[str] = []
        self.going_on, self.begun = asyncio.Event(), asyncio.Event()
        self.going_on.set()

    async def do(self, connection: Connection, repair: Repair) -> None:
        self.begun.set()
        await self.going_on.wait()
        self.done.append(repair.id)
        if self.fault is not None:
            raise self.fault
        await connection.execute("update repair set state = 'done', ended_at = now() where id = $1", repair.id)


async def begun(call: Call, db: Database) -> str:
    endpoint_id = await stored_endpoint(db)
    made: str = (await call("POST", f"/v1/endpoints/{endpoint_id}/retry-failed")).json()["id"]
    return made


async def test_two_runners_never_work_on_one_repair_at_a_time(call: Call, db: Database, clock: FakeClock) -> None:
    made = [await begun(call, db) for _ in range(2)]
    first, second = PlayedStep(), PlayedStep()
    first.going_on.clear()
    working = asyncio.create_task(RepairRunner(db, cast("Any", first), Topics(), clock).step())
    await first.begun.wait()
    runner = RepairRunner(db, cast("Any", second), Topics(), clock)
    assert [await runner.step(), await runner.step()] == [True, False]
    first.going_on.set()
    assert await working
    assert sorted(first.done + second.done) == sorted(made)


async def test_a_fault_stops_its_repair_alone_and_what_passes_by_itself_stops_none(
    call: Call, db: Database, clock: FakeClock
) -> None:
    repair_id = await begun(call, db)
    away = PlayedStep(KafkaUnavailable("away"))
    with pytest.raises(KafkaUnavailable):
        await RepairRunner(db, cast("Any", away), Topics(), clock).step()
    assert (await call("GET", f"/v1/repairs/{repair_id}")).json()["state"] == RepairState.WAITING
    assert not await RepairRunner(db, cast("Any", PlayedStep()), Topics(), clock).step(), "others go first"
    clock.advance(LOOK_EVERY_S)
    broken = PlayedStep(KafkaRefused("no"))
    assert await RepairRunner(db, cast("Any", broken), Topics(), clock).step()
    shown = (await call("GET", f"/v1/repairs/{repair_id}")).json()
    assert (shown["state"], shown["reason"]) == ("stopped", "fault")
    assert "fault of ours" in shown["detail"]
    assert not await RepairRunner(db, cast("Any", PlayedStep()), Topics(), clock).step()


async def test_claims_are_withdrawn_once_nothing_can_be_superseded_any_more(
    call: Call, db: Database, clock: FakeClock
) -> None:
    old, fresh = await begun(call, db), await begun(call, db)
    async with db.connection() as connection:
        for repair_id, age in ((old, CLAIMED_FOR + timedelta(hours=1)), (fresh, timedelta(days=1))):
            await connection.execute(
                "update repair set claims = true, state = 'done', ended_at = $2 where id = $1", repair_id, NOON - age
            )
        await connection.execute("truncate outbox")
    runner = RepairRunner(db, cast("Any", PlayedStep()), Topics(), clock)
    await runner.withdraw()
    await runner.withdraw()
    async with db.connection() as connection:
        rows = await connection.fetch("select heads, bodies from outbox order by position")
    records = [one for row in rows for one in outbox.unpack(row["heads"], row["bodies"])]
    assert [(one.topic, one.key, one.value) for one in records] == [("dispatcher.repairs", old.encode(), None)]
