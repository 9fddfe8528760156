"""Patients by hand: made, and changed in what is known of them and in their identifiers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from carewire_contracts.identifiers import Identifier
from carewire_orchestrator.adapters.store.identifier_systems import read_identifier
from carewire_orchestrator.adapters.store.patient_changes import (
    CHANGE_IDENTIFIERS,
    CREATE,
    LOOK,
    UPDATE,
    Change,
    PatientChanges,
)
from carewire_orchestrator.adapters.store.queries import QUERIES
from carewire_orchestrator.domain.given_values import ValueProblem
from carewire_orchestrator.domain.identity import Fingerprint
from carewire_orchestrator.domain.patient import Patient
from carewire_orchestrator.domain.patient_identifiers import (
    IdentifierChange,
    Taken,
    add,
    remove,
    replace,
    taken_by_others,
)
from carewire_orchestrator.domain.patient_profile import ProfileChange, change_profile
from carewire_orchestrator.errors import Gone, IdentifiersTaken, InvalidValues, NotFound
from carewire_runtime.auth import Principal
from carewire_runtime.ids import new_id
from carewire_runtime.postgres.pool import Connection

_TAKEN: Final = (
    "identifiers belong to other patients; if they are one person, merge them (POST /v1/patients/{patient_id}/merge), "
    "else leave these identifiers out"
)


@dataclass(frozen=True, slots=True)
class _Given:
    """Identifiers as somebody gave them, with their fingerprints, in one order; `field` is their common name."""

    field: str
    fingerprints: tuple[Fingerprint, ...]
    by_fingerprint: dict[Fingerprint, Identifier]


class Patients:
    """What people do with patients.

    Every method raises NotFound, Gone, InvalidValues, IdentifiersTaken or a DatabaseError, and changes nothing then.
    """

    def __init__(self, changes: PatientChanges) -> None:
        self._changes = changes
        self._rows = changes.rows
        self._identities = changes.identities

    async def create(self, identifiers: Sequence[Identifier], profile: ProfileChange, by: Principal) -> Patient:
        """Make a patient; without identifiers an anonymous one. Identifiers that somebody has make none."""

        async def work(change: Change) -> Patient:
            given = await self._read(change.connection, "identifiers", identifiers)
            await self._identities.lock(change.connection, given.fingerprints)
            await self._raise_if_taken(change.connection, given, None)
            return await self._create(change, given, profile)

        return await self._changes.make(by, work)

    async def upsert(
        self, identifiers: Sequence[Identifier], profile: ProfileChange, by: Principal
    ) -> tuple[Patient, bool]:
        """Change the patient who has any of the identifiers, who gets the others too; make them where nobody has.

        Answers whether they were made.
        """

        async def work(change: Change) -> tuple[Patient, bool]:
            given = await self._read(change.connection, "identifiers", identifiers)
            await self._identities.lock(change.connection, given.fingerprints)
            owners = await self._identities.owners(change.connection, given.fingerprints)
            if not owners:
                return await self._create(change, given, profile), True
            # An identifier of theirs is locked, so they are neither merged nor deleted meanwhile.
            owner = next(iter(owners.values()))
            if len(set(owners.values())) > 1:
                raise _taken(given, taken_by_others(given.fingerprints, owners, None))
            [patient] = await self._rows.lock_rows(change.connection, [owner])
            return await self._change(change, patient, add(patient.identifiers, given.by_fingerprint), profile), False

        return await self._changes.make(by, work)

    async def change_profile(self, patient_id: str, profile: ProfileChange, by: Principal) -> Patient:
        """Lay a change over what is known of a patient."""

        async def work(change: Change) -> Patient:
            [patient] = await self._rows.lock(change.connection, [patient_id])
            return await self._change(change, patient, add(patient.identifiers, {}), profile)

        return await self._changes.make(by, work)

    async def add_identifier(self, patient_id: str, identifier: Identifier, by: Principal) -> Patient:
        """Give a patient an identifier more; nothing happens where they have it."""
        return await self._identify(
            patient_id, "", [identifier], by, lambda had, given: add(had.identifiers, given.by_fingerprint)
        )

    async def remove_identifier(self, patient_id: str, identifier: Identifier, by: Principal) -> Patient:
        """Take an identifier from a patient; nothing happens where they don't have it."""

        async def work(change: Change) -> Patient:
            # Not checked against its system: whatever stands there by now may be taken away.
            fingerprint = self._identities.fingerprint(identifier)
            [patient] = await self._rows.lock(change.connection, [patient_id], [fingerprint])
            return await self._change(change, patient, remove(patient.identifiers, [fingerprint]), {})

        return await self._changes.make(by, work)

    async def replace_identifiers(self, patient_id: str, identifiers: Sequence[Identifier], by: Principal) -> Patient:
        """Have a patient have these identifiers and no others."""
        return await self._identify(
            patient_id,
            "identifiers",
            identifiers,
            by,
            lambda had, given: replace(had.identifiers, given.by_fingerprint),
        )

    async def _identify(
        self,
        patient_id: str,
        field: str,
        identifiers: Sequence[Identifier],
        by: Principal,
        decide: Callable[[Patient, _Given], IdentifierChange],
    ) -> Patient:
        async def work(change: Change) -> Patient:
            given = await self._read(change.connection, field, identifiers)
            [patient] = await self._rows.lock(change.connection, [patient_id], given.fingerprints)
            await self._raise_if_taken(change.connection, given, patient.id)
            return await self._change(change, patient, decide(patient, given), {})

        return await self._changes.make(by, work)

    async def _create(self, change: Change, given: _Given, profile: ProfileChange) -> Patient:
        patient = Patient(new_id(), change.now, given.by_fingerprint, change_profile({}, profile))
        await self._rows.add(change.connection, patient)
        change.tell_created(patient)
        change.did(CREATE, patient.id)
        return patient

    async def _change(
        self, change: Change, patient: Patient, identifiers: IdentifierChange, profile: ProfileChange
    ) -> Patient:
        raise_if_deleted(patient)
        after = patient.with_identifiers(identifiers.whole).with_profile(change_profile(patient.profile, profile))
        if after.profile != patient.profile:
            await self._rows.save_profile(change.connection, after)
            change.did(UPDATE, patient.id)
        if not identifiers.is_empty:
            await self._rows.change_identifiers(change.connection, patient.id, identifiers, change.now)
            change.did(CHANGE_IDENTIFIERS, patient.id)
        if change.deeds:
            change.tell_updated(after)
        else:
            # Nothing changed, but the answer shows them.
            change.did(LOOK, patient.id)
        return after

    async def _read(self, connection: Connection, field: str, identifiers: Sequence[Identifier]) -> _Given:
        """Check identifiers against their systems, all of them before anything is refused."""
        read: list[Identifier] = []
        problems: list[ValueProblem] = []
        for place, identifier in enumerate(identifiers):
            try:
                read.append(await read_identifier(connection, identifier, _name(field, place)))
            except InvalidValues as wrong:
                problems += wrong.problems
        if problems:
            raise InvalidValues(problems)
        fingerprints = tuple(self._identities.fingerprint(identifier) for identifier in read)
        return _Given(field, fingerprints, dict(zip(fingerprints, read, strict=True)))

    async def _raise_if_taken(self, connection: Connection, given: _Given, patient_id: str | None) -> None:
        owners = await self._identities.owners(connection, given.fingerprints)
        taken = taken_by_others(given.fingerprints, owners, patient_id)
        if taken.places:
            raise _taken(given, taken)


def _taken(given: _Given, taken: Taken) -> IdentifiersTaken:
    return IdentifiersTaken([_name(given.field, place) or "value" for place in taken.places], taken.owners, _TAKEN)


def raise_if_deleted(patient: Patient) -> None:
    """Raise Gone for a patient who was deleted."""
    if patient.is_deleted:
        raise patient_deleted()


def patient_deleted() -> Gone:
    """The answer to whoever names a patient who was deleted."""
    return Gone("patient_deleted", "the patient was deleted; until they are erased, an admin can restore them")


def _name(field: str, place: int) -> str:
    """What the caller calls an identifier: a place in a list, or nothing where it is the whole body."""
    return f"{field}.{place}" if field else ""


async def hold_patient(connection: Connection, patient_id: str) -> str:
    """Keep a patient from being merged or deleted until the transaction ends; for whoever starts something of theirs.

    Answers who they are after all merges. Raises NotFound or Gone.
    """
    while True:
        [named] = await connection.fetch(QUERIES.surviving_patients, [patient_id])
        if named["id"] is None:
            raise NotFound("there is no such patient")
        # A savepoint, for who was merged just now must not be held while we wait for whom they were merged into:
        # another merge may hold that one and wait for this one.
        attempt = connection.transaction()
        await attempt.start()
        row = await connection.fetchrow(QUERIES.hold_patient, named["id"])
        if row is not None and row["merged_into"] is None:
            await attempt.commit()
            break
        await attempt.rollback()
    if row["deleted_at"] is not None:
        raise patient_deleted()
    return str(named["id"])
