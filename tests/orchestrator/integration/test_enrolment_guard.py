"""Enrolment guards on a real store: one patient is not enrolled twice, whoever asks, and by which identifier."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from carewire_contracts.identifiers import Identifier
from carewire_contracts.requests import AcceptedRequest, DataPointValue, EnrolmentGuard
from carewire_contracts.statuses import FailureReason, SkipReason
from carewire_orchestrator import app
from carewire_orchestrator.adapters.outbox_records import Publishing
from carewire_orchestrator.adapters.store.identities import Identities
from carewire_orchestrator.adapters.store.releases import Releases
from carewire_orchestrator.adapters.store.starts import Starts
from carewire_orchestrator.domain.request_outcome import Failed
from carewire_orchestrator.domain.starting import Call, Outcome, Skipped, StartedCareFlow
from carewire_orchestrator.settings import OrchestratorSettings
from carewire_runtime.ids import new_id
from carewire_runtime.postgres import outbox
from carewire_runtime.postgres.outbox import OutboxRecord, OutboxRow
from carewire_runtime.postgres.pool import Connection, Database
from carewire_testing import eventually
from carewire_testing_orchestrator.calls import accepted, mrn, ssn
from carewire_testing_orchestrator.running import Running, running

ANOTHER, ACTIVE, EVER = EnrolmentGuard


@pytest.fixture
def orchestrator(own_orchestrator: Running) -> Running:
    """A running orchestrator for one test alone: beside the others there is no engine."""
    return own_orchestrator


async def end(orchestrator: Running, *requests: AcceptedRequest) -> list[dict[str, Any]]:
    """Put requests on the topic in this order and wait for the end of each."""
    await orchestrator.accept(requests, key=b"in this order")
    ended = await orchestrator.final_statuses(requests)
    return [ended[one.request_id] for one in requests]


async def test_a_skipped_request_succeeds_with_the_care_flow_that_is_there_and_starts_nothing(
    orchestrator: Running,
) -> None:
    release = await orchestrator.publish()
    whose: dict[str, Any] = {"identifiers": (mrn("guarded"),), "enrolment_guard": ACTIVE}
    requests = [accepted(*release, **whose) for _ in range(3)]
    again = accepted(*release, **whose, start_key=requests[2].start_key)
    first, batched = await end(orchestrator, *requests[:2])
    [alone] = await end(orchestrator, requests[2])
    [repeated] = await end(orchestrator, again)

    assert "skip_reason" not in first
    for skipped in (batched, alone, repeated):
        assert (skipped["status"], skipped["skip_reason"]) == ("SUCCESS", "active_care_flow")
        assert (skipped["care_flow_id"], skipped["patient_id"]) == (first["care_flow_id"], first["patient_id"])
    assert repeated["duplicate_of"] == requests[2].request_id
    assert "duplicate_of" not in alone
    care_flows = await orchestrator.query("SELECT id FROM care_flow WHERE patient_id = $1", first["patient_id"])
    assert [row["id"] for row in care_flows] == [first["care_flow_id"]]
    told = [one for one in await orchestrator.told(orchestrator.topics.events) if one.key == first["patient_id"]]
    assert Counter(one.event_type for one in told)["pathway.started"] == 1
    assert Counter(one.event_type for one in told)["patient.created"] == 1


async def test_a_care_flow_that_was_stopped_counts_for_ever_and_not_as_active(orchestrator: Running) -> None:
    release = await orchestrator.publish()
    [first] = await end(orchestrator, accepted(*release, identifiers=(mrn("stopped"),)))
    stop = await orchestrator.api.post(f"/v1/care-flows/{first['care_flow_id']}/stop", json={"reason": "Moved"})
    assert stop.status_code == 200
    for guard, known in ((EVER, first), (ACTIVE, None), (EVER, "the active one"), (ANOTHER, None)):
        [ended] = await end(orchestrator, accepted(*release, identifiers=(mrn("stopped"),), enrolment_guard=guard))
        if known is None:
            assert "skip_reason" not in ended
            if guard is ACTIVE:
                active = ended
        else:
            assert ended["skip_reason"] == "ever_enrolled"
            shown = first if known is first else active
            assert ended["care_flow_id"] == shown["care_flow_id"], "the active one speaks for all"


async def test_a_guard_asks_about_its_definition_whatever_the_release_and_about_no_other(
    orchestrator: Running,
) -> None:
    definition_id, release_id = await orchestrator.publish()
    other = await orchestrator.publish()
    published = await orchestrator.api.post(f"/v1/definitions/{definition_id}/publish")
    whose: dict[str, Any] = {"identifiers": (mrn("two releases"),), "enrolment_guard": EVER}
    first, newer, elsewhere = await end(
        orchestrator,
        accepted(definition_id, release_id, **whose),
        accepted(definition_id, published.json()["release_id"], **whose),
        accepted(*other, **whose),
    )
    assert (newer["care_flow_id"], newer["skip_reason"]) == (first["care_flow_id"], "ever_enrolled")
    assert "skip_reason" not in elsewhere
    assert elsewhere["patient_id"] == first["patient_id"]


async def test_an_identifier_that_came_with_a_skipped_request_finds_the_patient_afterwards(
    orchestrator: Running,
) -> None:
    release = await orchestrator.publish()
    calls = [(mrn("linked"),), (mrn("linked"), ssn("linked")), (ssn("linked"),)]
    ended = [
        (await end(orchestrator, accepted(*release, identifiers=identifiers, enrolment_guard=EVER)))[0]
        for identifiers in calls
    ]
    assert len({one["care_flow_id"] for one in ended}) == 1
    patient = (await orchestrator.api.get(f"/v1/patients/{ended[0]['patient_id']}")).json()
    assert [one["system"] for one in patient["identifiers"]] == [mrn("").system, ssn("").system]


async def test_anonymous_patients_are_never_skipped(orchestrator: Running) -> None:
    release = await orchestrator.publish()
    ended = await end(orchestrator, *(accepted(*release, enrolment_guard=EVER) for _ in range(3)))
    assert len({one["care_flow_id"] for one in ended}) == 3


class Store:
    """A replica's store, on connections of its own."""

    def __init__(self, settings: OrchestratorSettings, db: Database) -> None:
        self._identities = Identities(settings.keyring)
        self._starts = Starts(db, self._identities, Releases(), Publishing(settings.topics, settings.tenant_id))

    async def end(self, *requests: AcceptedRequest) -> list[Outcome]:
        now = datetime.now(UTC)
        calls = [
            Call(one, now, tuple(map(self._identities.fingerprint, one.identifiers)), new_id(), new_id())
            for one in requests
        ]
        return await self._starts.end(calls, now)


class Held:
    """Stands for `outbox.add`: the first batch to come by is held before its commit, with all its locks."""

    def __init__(self) -> None:
        self.about_to_commit, self.may_commit = asyncio.Event(), asyncio.Event()
        self._add = outbox.add

    async def add(self, connection: Connection, records: list[OutboxRecord]) -> list[OutboxRow]:
        rows = await self._add(connection, records)
        if not self.about_to_commit.is_set():
            self.about_to_commit.set()
            await self.may_commit.wait()
        return rows


@asynccontextmanager
async def two_stores(settings: OrchestratorSettings) -> AsyncIterator[tuple[Store, Store]]:
    async with AsyncExitStack() as stack:
        stores = []
        for _ in range(2):
            db = Database(settings.postgres_dsn, app.NAME)
            await db.start()
            stack.push_async_callback(db.stop)
            stores.append(Store(settings, db))
        yield stores[0], stores[1]


async def test_a_patient_with_two_identifiers_is_enrolled_once_though_two_batches_reach_them_by_either(
    api_only: Running, settings: OrchestratorSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The locks of identifiers do not meet here: that of the patient must."""
    release, other = await api_only.publish(), await api_only.publish()
    async with two_stores(settings) as (one, another):
        await one.end(accepted(*other, identifiers=(mrn("either"), ssn("either"))))
        held = Held()
        monkeypatch.setattr(outbox, "add", held.add)
        first = asyncio.create_task(one.end(accepted(*release, identifiers=(mrn("either"),), enrolment_guard=ACTIVE)))
        await held.about_to_commit.wait()
        second = asyncio.create_task(
            another.end(accepted(*release, identifiers=(ssn("either"),), enrolment_guard=ACTIVE))
        )

        async def waits() -> bool:
            found = await api_only.query(
                "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
            return bool(found) or second.done()

        await eventually(waits)
        assert not second.done(), "it waits for what the other one decides"
        held.may_commit.set()
        [started], [skipped] = await asyncio.gather(first, second)
    assert isinstance(started, StartedCareFlow)
    assert isinstance(skipped, Skipped)
    assert (skipped.care_flow_id, skipped.reason) == (started.care_flow_id, SkipReason.ACTIVE_CARE_FLOW)


async def test_a_request_without_a_guard_waits_for_no_guard(
    api_only: Running, settings: OrchestratorSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It depends on nothing that the other decides, so the usual path locks no patients."""
    release = await api_only.publish()
    async with two_stores(settings) as (one, another):
        await one.end(accepted(*release, identifiers=(mrn("free"), ssn("free"))))
        held = Held()
        monkeypatch.setattr(outbox, "add", held.add)
        first = asyncio.create_task(one.end(accepted(*release, identifiers=(mrn("free"),), enrolment_guard=EVER)))
        await held.about_to_commit.wait()
        [started] = await another.end(accepted(*release, identifiers=(ssn("free"),)))
        held.may_commit.set()
        await first
    assert isinstance(started, StartedCareFlow)


async def test_a_patient_whom_the_batch_itself_finds_by_another_identifier_is_known_to_the_guard(
    api_only: Running, settings: OrchestratorSettings
) -> None:
    """The guarded request names an identifier that nobody had until the request before it."""
    release = await api_only.publish()
    async with two_stores(settings) as (one, _):
        [enrolled] = await one.end(accepted(*release, identifiers=(mrn("by way of"),)))
        linking = accepted(*release, identifiers=(mrn("by way of"), ssn("by way of")), enrolment_guard=ANOTHER)
        failing = accepted(*release, identifiers=(ssn("by way of"),), data_points=(), enrolment_guard=ANOTHER)
        guarded = accepted(*release, identifiers=(ssn("by way of"),), enrolment_guard=EVER)
        linked, failed, skipped = await one.end(linking, failing, guarded)
    assert isinstance(enrolled, StartedCareFlow)
    assert isinstance(linked, StartedCareFlow)
    assert failed == Failed(FailureReason.INVALID_BASELINE)
    assert isinstance(skipped, Skipped)
    assert skipped.patient_id == enrolled.patient_id


def ways(name: str) -> list[tuple[Identifier, ...]]:
    """How calls may name one patient."""
    return [(mrn(name),), (ssn(name),), (ssn(name), mrn(name))]


@pytest.mark.parametrize("guard", [ACTIVE, EVER])
async def test_two_consumers_that_race_for_patients_start_one_care_flow_for_each(
    orchestrator: Running, settings: OrchestratorSettings, guard: EnrolmentGuard
) -> None:
    release, other = await orchestrator.publish(), await orchestrator.publish()
    names = [f"{guard.value} {number}" for number in range(12)]
    await end(orchestrator, *(accepted(*other, identifiers=(mrn(name), ssn(name))) for name in names))
    requests = [
        accepted(*release, identifiers=ways(name)[number % 3], enrolment_guard=guard)
        for number in range(9)
        for name in names
    ]
    async with running(settings):
        # Keys as ids of requests: both partitions, so both consumers, get some of each patient.
        await asyncio.gather(*(orchestrator.accept(requests[start::4]) for start in range(4)))
        ended = (await orchestrator.final_statuses(requests)).values()
    started = [one for one in ended if "skip_reason" not in one]
    assert len({one["patient_id"] for one in ended}) == len(started) == len(names)
    of_patient = {one["patient_id"]: one["care_flow_id"] for one in started}
    assert all(one["care_flow_id"] == of_patient[one["patient_id"]] for one in ended)
    care_flows = await orchestrator.query("SELECT id FROM care_flow WHERE definition_id = $1", release[0])
    assert {row["id"] for row in care_flows} == {*of_patient.values()}


async def test_a_batch_that_is_ended_one_by_one_still_knows_what_it_started(
    api_only: Running, settings: OrchestratorSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = await api_only.publish()
    whose: dict[str, Any] = {"identifiers": (mrn("one by one"),), "enrolment_guard": EVER}
    bad = accepted(*release, identifiers=(mrn("refused"),), data_points=(DataPointValue("dp_side", "string", "left"),))
    add, refused = outbox.add, 0

    async def picky(connection: Connection, records: list[OutboxRecord]) -> list[OutboxRow]:
        nonlocal refused
        if refused == 0:
            refused += 1
            # A real refusal of the server, so that its transaction is really broken.
            await connection.execute("SELECT '\\x00'::bytea::text::json")
        return await add(connection, records)

    monkeypatch.setattr(outbox, "add", picky)
    async with two_stores(settings) as (one, _):
        started, failed, skipped = await one.end(accepted(*release, **whose), bad, accepted(*release, **whose))
    assert refused == 1
    assert isinstance(started, StartedCareFlow)
    assert failed == Failed(FailureReason.INVALID_BASELINE)
    assert isinstance(skipped, Skipped)
    assert skipped.care_flow_id == started.care_flow_id
