"""API calls on the real stack: made, repeated, given up, and never lost, whoever dies and whenever."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from carewire_orchestrator import app
from carewire_orchestrator.adapters.store import api_calls
from carewire_orchestrator.adapters.store.api_calls import ApiCallQueue
from carewire_orchestrator.domain.api_requests import HttpRequest
from carewire_orchestrator.settings import OrchestratorSettings
from carewire_runtime.clock import FakeClock
from carewire_runtime.errors import PostgresUnavailable
from carewire_runtime.postgres import outbox
from carewire_runtime.postgres.pool import Database
from carewire_testing import eventually
from carewire_testing_orchestrator.api_calls import Script, answering, caller, calling
from carewire_testing_orchestrator.by_hand import begun
from carewire_testing_orchestrator.running import Running

LEASE_S = 15
"""A call may take five seconds, and its lease ten more."""


@pytest.fixture(scope="module")
def settings(settings: OrchestratorSettings) -> OrchestratorSettings:
    """Settings of an orchestrator that may call this machine."""
    return settings.model_copy(update={"allow_http_api_calls": True, "allow_private_api_calls": True})


@pytest.fixture
def orchestrator(own_orchestrator: Running) -> Running:
    """A running orchestrator for one test alone: beside the others there is no engine."""
    return own_orchestrator


@pytest.fixture
async def database(settings: OrchestratorSettings) -> AsyncIterator[Database]:
    db = Database(settings.postgres_dsn, app.NAME)
    await db.start()
    try:
        yield db
    finally:
        await db.stop()


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
        clock.advance(LEASE_S + 1)
        (theirs,) = await second._take(0)
        assert theirs.attempts == 2
        assert await first._feed(mine, answer) == "superseded", "whose lease is over says nothing any more"
        assert await second._feed(theirs, await second._call(theirs)) == "answered"
        assert await first._feed(mine, answer) == "superseded"
        assert len(set(api.keys)) == 1
    assert [one["value"] for one in await hands.get("/data-points")] == [2]


async def test_a_call_is_taken_for_all_to_see_before_it_is_made(
    api_only: Running, settings: OrchestratorSettings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with answering(lambda _: (200, b'{"lab": 1}')) as api:
        hands = await begun(api_only, calling(api.url))
        clock = FakeClock(await now(database))
        one, taken = caller(settings, database, clock), await leases(api_only, hands.id)
        assert [attempts for attempts, _ in taken] == [0]
        (call,) = await one._take(0)
        make, seen = one._calls.call, []

        async def watched(request: HttpRequest) -> Any:
            seen.extend(await leases(api_only, hands.id))
            return await make(request)

        monkeypatch.setattr(one._calls, "call", watched)
        await one._serve(call)
    assert seen == [(1, clock.now() + timedelta(seconds=LEASE_S))]
    assert await leases(api_only, hands.id) == []


async def test_whoever_dies_between_taking_a_call_and_making_it_leaves_it_to_the_next(
    api_only: Running, settings: OrchestratorSettings, database: Database
) -> None:
    async with answering(lambda _: (200, b'{"lab": 1}')) as api:
        hands = await begun(api_only, calling(api.url))
        clock = FakeClock(await now(database))
        await caller(settings, database, clock)._take(0)
        second = caller(settings, database, clock)
        clock.advance(LEASE_S - 1)
        assert await second._take(0) == []
        clock.advance(1)
        (call,) = await second._take(0)
        await second._serve(call)
        assert len(api.keys) == 1, "nobody had called before"
    assert [one["value"] for one in await hands.get("/data-points")] == [1]


async def test_an_answer_that_could_not_be_saved_is_asked_for_again(
    api_only: Running, settings: OrchestratorSettings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with answering(lambda _: (200, b'{"lab": 1}')) as api:
        hands = await begun(api_only, calling(api.url))
        clock = FakeClock(await now(database))
        first, second = caller(settings, database, clock), caller(settings, database, clock)
        (call,) = await first._take(0)
        add = outbox.add

        async def gone(*given: Any) -> None:
            await add(*given)
            raise PostgresUnavailable("gone before the commit")

        with monkeypatch.context() as patched:
            patched.setattr(outbox, "add", gone)
            await first._serve(call)
        assert (await hands.activity("call"))["status"] == "active"
        assert await hands.get("/data-points") == []
        clock.advance(LEASE_S)
        (call,) = await second._take(0)
        await second._serve(call)
        assert len(api.keys) == 2
        assert len(set(api.keys)) == 1, "the server can tell that it is the same call"
    assert [one["value"] for one in await hands.get("/data-points")] == [1]
    assert [one["what"] for one in await hands.changes()].count("api_call.answer") == 1


@pytest.mark.parametrize("noted", [True, False], ids=["before it calls again", "before it notes that it will"])
async def test_whoever_dies_while_trying_again_uses_no_attempt_up_twice(
    api_only: Running, settings: OrchestratorSettings, database: Database, monkeypatch: pytest.MonkeyPatch, noted: bool
) -> None:
    async with answering(lambda _: (503, b"")) as api:
        hands = await begun(api_only, calling(api.url, max_attempts=2))
        clock = FakeClock(await now(database))
        first, second = caller(settings, database, clock), caller(settings, database, clock)
        (call,) = await first._take(0)
        with monkeypatch.context() as patched:
            if not noted:
                patched.setattr(ApiCallQueue, "put_off", _die)
            await first._serve(call)
        clock.advance(1)
        assert bool(await leases(api_only, hands.id)) is True
        if not noted:
            assert await second._take(0) == [], "it is still taken"
            clock.advance(LEASE_S)
        (again,) = await second._take(0)
        assert again.attempts == 2
        await second._serve(again)
        assert len(api.keys) == 2
    assert (await hands.activity("call"))["status"] == "failed"
    assert await leases(api_only, hands.id) == []


async def _die(*_: object) -> None:
    raise PostgresUnavailable("gone")


async def leases(orchestrator: Running, care_flow_id: str) -> list[tuple[int, Any]]:
    """How often each call of a care flow was taken, and until when nobody else takes it."""
    rows = await orchestrator.query("SELECT attempts, due_at FROM api_call WHERE care_flow_id = $1", care_flow_id)
    return [(row["attempts"], row["due_at"]) for row in rows]


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
