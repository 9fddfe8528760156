"""API calls on the real stack: made, repeated, given up, and never lost, whoever dies and whenever."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from carewire_orchestrator import app
from carewire_orchestrator.adapters.api_caller import ApiCaller
from carewire_orchestrator.adapters.guarded_calls import GuardedCalls
from carewire_orchestrator.adapters.outbox_records import Publishing
from carewire_orchestrator.adapters.store import api_calls
from carewire_orchestrator.adapters.store.changes import Changes
from carewire_orchestrator.adapters.store.identities import Identities
from carewire_orchestrator.adapters.store.releases import Releases
from carewire_orchestrator.settings import OrchestratorSettings
from carewire_runtime.clock import FakeClock
from carewire_runtime.kafka.producer import Producer
from carewire_runtime.postgres.pool import Database
from carewire_runtime.postgres.relay import Relay
from carewire_testing import eventually
from carewire_testing_orchestrator.by_hand import begun
from carewire_testing_orchestrator.definitions import checklist, designed, point, track
from carewire_testing_orchestrator.running import Running, running

Script = Callable[[int], tuple[int, bytes]]
"""Status and body of the nth answer, from 1."""


class Api:
    """Somebody's HTTP API, and the idempotency keys that it saw."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.keys: list[str] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        (key,) = (line[17:] for line in head.split("\r\n") if line.lower().startswith("idempotency-key: "))
        self.keys.append(key)
        status, body = self._script(len(self.keys))
        writer.write(b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n%b" % (status, len(body), body))
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def answering(script: Script) -> AsyncIterator[Api]:
    api = Api(script)
    async with await asyncio.start_server(api.serve, "127.0.0.1", 0) as server:
        api.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/lab"
        yield api


def calling(url: str, **retries: Any) -> dict[str, Any]:
    call = {
        "id": "call",
        "title": "Call",
        "type": "api_call",
        "method": "GET",
        "url": url,
        "response": [{"path": "$.lab", "data_point_definition_id": "dp_lab"}],
    }
    settings = {"initial_delay_ms": 1, "max_delay_ms": 1, "max_attempts": 3, **retries}
    return designed(
        track("t", {"a": [call, checklist("rest")]}, [("start", "a")]),
        data_points=[point("dp_lab", category="api_call")],
        settings={"api_call_retry_settings": settings},
    )


@pytest.fixture
async def settings(settings: OrchestratorSettings) -> OrchestratorSettings:
    """Settings of an orchestrator that may call this machine."""
    return settings.model_copy(update={"allow_http_api_calls": True, "allow_private_api_calls": True})


@pytest.fixture
async def api_only(settings: OrchestratorSettings) -> AsyncIterator[Running]:
    """An orchestrator that calls nobody: tests do that by hand."""
    async with running(settings, frozenset({app.API})) as one:
        yield one


@pytest.fixture
async def database(settings: OrchestratorSettings) -> AsyncIterator[Database]:
    db = Database(settings.postgres_dsn, app.NAME)
    await db.start()
    try:
        yield db
    finally:
        await db.stop()


def caller(settings: OrchestratorSettings, db: Database, clock: FakeClock) -> ApiCaller:
    identities, releases = Identities(settings.keyring), Releases()
    changes = Changes(identities, releases, Publishing(settings.topics, settings.tenant_id), timedelta(hours=1))
    calls = GuardedCalls(timeout_s=5, allow_http=True, allow_private=True)
    relay = Relay(db, Producer(settings.kafka_bootstrap, "unused"))
    return ApiCaller(db, changes, calls, relay, clock, timeout_s=5, concurrency=4)


async def test_an_api_that_fails_and_recovers_gives_its_answer_once(orchestrator: Running) -> None:
    async with answering(lambda n: (503, b"") if n < 3 else (200, b'{"lab": 7}')) as api:
        hands = await begun(orchestrator, calling(api.url))
        await eventually(lambda: len(api.keys) == 3, 20)
        events = await orchestrator.events_of(hands.id, "activity.completed")
    activity = await hands.activity("call")
    assert activity["status"] == "done"
    assert set(api.keys) == {activity["id"]}
    (value,) = await hands.get("/data-points")
    assert (value["value"], value["category"]) == (7, "api_call")
    assert [one.event_type for one in events].count("data_point.collected") == 1
    last = (await hands.changes())[-1]
    assert (last["what"], last["cause"]) == (
        "api_call.answer",
        {"kind": "api_call", "id": activity["id"], "name": None},
    )
    assert await orchestrator.query("SELECT 1 FROM api_call WHERE care_flow_id = $1", hands.id) == []


@pytest.mark.parametrize(
    ("script", "reason", "attempts"),
    [
        (lambda _: (500, b""), "call_failed", 3),
        (lambda _: (404, b""), "call_failed", 1),
        (lambda _: (200, b"not JSON"), "unsuitable_answer", 1),
        (lambda _: (200, b'{"lab": "no number"}'), "unsuitable_answer", 1),
    ],
    ids=["it goes on failing", "it refuses", "no JSON", "another type"],
)
async def test_what_cannot_be_had_fails_with_its_reason_and_is_tried_again_by_hand(
    orchestrator: Running, script: Script, reason: str, attempts: int
) -> None:
    async with answering(script) as api:
        hands = await begun(orchestrator, calling(api.url))
        await orchestrator.events_of(hands.id, "activity.failed")
        failed = await hands.activity("call")
        assert (failed["status"], failed["reason"], len(api.keys)) == ("failed", reason, attempts)
        await hands.do("call", "retry")

        async def failed_again() -> bool:
            again = await hands.activity("call")
            return bool(again["id"] != failed["id"] and again["status"] == "failed")

        await eventually(failed_again, 20)
        assert len(set(api.keys)) == 2, "a retry by hand is a call of its own"


async def test_whoever_dies_after_the_call_leaves_it_to_the_next_and_its_answer_counts_once(
    api_only: Running, settings: OrchestratorSettings, database: Database
) -> None:
    async with answering(lambda n: (200, b'{"lab": %d}' % n)) as api:
        hands = await begun(api_only, calling(api.url))
        clock = FakeClock(await now(database))
        first, second = caller(settings, database, clock), caller(settings, database, clock)
        (mine,) = await first._take(0)
        answer = await first._call(mine)
        assert await second._take(0) == [], "it is taken"
        clock.advance(36)
        (theirs,) = await second._take(0)
        assert theirs.attempts == 2
        assert await first._feed(mine, answer) == "superseded", "whose lease is over says nothing any more"
        assert await second._feed(theirs, await second._call(theirs)) == "answered"
        assert await first._feed(mine, answer) == "superseded"
        assert len(set(api.keys)) == 1
    assert [one["value"] for one in await hands.get("/data-points")] == [2]


async def test_a_care_flow_that_ends_takes_its_calls_with_it(
    api_only: Running, settings: OrchestratorSettings, database: Database
) -> None:
    async with answering(lambda _: (200, b"{}")) as api:
        stopped, deleted = [await begun(api_only, calling(api.url)) for _ in range(2)]
        one = caller(settings, database, FakeClock(await now(database)))
        taken = await one._take(0)
        await stopped.post("/stop", {})
        assert (await api_only.api.delete(deleted.path)).status_code == 204
        for call in taken:
            assert await one._feed(call, await one._call(call)) == "superseded"
    ids = [stopped.id, deleted.id]
    assert await api_only.query("SELECT 1 FROM api_call WHERE care_flow_id = ANY ($1)", ids) == []


async def test_a_paused_care_flow_is_called_for_when_it_goes_on(
    api_only: Running, settings: OrchestratorSettings, database: Database
) -> None:
    async with answering(lambda _: (200, b'{"lab": 1}')) as api:
        hands = await begun(api_only, calling(api.url))
        one = caller(settings, database, FakeClock(await now(database)))
        (call,) = await one._take(0)
        await hands.post("/pause", {})
        assert await one._feed(call, await one._call(call)) == "again"
        assert await one._take(0) == []
        await hands.post("/resume")
        (again,) = await one._take(0)
        assert await one._feed(again, await one._call(again)) == "answered"


async def test_an_order_is_there_with_its_care_flow_or_not_at_all(
    api_only: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    definition_id, _ = await api_only.publish(calling("http://127.0.0.1:9/"))
    before = await api_only.query("SELECT 1 FROM care_flow")

    def broken(*_: object) -> tuple[object, ...]:
        raise ConnectionError

    monkeypatch.setattr(api_calls, "_row", broken)
    answer = await api_only.api.post("/v1/care-flows", json={"definition_id": definition_id})
    assert answer.status_code >= 500
    assert await api_only.query("SELECT 1 FROM care_flow") == before


async def now(database: Database) -> Any:
    """The moment, a little later than all that was written: clocks of processes are the same here."""
    async with database.connection() as connection:
        return await connection.fetchval("SELECT now() + interval '1 second'")
