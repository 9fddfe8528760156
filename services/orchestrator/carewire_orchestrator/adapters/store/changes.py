"""How a care flow that runs is changed: locked, advanced, saved and told of, all in the caller's one transaction.

Everybody who lets something happen to a care flow does it here: people, timers, answers of API calls, sessions.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from carewire_contracts.identifiers import Identifier
from carewire_orchestrator.adapters.outbox_records import Publishing
from carewire_orchestrator.adapters.session_records import session_record
from carewire_orchestrator.adapters.store.care_flows import (
    delete_care_flow,
    find_care_flow,
    lock_care_flow,
    save_care_flow,
)
from carewire_orchestrator.adapters.store.identities import Identities
from carewire_orchestrator.adapters.store.releases import Releases
from carewire_orchestrator.adapters.store.session_rows import active_sessions, put_session
from carewire_orchestrator.adapters.store.timeline import Cause, Happened, add_change
from carewire_orchestrator.domain.advance import Advanced, Refusal, advance
from carewire_orchestrator.domain.assignees import PEOPLES_KINDS
from carewire_orchestrator.domain.care_flow import CareFlow, CareFlowStatus
from carewire_orchestrator.domain.effects import ActivityMoved
from carewire_orchestrator.domain.events import CareFlowEvent
from carewire_orchestrator.domain.release import Release
from carewire_orchestrator.domain.session import Session, SessionStatus, follow
from carewire_orchestrator.domain.timeline import WHAT, Told
from carewire_orchestrator.errors import NotFound
from carewire_runtime.postgres import outbox
from carewire_runtime.postgres.outbox import OutboxRecord
from carewire_runtime.postgres.pool import Connection
from carewire_runtime.telemetry.tracing import current_traceparent, span

EventOf: TypeAlias = Callable[[Release, CareFlow], CareFlowEvent]
"""What is to happen, once it is known to what."""

_TOLD_OF_SESSIONS: Final = {SessionStatus.COMPLETED: "session.completed", SessionStatus.EXPIRED: "session.expired"}


@dataclass(frozen=True, slots=True)
class Changed:
    """A care flow after an event that could happen."""

    release: Release
    advanced: Advanced

    @property
    def care_flow(self) -> CareFlow:
        """The care flow as it stands now."""
        return self.advanced.care_flow


class Changes:
    """Changes care flows. `idle` is how long a session lives without anything being done."""

    def __init__(self, identities: Identities, releases: Releases, publishing: Publishing, idle: timedelta) -> None:
        self._identities = identities
        self._releases = releases
        self._publishing = publishing
        self._idle = idle

    async def lock(self, connection: Connection, care_flow_id: str) -> tuple[Release, CareFlow] | None:
        """A care flow that nobody else changes until the transaction ends; None where there is none."""
        care_flow = await lock_care_flow(connection, care_flow_id)
        if care_flow is None:
            return None
        return (await self._releases.load(connection, [care_flow.release_id]))[care_flow.release_id], care_flow

    async def read(self, connection: Connection, care_flow_id: str) -> tuple[Release, CareFlow]:
        """A care flow as it stands. Raises NotFound."""
        care_flow = await find_care_flow(connection, care_flow_id)
        if care_flow is None:
            raise NotFound("there is no such care flow")
        return (await self._releases.load(connection, [care_flow.release_id]))[care_flow.release_id], care_flow

    async def let(
        self, connection: Connection, care_flow_id: str, event: EventOf, cause: Cause, now: datetime
    ) -> Changed | Refusal | None:
        """Let an event happen. Answers why it cannot, or None where there is no such care flow.

        Raises whatever `event` raises, or a DatabaseError.
        """
        with span("orchestrator.advance_care_flow") as current:
            locked = await self.lock(connection, care_flow_id)
            if locked is None:
                return None
            # Until it was found it was but a word of the caller's, and spans hold none of those.
            current.set("care_flow_id", care_flow_id)
            release, care_flow = locked
            happening = event(release, care_flow)
            advanced = advance(release, care_flow, happening, now)
            if isinstance(advanced, Refusal):
                return advanced
            whose = advanced.care_flow.patient_id
            identifiers = (await self._identities.of_patients(connection, [whose])).get(whose, ())
            happened = Happened(WHAT[type(happening)], cause, now)
            later, records = await self.write(connection, release, advanced, happened, identifiers)
            await outbox.add(connection, records)
            return Changed(release, later)

    async def end_sessions(
        self,
        connection: Connection,
        release: Release,
        care_flow: CareFlow,
        ended: Sequence[Session],
        happened: Happened,
    ) -> None:
        """Write that sessions of a locked care flow have ended by themselves, and tell of it."""
        unmoved = Advanced(care_flow, ())
        later, records = await self._put_sessions(connection, release, unmoved, ended, happened.at)
        await save_care_flow(connection, release, later, happened.at)
        await add_change(connection, unmoved, happened, _ends(ended))
        await outbox.add(connection, records)

    async def tell_session(
        self, connection: Connection, release: Release, care_flow: CareFlow, session: Session, happened: Happened
    ) -> None:
        """Tell that a session of a locked care flow has started."""
        later = _one_more(care_flow)
        await save_care_flow(connection, release, Advanced(later, ()), happened.at)
        began = (Told("session.started", session.id),)
        await add_change(connection, Advanced(care_flow, ()), happened, began)
        traceparent = current_traceparent()
        await outbox.add(
            connection, [session_record(self._publishing, release, later, session, happened.at, traceparent)]
        )

    async def write(
        self,
        connection: Connection,
        release: Release,
        advanced: Advanced,
        happened: Happened,
        identifiers: Sequence[Identifier],
    ) -> tuple[Advanced, list[OutboxRecord]]:
        """Write a locked care flow after an event, with its timeline and sessions.

        Answers it as it stands then, and what is to be told; `identifiers` are all that its patient has.
        """
        care_flow, now = advanced.care_flow, happened.at
        records = list(self._publishing.advanced(release, advanced, identifiers, now, current_traceparent()))
        sessions = await self._sessions_changed(connection, release, advanced, now)
        later, more = await self._put_sessions(connection, release, advanced, sessions, now)
        await save_care_flow(connection, release, later, now)
        await add_change(connection, advanced, happened, _ends(sessions))
        if care_flow.status is CareFlowStatus.DELETED:
            await delete_care_flow(connection, care_flow.id)
        return later, [*records, *more]

    async def _sessions_changed(
        self, connection: Connection, release: Release, advanced: Advanced, now: datetime
    ) -> list[Session]:
        # Nothing of a session changes before something changes that people do.
        moved = (effect for effect in advanced.effects if isinstance(effect, ActivityMoved))
        if not any(effect.activity.kind in PEOPLES_KINDS for effect in moved):
            return []
        sessions = await active_sessions(connection, advanced.care_flow.id)
        return follow(release, advanced, sessions, now, self._idle)

    async def _put_sessions(
        self, connection: Connection, release: Release, advanced: Advanced, changed: Sequence[Session], now: datetime
    ) -> tuple[Advanced, list[OutboxRecord]]:
        """Write sessions, and number what is told of those that have ended after all that was told before."""
        care_flow, records = advanced.care_flow, []
        for session in changed:
            await put_session(connection, session)
            if session.status is not SessionStatus.ACTIVE:
                care_flow = _one_more(care_flow)
                traceparent = current_traceparent()
                records.append(session_record(self._publishing, release, care_flow, session, now, traceparent))
        return replace(advanced, care_flow=care_flow), records


def _ends(sessions: Sequence[Session]) -> tuple[Told, ...]:
    return tuple(
        Told(_TOLD_OF_SESSIONS[one.status], one.id) for one in sessions if one.status is not SessionStatus.ACTIVE
    )


def _one_more(care_flow: CareFlow) -> CareFlow:
    return replace(care_flow, sequence=care_flow.sequence + 1)
