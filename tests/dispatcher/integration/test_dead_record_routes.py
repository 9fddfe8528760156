"""Dead records by the management API: pages, what goes back and what does not, and what is left on record.

Real Postgres; Kafka is played, so that it can be away at any moment.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, cast

import httpx
import pytest

from carewire_contracts.topics import Topics
from carewire_dispatcher.adapters import dead_records
from carewire_dispatcher.adapters.dead_record_api import dead_record_router
from carewire_dispatcher.adapters.dead_records import DeadRecords
from carewire_dispatcher.adapters.event_reader import Run
from carewire_runtime.audit import Audit
from carewire_runtime.auth import ApiKeys, Role
from carewire_runtime.clock import FakeClock
from carewire_runtime.errors import KafkaUnavailable
from carewire_runtime.http.health import Health
from carewire_runtime.http.management import management_app
from carewire_runtime.kafka.records import Record
from carewire_runtime.postgres.pool import Database

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SOURCE, ELSEWHERE = "carewire.events", "another.service"
Call = Callable[..., Awaitable[httpx.Response]]


def a_dead_record(
    partition: int, offset: int, reason: str = "unreadable_event", topic: str = SOURCE, **changed: bytes
) -> Record:
    """A record that was set aside, as DeadLetters writes it."""
    dead = {
        "dead_reason": reason.encode(),
        "dead_topic": topic.encode(),
        "dead_partition": b"3",
        "dead_offset": b"%d" % (1_000 + offset),
    } | changed
    headers = (("ce_id", b"canary-id"), *dead.items())
    return Record("dispatcher.dead", partition, offset, int(NOON.timestamp() * 1000), b"canary", b"canary", headers)


class Kafka:
    """The dead topic, and what was sent back; it may be away."""

    def __init__(self, *records: Record) -> None:
        self.records = list(records)
        self.sent: list[tuple[str, int | None, bytes | None, bytes | None, Any]] = []
        self.is_away = False

    async def at(self, topic: str, partition: int, offsets: list[int]) -> Run:
        assert topic == "dispatcher.dead"
        found = [one for one in self.records if one.partition == partition and one.offset in offsets]
        return Run(offsets[-1] + 1, found)

    async def between(self, topic: str, partition: int, begin: int, end: int, most: int) -> Run:
        assert topic == "dispatcher.dead"
        there = [one for one in self.records if one.partition == partition and begin <= one.offset < end]
        found = there[:most]
        return Run(end if len(found) == len(there) else found[-1].offset + 1, found)

    async def send(
        self, topic: str, *, key: bytes | None, value: bytes | None, headers: Any, partition: int | None = None
    ) -> None:
        if self.is_away:
            raise KafkaUnavailable("away")
        self.sent.append((topic, partition, key, value, headers))


@pytest.fixture
async def db(migrated: str) -> AsyncIterator[Database]:
    made = Database(migrated, "dispatcher")
    await made.start()
    async with made.connection() as connection:
        await connection.execute("truncate redriven_record, audit_record")
    yield made
    await made.stop()


@pytest.fixture
def kafka(monkeypatch: pytest.MonkeyPatch) -> Kafka:
    made = Kafka(
        a_dead_record(0, 4),
        a_dead_record(0, 5, "not_a_cloudevent"),
        a_dead_record(0, 9),
        a_dead_record(1, 0, topic=ELSEWHERE),
        a_dead_record(1, 1, dead_offset=b"canary"),
        a_dead_record(1, 2),
        a_dead_record(11, 7),
    )

    @asynccontextmanager
    async def reader(_: str) -> AsyncIterator[Kafka]:
        yield made

    monkeypatch.setattr(dead_records, "event_reader", reader)
    return made


@pytest.fixture
async def call(db: Database, keys: dict[Role, str], kafka: Kafka) -> AsyncIterator[Call]:
    """Call as somebody, an operator by default."""
    clock = FakeClock(NOON)
    dead = DeadRecords(db, "", Topics().dispatcher_dead, [SOURCE], cast("Any", kafka), Audit(clock), clock)
    app = management_app("Dispatcher", Health(), ApiKeys(db), [dead_record_router(dead)])
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:

        async def called(method: str, path: str, role: Role = Role.OPERATOR, **more: Any) -> httpx.Response:
            answer = await http.request(method, path, headers={"authorization": f"Bearer {keys[role]}"}, **more)
            assert "canary" not in answer.text
            return answer

        yield called


async def pages(call: Call, **params: Any) -> list[dict[str, Any]]:
    """Go through all pages."""
    seen: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await call("GET", "/v1/dead-records", Role.VIEWER, params=params | cursor)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert len(page["items"]) <= params.get("limit", 50)
        seen += page["items"]
        if page["next_cursor"] is None:
            return seen
        cursor = {"cursor": page["next_cursor"]}


@pytest.mark.parametrize("limit", [1, 2, 3, 50])
async def test_pages_lead_through_all_partitions_without_gap_or_repeat(call: Call, limit: int) -> None:
    assert [one["id"] for one in await pages(call, limit=limit)] == ["0-4", "0-5", "0-9", "1-2", "11-7"]
    found = await pages(call, limit=limit, reason="unreadable_event")
    assert [one["id"] for one in found] == ["0-4", "0-9", "1-2", "11-7"]
    assert await pages(call, limit=limit, reason="another") == []


async def test_it_is_told_where_a_record_stood_why_it_was_set_aside_and_when(call: Call) -> None:
    [first, *_] = await pages(call)
    assert first == {
        "id": "0-4",
        "reason": "unreadable_event",
        "at": "2026-03-02T12:00:00.000Z",
        "topic": SOURCE,
        "partition": 3,
        "offset": 1_004,
        "redriven_at": None,
    }


async def test_a_record_goes_back_to_its_partition_as_it_was(call: Call, kafka: Kafka) -> None:
    answer = await call("POST", "/v1/dead-records/0-4/redrive")
    assert (answer.status_code, answer.json()["redriven_at"]) == (200, "2026-03-02T12:00:00.000Z")
    assert kafka.sent == [(SOURCE, 3, b"canary", b"canary", [("ce_id", b"canary-id")])]
    assert [one["redriven_at"] is not None for one in await pages(call)] == [True, False, False, False, False]
    assert (await call("POST", "/v1/dead-records/0-4/redrive")).status_code == 200
    assert len(kafka.sent) == 2, "whoever asks for the very one knows why"


@pytest.mark.parametrize("place", ["0-3", "1-0", "1-1", "12-0", "999999-0"])
async def test_what_is_not_there_or_came_from_elsewhere_does_not_go_back(call: Call, kafka: Kafka, place: str) -> None:
    answer = await call("POST", f"/v1/dead-records/{place}/redrive")
    assert (answer.status_code, kafka.sent) == (404, [])


@pytest.mark.parametrize("limit", [1, 3, 200])
async def test_all_of_a_reason_go_back_once(call: Call, kafka: Kafka, limit: int) -> None:
    await call("POST", "/v1/dead-records/0-9/redrive")
    for expected in (3, 0):
        counts, cursor = [], None
        while True:
            body = {"reason": "unreadable_event", "limit": limit, "cursor": cursor}
            answer = await call("POST", "/v1/dead-records/redrive", json=body)
            assert answer.status_code == 200, answer.text
            counts.append(answer.json()["count"])
            cursor = answer.json()["next_cursor"]
            if cursor is None:
                break
        assert sum(counts) == expected
        assert max(counts) <= limit
    assert len(kafka.sent) == 4


async def test_who_sent_back_what_is_on_record(call: Call, db: Database) -> None:
    await call("POST", "/v1/dead-records/11-7/redrive")
    await call("POST", "/v1/dead-records/redrive", json={"reason": "not_a_cloudevent"})
    async with db.connection() as connection:
        rows = await connection.fetch("select action, subject_kind, subject_id from audit_record order by id")
    assert [tuple(row) for row in rows] == [
        ("dead_record.redrive", "dead_record", "11-7"),
        ("dead_record.redrive", "dead_record", "0-5"),
    ]


async def test_what_kafka_did_not_take_did_not_go_back(call: Call, kafka: Kafka, db: Database) -> None:
    kafka.is_away = True
    for path, body in (("0-4/redrive", None), ("redrive", {"reason": "unreadable_event"})):
        assert (await call("POST", f"/v1/dead-records/{path}", json=body)).status_code == 503
    assert {one["redriven_at"] for one in await pages(call)} == {None}
    async with db.connection() as connection:
        assert await connection.fetchval("select count(*) from audit_record") == 0


@pytest.mark.parametrize(
    ("method", "path", "needed"),
    [
        ("GET", "/v1/dead-records", Role.VIEWER),
        ("POST", "/v1/dead-records/redrive", Role.OPERATOR),
        ("POST", "/v1/dead-records/0-4/redrive", Role.OPERATOR),
    ],
)
async def test_each_route_lets_its_role_and_higher_ones_pass(call: Call, method: str, path: str, needed: Role) -> None:
    for role in Role:
        status = (await call(method, path, role, json={"reason": "r"} if method == "POST" else None)).status_code
        assert (status == 403) is (role.rank < needed.rank), f"{role} got {status}"
        assert status in (200, 403)


@pytest.mark.parametrize(
    ("method", "path", "more", "field"),
    [
        ("GET", "/v1/dead-records", {"params": {"cursor": "canary"}}, "cursor"),
        ("GET", "/v1/dead-records", {"params": {"limit": "0"}}, "limit"),
        ("GET", "/v1/dead-records", {"params": {"reason": "c" * 101}}, "reason"),
        ("POST", "/v1/dead-records/canary/redrive", {}, "dead_record_id"),
        ("POST", "/v1/dead-records/0-4-5/redrive", {}, "dead_record_id"),
        ("POST", "/v1/dead-records/redrive", {"json": {}}, "reason"),
        ("POST", "/v1/dead-records/redrive", {"json": {"reason": "r", "limit": 1001}}, "limit"),
        ("POST", "/v1/dead-records/redrive", {"json": {"reason": "r", "cursor": "canary"}}, "cursor"),
    ],
)
async def test_what_is_no_id_and_no_reason_is_refused_by_name(
    call: Call, method: str, path: str, more: dict[str, Any], field: str
) -> None:
    answer = await call(method, path, **more)
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]
