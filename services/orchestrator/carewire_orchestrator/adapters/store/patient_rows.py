"""Patients as rows: read with all that they have, locked so that what was read stays true, and written.

The order of locks is everybody's: identifiers first, by the one locking function (`identities.locks_of`), then rows of
patients by id, then rows of care flows by id. Whoever holds an identifier of a patient, as each batch of requests does
for its own, keeps that patient from being merged or deleted, for either needs the locks of all their identifiers.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from carewire_contracts.identifiers import Identifier
from carewire_orchestrator.adapters.store.identities import Identities
from carewire_orchestrator.adapters.store.queries import QUERIES
from carewire_orchestrator.domain.identity import Fingerprint
from carewire_orchestrator.domain.patient import Patient
from carewire_orchestrator.domain.patient_identifiers import IdentifierChange
from carewire_orchestrator.domain.patient_search import search_keys
from carewire_orchestrator.domain.profile import ProfileDocument
from carewire_orchestrator.errors import NotFound
from carewire_runtime.postgres.pool import Connection


class ChangedWhileLocking(Exception):
    """Somebody else changed a patient between the look at what is to be locked and the lock: begin anew."""


class PatientRows:
    """Reads and writes patients on a connection that is given. Raises SealingError where a key is missing."""

    def __init__(self, identities: Identities) -> None:
        self._identities = identities

    async def lock(
        self, connection: Connection, patient_ids: Sequence[str], more: Iterable[Fingerprint] = ()
    ) -> list[Patient]:
        """Take the locks of patients, all their identifiers and some more, until the transaction ends.

        Answers the patients in the order of their ids: of a merged one whom they were merged into. To be called once in
        a transaction, before anything else is locked. Raises NotFound or ChangedWhileLocking.
        """
        survivors = await self.survivors(connection, patient_ids)
        wanted = sorted(set(survivors.values()))
        rows = await connection.fetch(QUERIES.fingerprints_of_patients, wanted)
        locked = {*((row["system"], row["fingerprint"]) for row in rows), *more}
        await self._identities.lock(connection, locked)
        found = {patient.id: patient for patient in await self.lock_rows(connection, wanted)}
        settled = found.keys() == set(wanted) and all(
            patient.merged_into is None and patient.identifiers.keys() <= locked for patient in found.values()
        )
        if not settled:
            raise ChangedWhileLocking
        return [found[survivors[patient_id]] for patient_id in patient_ids]

    async def lock_rows(self, connection: Connection, patient_ids: Sequence[str]) -> list[Patient]:
        """Take the rows of patients alone; enough where an identifier of each is locked already."""
        return await self._whole(connection, await connection.fetch(QUERIES.lock_patients, patient_ids))

    async def read(self, connection: Connection, patient_ids: Sequence[str]) -> list[Patient]:
        """Patients as they stand, in the order of their ids; without those who don't exist."""
        rows = await connection.fetch(QUERIES.whole_patients, patient_ids)
        found = {patient.id: patient for patient in await self._whole(connection, rows)}
        return [found[patient_id] for patient_id in patient_ids if patient_id in found]

    async def survivors(self, connection: Connection, patient_ids: Sequence[str]) -> dict[str, str]:
        """Who patients are after all merges. Raises NotFound."""
        rows = await connection.fetch(QUERIES.surviving_patients, patient_ids)
        if any(row["id"] is None for row in rows):
            raise NotFound("there is no such patient")
        return {row["given"]: row["id"] for row in rows}

    async def _whole(self, connection: Connection, rows: Sequence[Mapping[str, object]]) -> list[Patient]:
        ids = [row["id"] for row in rows]
        identifiers: dict[object, dict[Fingerprint, Identifier]] = defaultdict(dict)
        # A statement of its own, after the locks: it sees all that was committed before they were given.
        for one in await connection.fetch(QUERIES.all_identifiers_of_patients, ids):
            identifier = self._identities.open(one["system"], one["sealed_value"], one["patient_id"])
            identifiers[one["patient_id"]][(one["system"], one["fingerprint"])] = identifier
        return [self._patient(row, identifiers[row["id"]]) for row in rows]

    def _patient(self, row: Mapping[str, object], identifiers: Mapping[Fingerprint, Identifier]) -> Patient:
        known: dict[str, object] = dict(row)
        sealed = known.pop("sealed_profile")
        profile = self._identities.open_profile(None if sealed is None else str(sealed), str(row["id"]))
        return Patient(**known, identifiers=identifiers, profile=profile)  # type: ignore[arg-type]

    async def add(self, connection: Connection, patient: Patient) -> None:
        """Insert a patient."""
        sealed = self._identities.seal_known(patient.profile, patient.id)
        await connection.execute(QUERIES.add_patient, patient.id, sealed, patient.created_at)
        await self.add_search_keys(connection, {patient.id: patient.profile})
        await self._add_identifiers(connection, patient.id, patient.identifiers, patient.created_at)

    async def save_profile(self, connection: Connection, patient: Patient) -> None:
        """Write what is known of a patient now."""
        sealed = self._identities.seal_known(patient.profile, patient.id)
        await connection.execute(QUERIES.save_profile, patient.id, sealed)
        await self.remove_search_keys(connection, [patient.id])
        await self.add_search_keys(connection, {patient.id: patient.profile})

    async def change_identifiers(
        self, connection: Connection, patient_id: str, change: IdentifierChange, now: datetime
    ) -> None:
        """Write identifiers that come and go. They are locked, and those that come are nobody's."""
        await self.remove_identifiers(connection, change.removed)
        await self._add_identifiers(connection, patient_id, change.added, now)

    async def remove_identifiers(self, connection: Connection, fingerprints: Sequence[Fingerprint]) -> None:
        """Take locked identifiers away from whoever has them."""
        if fingerprints:
            systems, digests = zip(*fingerprints, strict=True)
            await connection.execute(QUERIES.remove_identifiers, systems, digests)

    async def _add_identifiers(
        self, connection: Connection, patient_id: str, identifiers: Mapping[Fingerprint, Identifier], now: datetime
    ) -> None:
        if identifiers:
            await connection.execute(
                QUERIES.add_identifiers,
                [system for system, _ in identifiers],
                [digest for _, digest in identifiers],
                [patient_id for _ in identifiers],
                [self._identities.seal(identifier, patient_id) for identifier in identifiers.values()],
                self._identities.fingerprint_key_id,
                now,
            )

    async def remove_search_keys(self, connection: Connection, patient_ids: Sequence[str]) -> None:
        """Let nobody find patients by what is known of them."""
        await connection.execute(QUERIES.remove_search_keys, patient_ids)

    async def add_search_keys(self, connection: Connection, profiles: Mapping[str, ProfileDocument]) -> None:
        """Let patients be found by what is known of them."""
        await add_search_keys(connection, self._identities, profiles)


async def add_search_keys(
    connection: Connection, identities: Identities, profiles: Mapping[str, ProfileDocument]
) -> None:
    """Let patients be found who have none of these search keys yet."""
    rows = [
        (kind, identities.search_fingerprint(kind, key), patient_id)
        for patient_id, profile in profiles.items()
        for kind, key in search_keys(profile).items()
    ]
    if rows:
        await connection.execute(QUERIES.add_search_keys, *zip(*rows, strict=True))
