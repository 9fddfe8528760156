"""Starting a care flow by hand: one transaction of state, outbox, timeline and audit record."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from carewire_contracts.identifiers import Identifier
from carewire_contracts.requests import EnrolmentGuard
from carewire_contracts.statuses import SkipReason
from carewire_orchestrator.adapters.outbox_records import Publishing
from carewire_orchestrator.adapters.store.care_flows import add_care_flows
from carewire_orchestrator.adapters.store.identifier_systems import read_identifier
from carewire_orchestrator.adapters.store.identities import Identities, locks_of_patients
from carewire_orchestrator.adapters.store.patients import hold_patient
from carewire_orchestrator.adapters.store.people import PATIENT
from carewire_orchestrator.adapters.store.queries import QUERIES
from carewire_orchestrator.adapters.store.releases import Releases
from carewire_orchestrator.adapters.store.timeline import Cause
from carewire_orchestrator.domain.enrolment import Enrolment, skip_reason
from carewire_orchestrator.domain.identity import Fingerprint
from carewire_orchestrator.domain.profile import ProfileDocument
from carewire_orchestrator.domain.release import Release
from carewire_orchestrator.domain.starting import StartedCareFlow, start_care_flow
from carewire_orchestrator.domain.timeline import STARTED
from carewire_orchestrator.errors import EnrolledAlready, InvalidValues, NotFound
from carewire_runtime.audit import Audit, Deed
from carewire_runtime.auth import Principal
from carewire_runtime.clock import Clock
from carewire_runtime.ids import new_id
from carewire_runtime.postgres import outbox
from carewire_runtime.postgres.pool import Connection, Database
from carewire_runtime.postgres.relay import Relay
from carewire_runtime.telemetry.tracing import span


@dataclass(frozen=True, slots=True)
class Whom:
    """Whose care flow to start: a patient by id, or by an identifier, or somebody who stays anonymous.

    `create` makes the patient whom the identifier would stand for; without it, nobody having it is an error.
    """

    patient_id: str | None = None
    identifier: Identifier | None = None
    create: bool = False


@dataclass(frozen=True, slots=True)
class _Patient:
    id: str
    is_new: bool
    identifiers: tuple[Identifier, ...]
    new_identifiers: tuple[tuple[Fingerprint, Identifier], ...] = ()
    profile: ProfileDocument = field(default_factory=dict, repr=False)


_ENROLLED: Final = {
    SkipReason.ACTIVE_CARE_FLOW: "the patient has an active care flow of this definition",
    SkipReason.EVER_ENROLLED: "the patient has had a care flow of this definition",
}


class Lifecycle:
    """Starts care flows."""

    def __init__(
        self,
        db: Database,
        identities: Identities,
        releases: Releases,
        publishing: Publishing,
        relay: Relay,
        audit: Audit,
        clock: Clock,
    ) -> None:
        self._db = db
        self._identities = identities
        self._releases = releases
        self._publishing = publishing
        self._relay = relay
        self._audit = audit
        self._clock = clock

    async def start(
        self,
        definition_id: str,
        release_id: str | None,
        whom: Whom,
        given: Mapping[str, object],
        guard: EnrolmentGuard,
        by: Principal,
    ) -> StartedCareFlow:
        """Start a care flow of a release, by default the live one, unless the guard knows that the patient has one.

        Raises NotFound, Gone, EnrolledAlready, InvalidValues, or a DatabaseError.
        """
        now = self._clock.now()
        with span("orchestrator.start_care_flow") as current:
            async with self._db.transaction() as connection:
                release = await self._release(connection, definition_id, release_id)
                patient = await self._patient(connection, whom)
                await self._raise_if_enrolled(connection, guard, patient, release)
                advanced = start_care_flow(release, new_id(), patient.id, given, now, patient.profile)
                if isinstance(advanced, list):
                    raise InvalidValues(advanced)
                started = StartedCareFlow(
                    release, advanced, patient.is_new, patient.identifiers, patient.new_identifiers
                )
                told = outbox.rows_of(self._publishing.started(started, now, current.traceparent))
                await add_care_flows(connection, [started], [Cause.of(by)], told, self._identities, now)
                await self._audit.add(connection, by, [Deed(STARTED, PATIENT, patient.id)])
            current.set("care_flow_id", started.care_flow.id)
        self._relay.wake()
        return started

    async def _raise_if_enrolled(
        self, connection: Connection, guard: EnrolmentGuard, patient: _Patient, release: Release
    ) -> None:
        """Raise EnrolledAlready where the guard lets this patient start nothing. Holds the patient's lock from then."""
        if not guard.may_skip or patient.is_new:
            return
        definitions = [release.definition.id]
        rows = await connection.fetch(
            QUERIES.take_enrolments, locks_of_patients([patient.id]), [patient.id], definitions
        )
        for row in rows:
            reason = skip_reason(guard, Enrolment(row["care_flow"], row["is_active"]))
            if reason is not None:
                raise EnrolledAlready(reason.value, _ENROLLED[reason], row["care_flow"])

    async def _release(self, connection: Connection, definition_id: str, release_id: str | None) -> Release:
        wanted = release_id or await connection.fetchval(QUERIES.live_release_id, definition_id)
        release = None if wanted is None else (await self._releases.load(connection, [wanted])).get(wanted)
        if release is None or release.definition.id != definition_id:
            raise NotFound("the definition has no such release; publish it first")
        return release

    async def _patient(self, connection: Connection, whom: Whom) -> _Patient:
        if whom.patient_id is not None:
            return await self._known(connection, whom.patient_id)
        if whom.identifier is None:
            return _Patient(new_id(), is_new=True, identifiers=())
        identifier = await read_identifier(connection, whom.identifier)
        fingerprint = self._identities.fingerprint(identifier)
        await self._identities.lock(connection, [fingerprint])
        owner = (await self._identities.owners(connection, [fingerprint])).get(fingerprint)
        if owner is not None:
            return await self._known(connection, owner)
        if not whom.create:
            raise NotFound("no patient has this identifier; set create_patient to make one")
        return _Patient(new_id(), True, (identifier,), ((fingerprint, identifier),))

    async def _known(self, connection: Connection, patient_id: str) -> _Patient:
        patient_id = await hold_patient(connection, patient_id)
        identifiers = await self._identities.of_patients(connection, [patient_id])
        [row] = await connection.fetch(QUERIES.profiles_of_patients, [patient_id])
        profile = self._identities.open_profile(row["sealed_profile"], patient_id)
        return _Patient(patient_id, is_new=False, identifiers=identifiers.get(patient_id, ()), profile=profile)
