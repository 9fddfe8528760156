"""Care flows by hand: start, stop, and do activities. Each is one transaction of state and outbox."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from carewire_contracts.identifiers import Identifier
from carewire_orchestrator.adapters.outbox_records import Publishing
from carewire_orchestrator.adapters.store.care_flows import add_care_flows, lock_care_flow, save_care_flow
from carewire_orchestrator.adapters.store.identifier_systems import read_identifier
from carewire_orchestrator.adapters.store.identities import Identities
from carewire_orchestrator.adapters.store.patients import hold_patient
from carewire_orchestrator.adapters.store.queries import QUERIES
from carewire_orchestrator.adapters.store.releases import Releases
from carewire_orchestrator.domain.advance import Advanced, Refusal, advance
from carewire_orchestrator.domain.care_flow import CareFlow
from carewire_orchestrator.domain.events import (
    CareFlowEvent,
    ChecklistCompleted,
    FormSubmitted,
    MessageRead,
    Stopped,
)
from carewire_orchestrator.domain.form_answers import read_form_answers
from carewire_orchestrator.domain.identity import Fingerprint
from carewire_orchestrator.domain.release import Release
from carewire_orchestrator.domain.starting import StartedCareFlow, start_care_flow
from carewire_orchestrator.errors import InvalidValues, NotAllowedNow, NotFound
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


_REFUSALS: Final[dict[Refusal, str]] = {
    Refusal.ALREADY_STARTED: "the care flow has started already",
    Refusal.NOT_STARTED: "the care flow has not started yet",
    Refusal.CARE_FLOW_ENDED: "the care flow has ended; start a new one",
    Refusal.ACTIVITY_NOT_FOUND: "the care flow has no such activity",
    Refusal.ACTIVITY_ENDED: "the activity has ended already",
    Refusal.OTHER_KIND_OF_ACTIVITY: "the activity is of another kind; look at its `kind`",
}


class Lifecycle:
    """What people can do with care flows."""

    def __init__(
        self,
        db: Database,
        identities: Identities,
        releases: Releases,
        publishing: Publishing,
        relay: Relay,
        clock: Clock,
    ) -> None:
        self._db = db
        self._identities = identities
        self._releases = releases
        self._publishing = publishing
        self._relay = relay
        self._clock = clock

    async def start(
        self,
        definition_id: str,
        release_id: str | None,
        whom: Whom,
        given: Mapping[str, object],
        traceparent: str | None,
    ) -> StartedCareFlow:
        """Start a care flow of a release, by default the live one.

        Raises NotFound, InvalidValues, or a DatabaseError.
        """
        now = self._clock.now()
        with span("orchestrator.start_care_flow", parent=traceparent) as current:
            async with self._db.transaction() as connection:
                release = await self._release(connection, definition_id, release_id)
                patient = await self._patient(connection, whom)
                advanced = start_care_flow(release, new_id(), patient.id, given, now)
                if isinstance(advanced, list):
                    raise InvalidValues(advanced)
                started = StartedCareFlow(
                    release, advanced, patient.is_new, patient.identifiers, patient.new_identifiers
                )
                await add_care_flows(connection, [started], self._identities, now)
                told = self._publishing.started(started, now, current.traceparent)
                rows = await outbox.add(connection, told)
            current.set("care_flow_id", started.care_flow.id)
        self._relay.wake(rows)
        return started

    async def stop(self, care_flow_id: str, reason: str | None, traceparent: str | None) -> Advanced:
        """Stop a care flow. Raises NotFound, NotAllowedNow, or a DatabaseError."""
        return await self._let(care_flow_id, lambda *_: Stopped(reason), traceparent)

    async def submit_form(self, activity_id: str, given: Mapping[str, object], traceparent: str | None) -> Advanced:
        """Answer the form of an activity. Raises NotFound, NotAllowedNow, InvalidValues, or a DatabaseError."""

        def event(release: Release, care_flow: CareFlow) -> CareFlowEvent:
            submitted = FormSubmitted(activity_id, ())
            # What cannot happen at all is told before what is wrong with the answers.
            refusal = advance(release, care_flow, submitted, self._clock.now())
            if isinstance(refusal, Refusal):
                return submitted
            form = release.action_forms[care_flow.activities[activity_id].action_id]
            answers = read_form_answers(form, given)
            if isinstance(answers, list):
                raise InvalidValues(answers)
            return FormSubmitted(activity_id, answers)

        return await self._let(await self._home(activity_id), event, traceparent)

    async def complete_checklist(self, activity_id: str, traceparent: str | None) -> Advanced:
        """Complete a checklist. Raises NotFound, NotAllowedNow, or a DatabaseError."""
        return await self._let(await self._home(activity_id), lambda *_: ChecklistCompleted(activity_id), traceparent)

    async def read_message(self, activity_id: str, traceparent: str | None) -> Advanced:
        """Mark a message as read. Raises NotFound, NotAllowedNow, or a DatabaseError."""
        return await self._let(await self._home(activity_id), lambda *_: MessageRead(activity_id), traceparent)

    async def _let(
        self, care_flow_id: str, event: Callable[[Release, CareFlow], CareFlowEvent], traceparent: str | None
    ) -> Advanced:
        now = self._clock.now()
        with span("orchestrator.advance_care_flow", parent=traceparent) as current:
            async with self._db.transaction() as connection:
                care_flow = await lock_care_flow(connection, care_flow_id)
                if care_flow is None:
                    raise NotFound("there is no such care flow")
                # Until it was found it was but a word of the caller's, and spans hold none of those.
                current.set("care_flow_id", care_flow_id)
                release = (await self._releases.load(connection, [care_flow.release_id]))[care_flow.release_id]
                advanced = advance(release, care_flow, event(release, care_flow), now)
                if isinstance(advanced, Refusal):
                    raise NotAllowedNow(advanced.value, _REFUSALS[advanced])
                await save_care_flow(connection, advanced)
                identifiers = await self._identities.of_patients(connection, [care_flow.patient_id])
                told = identifiers.get(care_flow.patient_id, ())
                records = self._publishing.advanced(release, advanced, told, now, current.traceparent)
                rows = await outbox.add(connection, records)
        self._relay.wake(rows)
        return advanced

    async def _home(self, activity_id: str) -> str:
        async with self._db.connection() as connection:
            care_flow_id: str | None = await connection.fetchval(QUERIES.care_flow_of_activity, activity_id)
        if care_flow_id is None:
            raise NotFound("there is no such activity")
        return care_flow_id

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
        return _Patient(patient_id, is_new=False, identifiers=identifiers.get(patient_id, ()))
