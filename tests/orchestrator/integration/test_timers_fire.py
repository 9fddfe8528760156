"""Timers on a real database: they fire in time, once, whoever dies, and however many processes say them."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from carewire_orchestrator import app
from carewire_orchestrator.adapters.outbox_records import Publishing
from carewire_orchestrator.adapters.store.changes import Changes
from carewire_orchestrator.adapters.store.due_timers import DueTimers
from carewire_orchestrator.adapters.store.identities import Identities
from carewire_orchestrator.adapters.store.releases import Releases
from carewire_orchestrator.settings import OrchestratorSettings
from carewire_runtime.errors import PostgresUnavailable
from carewire_runtime.postgres import outbox
from carewire_runtime.postgres.pool import Database
from carewire_testing import eventually
from carewire_testing_orchestrator.definitions import checklist, delay, designed, message, point, timer, track
from carewire_testing_orchestrator.running import Running, Told

DAY = timedelta(days=1)
WAITING = designed(
    track(
        "t",
        {"first": [message("hello")], "last": [message("bye")]},
        [("start", "first"), ("first", "day"), ("day", "week"), ("week", "last")],
        [delay("day", 1, "day"), delay("week", 1, "week")],
    )
)
VISIT = designed(
    track(
        "t",
        {"after": [checklist("ask")]},
        [("start", "visit"), ("visit", "after")],
        [timer("visit", type="data_point_reference", data_point_definition_id="dp_visit")],
    ),
    data_points=[point("dp_visit", "date")],
)
TWO_WAITS = designed(
    track(
        "t",
        {"a": [checklist("ask")], "b": [message("bye")]},
        [("start", "day"), ("start", "hour"), ("hour", "a"), ("day", "b")],
        [delay("day", 1, "day"), delay("hour", 1, "hour")],
    )
)
STOP = {"id": "give_up", "type": "stop_care_flow", "title": "Give up", "reason": "Nobody answered"}
GIVEN_UP = designed(
    track(
        "t",
        {"a": [checklist("ask")], "over": [STOP]},
        [("start", "a"), ("start", "day"), ("day", "over")],
        [delay("day", 1, "day")],
    )
)


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


def due_timers(settings: OrchestratorSettings, db: Database) -> DueTimers:
    publishing = Publishing(settings.topics, settings.tenant_id)
    identities, releases = Identities(settings.keyring), Releases()
    return DueTimers(db, identities, releases, Changes(identities, releases, publishing, timedelta(hours=1)))


async def start(orchestrator: Running, document: dict[str, Any], count: int = 1, **values: str) -> list[str]:
    definition_id, _ = await orchestrator.publish(document)
    points = [{"data_point_definition_id": name, "value": value} for name, value in values.items()]
    body = {"definition_id": definition_id, "data_points": points}
    answers = [await orchestrator.api.post("/v1/care-flows", json=body) for _ in range(count)]
    assert {answer.status_code for answer in answers} == {201}, answers[0].text
    return [answer.json()["id"] for answer in answers]


async def pending(db: Database, care_flow_ids: list[str]) -> int:
    async with db.connection() as connection:
        return int(await connection.fetchval("SELECT count(*) FROM timer WHERE care_flow_id = ANY ($1)", care_flow_ids))


async def take_all(due: DueTimers, now: datetime, limit: int = 7) -> int:
    count = 0
    while taken := await due.take(now, limit):
        count += len(taken)
    return count


async def test_a_timer_fires_when_its_moment_comes(orchestrator: Running, database: Database) -> None:
    soon = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    (care_flow_id,) = await start(orchestrator, VISIT, dp_visit=soon)
    events = await orchestrator.events_of(care_flow_id, "activity.completed")
    kinds = [one.event_type for one in events]
    assert kinds[:5] == [
        "pathway.started",
        "data_point.collected",
        "track.started",
        "activity.created",
        "activity.completed",
    ]
    waited = events[4].value["activity"]
    assert waited["object"] == {"type": "timer", "id": "visit", "name": "visit"}
    assert events[4].headers["ce_time"] >= waited["metadata"]["due_date"], "never early"
    assert await pending(database, [care_flow_id]) == 0


async def test_timers_are_said_once_by_however_many_processes(
    api_only: Running, settings: OrchestratorSettings, database: Database
) -> None:
    care_flows = await start(api_only, WAITING, 30)
    assert await pending(database, care_flows) == 30
    several = [due_timers(settings, database) for _ in range(3)]
    moment = datetime.now(UTC)
    assert await take_all(several[0], moment) == 0, "none is early"
    # One that another process says while its row is read is taken as well, but not said.
    counts = await asyncio.gather(*(take_all(one, moment + 2 * DAY) for one in several))
    counts += [await take_all(several[0], moment + 2 * DAY)]
    assert sum(counts) >= 30
    assert await pending(database, care_flows) == 30, "each waits for its next moment now"
    await asyncio.gather(*(take_all(one, moment + 20 * DAY) for one in several))
    await take_all(several[0], moment + 20 * DAY)
    assert await pending(database, care_flows) == 0

    async def all_told() -> list[Told]:
        told = [
            one for one in await api_only.told(api_only.topics.events) if one.headers.get("ce_subject") in care_flows
        ]
        assert Counter(one.headers["ce_subject"] for one in told if one.event_type == "pathway.completed") == once
        return told

    once = Counter(care_flows)
    events = await eventually(all_told)
    said = Counter(one.headers["ce_subject"] for one in events if one.event_type == "activity.completed")
    assert said == once + once
    assert len({one.headers["ce_id"] for one in events}) == len(events)


async def test_a_process_that_dies_while_it_says_timers_has_said_none(
    api_only: Running, settings: OrchestratorSettings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    care_flows = await start(api_only, WAITING, 5)
    due = due_timers(settings, database)

    async def gone(*_: object) -> None:
        raise PostgresUnavailable("gone")

    with monkeypatch.context() as patched:
        patched.setattr(outbox, "add", gone)
        with pytest.raises(PostgresUnavailable):
            await due.take(datetime.now(UTC) + 2 * DAY, 100)
    assert await pending(database, care_flows) == 5
    assert await take_all(due, datetime.now(UTC) + 2 * DAY) == 5
    details = (await api_only.api.get(f"/v1/care-flows/{care_flows[0]}")).json()
    assert [one["action_id"] for one in details["activities"]] == ["hello", "day", "week"]


async def test_timers_that_were_due_all_day_are_late_and_come_in_the_order_of_their_moments(
    api_only: Running, settings: OrchestratorSettings, database: Database
) -> None:
    await take_all(due_timers(settings, database), datetime.now(UTC) + 3_000 * DAY)
    await start(api_only, WAITING, 3)
    lateness = await due_timers(settings, database).take(datetime.now(UTC) + 2 * DAY, 100)
    assert lateness == sorted(lateness, reverse=True)
    assert all(80_000 < seconds < 90_000 for seconds in lateness)


async def test_a_care_flow_that_is_stopped_leaves_no_timer_behind(api_only: Running, database: Database) -> None:
    (care_flow_id,) = await start(api_only, WAITING)
    assert await pending(database, [care_flow_id]) == 1
    stopped = await api_only.api.post(f"/v1/care-flows/{care_flow_id}/stop", json={"reason": "Moved away"})
    assert stopped.status_code == 200, stopped.text
    assert await pending(database, [care_flow_id]) == 0


async def test_a_care_flow_that_somebody_changes_is_left_for_the_next_time(
    api_only: Running, settings: OrchestratorSettings, database: Database
) -> None:
    busy, idle = await start(api_only, WAITING, 2)
    due = due_timers(settings, database)
    moment = datetime.now(UTC) + 2 * DAY
    async with database.transaction() as connection:
        await connection.execute("SELECT 1 FROM care_flow WHERE id = $1 FOR UPDATE", busy)
        await take_all(due, moment)
        assert (await pending(database, [busy]), await pending(database, [idle])) == (1, 1)
        details = (await api_only.api.get(f"/v1/care-flows/{idle}")).json()
        assert [one["action_id"] for one in details["activities"]] == ["hello", "day", "week"]
    assert await take_all(due, moment) == 1


async def test_timers_of_one_care_flow_that_are_taken_together_follow_each_other(
    api_only: Running, settings: OrchestratorSettings, database: Database
) -> None:
    care_flows = await start(api_only, TWO_WAITS, 3)
    lateness = await due_timers(settings, database).take(datetime.now(UTC) + 2 * DAY, 100)
    assert len(lateness) == 6
    for care_flow_id in care_flows:
        page = (await api_only.api.get(f"/v1/care-flows/{care_flow_id}/timeline")).json()
        changes = page["items"]
        assert [one["what"] for one in changes] == ["care_flow.start", "timer.fire", "timer.fire"]
        sequences = [event["sequence"] for change in changes for event in change["events"]]
        assert sequences == list(range(1, len(sequences) + 1))
        details = (await api_only.api.get(f"/v1/care-flows/{care_flow_id}")).json()
        assert {one["action_id"]: one["status"] for one in details["activities"]} == {
            "day": "done",
            "hour": "done",
            "ask": "active",
            "bye": "active",
        }
    assert await pending(database, care_flows) == 0


async def test_a_timer_that_leaves_nothing_to_do_completes_a_session_and_numbers_that_as_well(
    api_only: Running, settings: OrchestratorSettings, database: Database
) -> None:
    (care_flow_id,) = await start(api_only, GIVEN_UP)
    session = await api_only.api.post("/v1/sessions", json={"care_flow_id": care_flow_id})
    assert session.status_code == 201, session.text
    assert len(await due_timers(settings, database).take(datetime.now(UTC) + 2 * DAY, 100)) == 1
    events = await api_only.events_of(care_flow_id, "session.completed")
    assert [one.value["sequence"] for one in events] == list(range(1, len(events) + 1))
    assert [one.event_type for one in events][-1] == "session.completed"
    found = (await api_only.api.get(f"/v1/sessions/{session.json()['id']}")).json()
    assert found["status"] == "completed"
