"""Calls side by side with overlapping identifiers in random orders: no deadlock, nobody twice, nothing lost."""

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from carewire_contracts.identifiers import Identifier
from carewire_contracts.requests import EnrolmentGuard
from carewire_orchestrator import app
from carewire_orchestrator.adapters.outbox_records import Publishing
from carewire_orchestrator.adapters.store.changes import Changes
from carewire_orchestrator.adapters.store.identities import Identities
from carewire_orchestrator.adapters.store.lifecycle import Lifecycle, Whom
from carewire_orchestrator.adapters.store.patient_changes import PatientChanges
from carewire_orchestrator.adapters.store.patient_merging import PatientMerging
from carewire_orchestrator.adapters.store.patient_removal import PatientRemoval
from carewire_orchestrator.adapters.store.patients import Patients
from carewire_orchestrator.adapters.store.people import People
from carewire_orchestrator.adapters.store.releases import Releases
from carewire_orchestrator.adapters.store.starts import Starts
from carewire_orchestrator.domain.starting import Call
from carewire_orchestrator.errors import OrchestratorError
from carewire_orchestrator.settings import OrchestratorSettings
from carewire_runtime.audit import Audit
from carewire_runtime.auth import Principal, Role
from carewire_runtime.clock import SystemClock
from carewire_runtime.ids import new_id
from carewire_runtime.postgres.pool import Database
from carewire_testing_orchestrator.calls import accepted, mrn
from carewire_testing_orchestrator.running import Running

SIDE_BY_SIDE = 64
ROUNDS = int(os.environ.get("CAREWIRE_ROUNDS", "10"))
"""Of each test; each round is 64 calls at once, so hundreds of pairs that want the same locks.

`make side-by-side` plays thousands.
"""
WITH_THE_SAME = 20
"""Rounds with the same people; after them come others, or a few patients would have all care flows there are."""
PEOPLE = 12
WHO = Principal("tests", "tests", Role.ADMIN)


class Unheard:
    """Stands for the relay of this process: the running orchestrator has one of its own."""

    def wake(self, *_: object) -> None:
        """Nobody waits."""


@dataclass
class Office:
    """Everything that touches identifiers, on a pool as wide as there are calls."""

    starts: Starts
    patients: Patients
    merging: PatientMerging
    removal: PatientRemoval
    lifecycle: Lifecycle
    identities: Identities
    release: tuple[str, str]
    chance: random.Random
    refused: Counter[str] = field(default_factory=Counter)

    async def all_at_once(self, calls: list[Callable[[], Awaitable[Any]]]) -> None:
        """Make calls side by side. What the domain refuses is counted; a fault of the database fails the test."""

        async def one(call: Callable[[], Awaitable[Any]]) -> None:
            try:
                await call()
            except OrchestratorError as refusal:
                self.refused[type(refusal).__name__] += 1

        async with asyncio.TaskGroup() as group:
            for call in calls:
                group.create_task(one(call))

    def request(self, identifiers: list[Identifier]) -> Call:
        """A request that a webhook's call made."""
        request = accepted(*self.release, identifiers=tuple(identifiers))
        prints = tuple(self.identities.fingerprint(one) for one in identifiers)
        return Call(request, datetime.now(UTC), prints, new_id(), new_id())

    def shuffled(self, identifiers: list[Identifier]) -> list[Identifier]:
        """The same in another order."""
        return self.chance.sample(identifiers, len(identifiers))


@pytest.fixture
async def office(orchestrator: Running, settings: OrchestratorSettings) -> AsyncIterator[Office]:
    await orchestrator.register_systems()
    release = await orchestrator.publish()
    db = Database(settings.postgres_dsn, app.NAME, most_connections=SIDE_BY_SIDE)
    await db.start()
    try:
        clock, relay = SystemClock(), Unheard()
        identities, releases = Identities(settings.keyring), Releases()
        publishing = Publishing(settings.topics, settings.tenant_id)
        changes = PatientChanges(db, identities, publishing, relay, Audit(clock), clock)  # type: ignore[arg-type]
        audit = Audit(clock)
        lifecycle = Lifecycle(db, identities, releases, publishing, relay, audit, clock)  # type: ignore[arg-type]
        happening = Changes(identities, releases, publishing, timedelta(hours=1))
        people = People(db, happening, relay, audit, clock)  # type: ignore[arg-type]
        yield Office(
            Starts(db, identities, releases, publishing),
            Patients(changes),
            PatientMerging(changes),
            PatientRemoval(changes, people.let, timedelta(days=30)),
            lifecycle,
            identities,
            release,
            random.Random(20260302),
        )
    finally:
        await db.stop()


async def deadlocks(orchestrator: Running) -> int:
    [row] = await orchestrator.query("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    return int(row["deadlocks"])


async def test_each_person_is_made_once_whoever_names_them_how(orchestrator: Running, office: Office) -> None:
    before = await deadlocks(orchestrator)
    for rounds in stretches(ROUNDS):
        run = new_id()
        for number in range(rounds):
            # Only once everybody is there: before, whoever is named with another's identifier is that other.
            strangers = 0.2 if number else 0.0
            await office.all_at_once([naming_call(office, run, one, strangers) for one in range(SIDE_BY_SIDE)])
        anchors = [office.identities.fingerprint(mrn(f"{run}-{person}-0")) for person in range(PEOPLE)]
        rows = await orchestrator.query(
            "SELECT patient_id FROM patient_identifier WHERE fingerprint = ANY ($1::bytea[])",
            [digest for _, digest in anchors],
        )
        assert len({row["patient_id"] for row in rows}) == len(rows) == PEOPLE
    [anonymous] = await orchestrator.query(
        "SELECT count(*) FROM patient WHERE NOT EXISTS (SELECT FROM patient_identifier WHERE patient_id = patient.id)"
    )
    assert anonymous["count"] == 0, "a patient whom nobody can find is one who was made twice"
    assert office.refused.keys() <= {"IdentifiersTaken"}
    assert await deadlocks(orchestrator) == before


def naming_call(office: Office, run: str, number: int, strangers: float) -> Callable[[], Awaitable[Any]]:
    """A batch of webhooks' calls, or a call by hand, about people who may be new; every twelfth names the same one."""
    chance = office.chance

    def named(person: int) -> list[Identifier]:
        """Some identifiers of one person, the one that they are always named by among them, and at times another's."""
        numbers = {0, *chance.sample(range(1, 5), chance.randrange(4))}
        identifiers = [mrn(f"{run}-{person}-{number}") for number in numbers]
        if chance.random() < strangers:
            identifiers.append(mrn(f"{run}-{chance.randrange(PEOPLE)}-{chance.randrange(1, 5)}"))
        return office.shuffled(identifiers)

    if chance.random() < 0.5:
        batch = [office.request(named((number + step) % PEOPLE)) for step in range(4)]
        return lambda: office.starts.end(batch, datetime.now(UTC))
    identifiers = named(number % PEOPLE)
    return lambda: office.patients.upsert(identifiers, {}, WHO)


async def test_whatever_is_done_to_patients_at_once_nothing_is_torn(orchestrator: Running, office: Office) -> None:
    before = await deadlocks(orchestrator)
    for rounds in stretches(ROUNDS):
        run = new_id()
        pool = [mrn(f"{run}-{number}") for number in range(24)]
        ids = [(await office.patients.create([one], {}, WHO)).id for one in pool]
        for _ in range(rounds):
            await office.all_at_once([any_call(office, pool, ids) for _ in range(SIDE_BY_SIDE)])
    assert await deadlocks(orchestrator) == before
    found = {what: len(await orchestrator.query(sql)) for what, sql in TORN.items()}
    assert not any(found.values()), found
    assert office.refused["IdentifiersTaken"] > 0
    assert office.refused["Gone"] > 0


def any_call(office: Office, pool: list[Identifier], ids: list[str]) -> Callable[[], Awaitable[Any]]:
    """Anything that can be done to patients, by webhooks' calls and by hand."""
    chance = office.chance

    def some() -> list[Identifier]:
        return chance.sample(pool, chance.randint(1, 3))

    identifiers, patient_id, other_id = some(), chance.choice(ids), chance.choice(ids)
    batch = [office.request(some()) for _ in range(3)]
    whom, given = Whom(patient_id=patient_id), {"dp_surgery": "2026-03-01"}
    guard = chance.choice(tuple(EnrolmentGuard))
    calls: list[Callable[[], Awaitable[Any]]] = [
        lambda: office.starts.end(batch, datetime.now(UTC)),
        lambda: office.patients.upsert(identifiers, {"last_name": "X"}, WHO),
        lambda: office.patients.add_identifier(patient_id, identifiers[0], WHO),
        lambda: office.patients.remove_identifier(patient_id, identifiers[0], WHO),
        lambda: office.patients.replace_identifiers(patient_id, identifiers, WHO),
        lambda: office.patients.change_profile(patient_id, {"first_name": new_id()}, WHO),
        lambda: office.merging.merge(patient_id, other_id, WHO),
        lambda: office.removal.stop_and_delete(patient_id, WHO),
        lambda: office.removal.restore(patient_id, WHO, leave_taken=True),
        lambda: office.lifecycle.start(office.release[0], None, whom, given, guard, WHO),
    ]
    return chance.choice(calls)


def stretches(rounds: int) -> list[int]:
    """So many rounds, some at a time."""
    return [min(WITH_THE_SAME, rounds - begun) for begun in range(0, rounds, WITH_THE_SAME)]


TORN = {
    "identifiers of somebody who is not there": """
        SELECT 1 FROM patient_identifier JOIN patient ON patient.id = patient_id
        WHERE merged_into IS NOT NULL OR deleted_at IS NOT NULL""",
    "identifiers kept for somebody who is there": """
        SELECT 1 FROM detached_identifier JOIN patient ON patient.id = patient_id WHERE deleted_at IS NULL""",
    "care flows of somebody who was merged away": """
        SELECT 1 FROM care_flow JOIN patient ON patient.id = patient_id WHERE merged_into IS NOT NULL""",
    "active care flows of somebody who was deleted": """
        SELECT 1 FROM care_flow JOIN patient ON patient.id = patient_id
        WHERE deleted_at IS NOT NULL AND ended_at IS NULL""",
    "care flows whose state names somebody else": """
        SELECT 1 FROM care_flow WHERE document::json ->> 'patient_id' <> patient_id""",
    "profiles or search keys of pointers": """
        SELECT 1 FROM patient LEFT JOIN patient_search_key ON patient_id = id
        WHERE merged_into IS NOT NULL AND (sealed_profile IS NOT NULL OR kind IS NOT NULL)""",
    "pointers to nobody who stays": "SELECT 1 FROM patient WHERE surviving_patient(id) IS NULL",
}
"""What must never be found, whatever was done in whatever order."""
