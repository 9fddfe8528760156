"""Identifiers of patients: locked, looked up by fingerprint, kept sealed; and their profiles, kept sealed.

Everything that resolves identifiers goes through `lock` first, consumer and API alike: two transactions that look
for the same identifier take turns, so that they never both create its patient.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import sha256

import orjson

from carewire_contracts.identifiers import Identifier, normalise_identifier_value
from carewire_orchestrator.adapters.store.queries import QUERIES
from carewire_orchestrator.domain.care_flow import CareFlow
from carewire_orchestrator.domain.identity import Fingerprint
from carewire_orchestrator.domain.patient_search import SearchKind
from carewire_orchestrator.domain.profile import ProfileDocument
from carewire_orchestrator.domain.release import Release
from carewire_orchestrator.domain.starting import Skipped, StartedCareFlow
from carewire_runtime.postgres.pool import Connection
from carewire_runtime.sealing import Keyring


class Identities:
    """Patients and their identifiers."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def fingerprint(self, identifier: Identifier) -> Fingerprint:
        """The form in which an identifier is compared."""
        value = normalise_identifier_value(identifier.value).encode()
        return identifier.system, self._keyring.fingerprint(value, context=identifier.system)

    async def lock(self, connection: Connection, fingerprints: Iterable[Fingerprint]) -> None:
        """Take the locks of identifiers until the transaction ends, in one order, so that nobody deadlocks.

        To be called once in a transaction, before its first savepoint: rolling back to one would give locks back.
        """
        locks = locks_of(fingerprints)
        if locks:
            await connection.execute(QUERIES.lock_identifiers, locks)

    async def owners(self, connection: Connection, fingerprints: Iterable[Fingerprint]) -> dict[Fingerprint, str]:
        """Who has which of these identifiers."""
        wanted = list(dict.fromkeys(fingerprints))
        if not wanted:
            return {}
        rows = await connection.fetch(
            QUERIES.owners_of_identifiers, [system for system, _ in wanted], [digest for _, digest in wanted]
        )
        return {(row["system"], row["fingerprint"]): row["patient_id"] for row in rows}

    async def of_patients(
        self, connection: Connection, patient_ids: Iterable[str]
    ) -> dict[str, tuple[Identifier, ...]]:
        """All identifiers of these patients. Raises SealingError where a key is missing."""
        wanted = sorted(set(patient_ids))
        return self._opened(await connection.fetch(QUERIES.identifiers_of_patients, wanted)) if wanted else {}

    async def with_profiles(
        self, connection: Connection, patient_ids: Iterable[str]
    ) -> tuple[dict[str, tuple[Identifier, ...]], dict[str, ProfileDocument]]:
        """All identifiers of patients who have some, and what is known of those patients, in one question.

        Raises SealingError where a key is missing.
        """
        wanted = sorted(set(patient_ids))
        rows = await connection.fetch(QUERIES.identifiers_and_profiles, wanted) if wanted else []
        sealed = {row["patient_id"]: row["sealed_profile"] for row in rows}
        return self._opened(rows), {one: self.open_profile(profile, one) for one, profile in sealed.items()}

    async def profiles_asked_for(
        self, connection: Connection, care_flows: Iterable[tuple[Release, CareFlow]]
    ) -> dict[str, ProfileDocument]:
        """What is known of the patients of those care flows whose release refers to their profile, by patient.

        Nothing is asked where none does. Raises SealingError where a key is missing.
        """
        wanted = sorted({care_flow.patient_id for release, care_flow in care_flows if release.profile_fields})
        rows = await connection.fetch(QUERIES.profiles_of_patients, wanted) if wanted else []
        return {row["id"]: self.open_profile(row["sealed_profile"], row["id"]) for row in rows}

    def _opened(self, rows: Iterable[Mapping[str, str]]) -> dict[str, tuple[Identifier, ...]]:
        found: dict[str, list[Identifier]] = defaultdict(list)
        for row in rows:
            found[row["patient_id"]].append(self.open(row["system"], row["sealed_value"], row["patient_id"]))
        return {patient_id: tuple(identifiers) for patient_id, identifiers in found.items()}

    def open(self, system: str, sealed_value: str, patient_id: str) -> Identifier:
        """What `seal` kept. Raises SealingError where a key is missing."""
        return Identifier(system, self._keyring.open(sealed_value, context=_context(system, patient_id)).decode())

    def search_fingerprint(self, kind: SearchKind, key: str) -> bytes:
        """The form in which a search key is kept and looked up."""
        return self._keyring.fingerprint(key.encode(), context=f"patient_search_key {kind}")

    @property
    def fingerprint_key_id(self) -> str:
        """The id of the key of all fingerprints."""
        return self._keyring.fingerprint_key_id

    def new_rows(self, ended: Iterable[StartedCareFlow | Skipped]) -> list[tuple[object, ...]]:
        """System, fingerprint, patient and sealed value of the identifiers that came with these requests."""
        return [
            (system, digest, one.patient_id, self.seal(identifier, one.patient_id))
            for one in ended
            for (system, digest), identifier in one.new_identifiers
        ]

    async def add(self, connection: Connection, skipped: Iterable[Skipped], now: datetime) -> None:
        """Insert the identifiers that came with requests which start nothing."""
        rows = self.new_rows(skipped)
        if rows:
            columns = (list(column) for column in zip(*rows, strict=True))
            await connection.execute(QUERIES.add_identifiers, *columns, self.fingerprint_key_id, now)

    def seal_profile(self, started: StartedCareFlow) -> str | None:
        """The profile that came with a new patient, as it is kept; None where there is none."""
        return self.seal_known(started.profile, started.patient_id)

    def seal_known(self, profile: ProfileDocument, patient_id: str) -> str | None:
        """What is known of a patient, as it is kept; None where nothing is."""
        return self._keyring.seal(orjson.dumps(profile), context=_profile_context(patient_id)) if profile else None

    def open_profile(self, sealed: str | None, patient_id: str) -> ProfileDocument:
        """The profile of a patient, empty where there is none. Raises SealingError where a key is missing."""
        if sealed is None:
            return {}
        profile: ProfileDocument = orjson.loads(self._keyring.open(sealed, context=_profile_context(patient_id)))
        return profile

    def seal(self, identifier: Identifier, patient_id: str) -> str:
        """The value of a patient's identifier, as it is kept."""
        value = normalise_identifier_value(identifier.value).encode()
        return self._keyring.seal(value, context=_context(identifier.system, patient_id))


def locks_of(fingerprints: Iterable[Fingerprint]) -> list[int]:
    """The advisory locks of identifiers, in the one order in which everybody takes them."""
    return sorted({int.from_bytes(digest[:8], "big", signed=True) for _, digest in fingerprints})


def locks_of_patients(patient_ids: Iterable[str]) -> list[int]:
    """The advisory locks of patients, in the one order in which everybody takes them, after those of identifiers."""
    digests = (sha256(patient_id.encode()).digest() for patient_id in patient_ids)
    return sorted({int.from_bytes(digest[:8], "big", signed=True) for digest in digests})


def _profile_context(patient_id: str) -> str:
    return f"patient_profile {patient_id}"


def _context(system: str, patient_id: str) -> str:
    return f"patient_identifier {system} {patient_id}"
