"""What becomes of locked care flows: gathered in memory, and then written together, with a few statements for all.

Several changes of one care flow are taken one after another, each of what the one before has left.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from carewire_contracts.identifiers import Identifier
from carewire_orchestrator.adapters.outbox_records import Publishing
from carewire_orchestrator.adapters.session_records import session_record
from carewire_orchestrator.adapters.store.care_flows import delete_care_flow, save_care_flows
from carewire_orchestrator.adapters.store.session_rows import put_session
from carewire_orchestrator.adapters.store.timeline import Cause, Entry
from carewire_orchestrator.domain.advance import Advanced
from carewire_orchestrator.domain.assignees import PEOPLES_KINDS
from carewire_orchestrator.domain.care_flow import CareFlow, CareFlowStatus
from carewire_orchestrator.domain.effects import ActivityMoved
from carewire_orchestrator.domain.release import Release
from carewire_orchestrator.domain.session import Session, SessionStatus, follow
from carewire_orchestrator.domain.timeline import SESSION_EXPIRED, SESSION_STARTED, Told, What, told
from carewire_runtime.postgres import outbox
from carewire_runtime.postgres.outbox import OutboxRecord
from carewire_runtime.postgres.pool import Connection
from carewire_runtime.telemetry.tracing import current_traceparent

_TOLD_OF_SESSIONS: Final = {
    SessionStatus.ACTIVE: "session.started",
    SessionStatus.COMPLETED: "session.completed",
    SessionStatus.EXPIRED: "session.expired",
}


class ChangeBatch:
    """Changes of care flows at one moment, in one transaction.

    `sessions` are those of their sessions that are active; `idle` is how long one lives without anything being done.
    """

    def __init__(
        self, publishing: Publishing, sessions: Mapping[str, Sequence[Session]], now: datetime, idle: timedelta
    ) -> None:
        self._publishing = publishing
        self._sessions = {care_flow_id: list(active) for care_flow_id, active in sessions.items()}
        self._now = now
        self._idle = idle
        self._changed: list[tuple[Release, Advanced]] = []
        self._entries: list[Entry] = []
        self._put: dict[str, Session] = {}
        self._records: list[OutboxRecord] = []

    def advance(
        self, release: Release, advanced: Advanced, identifiers: Sequence[Identifier], what: What, cause: Cause
    ) -> CareFlow:
        """Take what an event has brought about; answers the care flow as it stands then.

        `identifiers` are all that its patient has.
        """
        self._records += self._publishing.advanced(release, advanced, identifiers, self._now, current_traceparent())
        return self._take(release, advanced, self._followed(release, advanced), what, cause)

    def start_session(self, release: Release, care_flow: CareFlow, session: Session, cause: Cause) -> CareFlow:
        """Take that a session, which is written already, has started."""
        return self._take(release, Advanced(care_flow, ()), [session], SESSION_STARTED, cause)

    def expire_sessions(
        self, release: Release, care_flow: CareFlow, expired: Sequence[Session], cause: Cause
    ) -> CareFlow:
        """Take that sessions have ended by themselves."""
        self._put.update((one.id, one) for one in expired)
        return self._take(release, Advanced(care_flow, ()), expired, SESSION_EXPIRED, cause)

    async def write(self, connection: Connection) -> None:
        """Write all that was taken, and what is to be told of it. Raises a DatabaseError."""
        for session in self._put.values():
            await put_session(connection, session)
        await save_care_flows(connection, self._changed, self._entries, self._now)
        for _, advanced in self._changed:
            if advanced.care_flow.status is CareFlowStatus.DELETED:
                await delete_care_flow(connection, advanced.care_flow.id)
        await outbox.add(connection, self._records)

    def _followed(self, release: Release, advanced: Advanced) -> list[Session]:
        """Sessions that the change has changed."""
        active = self._sessions.get(advanced.care_flow.id)
        # Nothing of a session changes before something changes that people do.
        moved = (effect for effect in advanced.effects if isinstance(effect, ActivityMoved))
        if not active or not any(effect.activity.kind in PEOPLES_KINDS for effect in moved):
            return []
        changed = follow(release, advanced, active, self._now, self._idle)
        self._put.update((one.id, one) for one in changed)
        latest = {one.id: one for one in (*active, *changed)}
        active[:] = [one for one in latest.values() if one.status is SessionStatus.ACTIVE]
        return [one for one in changed if one.status is not SessionStatus.ACTIVE]

    def _take(
        self, release: Release, advanced: Advanced, told_of: Sequence[Session], what: What, cause: Cause
    ) -> CareFlow:
        """Note a change, and number what is told of sessions after all that was told before."""
        care_flow = advanced.care_flow
        first = care_flow.sequence - len(advanced.effects) + 1
        for session in told_of:
            care_flow = replace(care_flow, sequence=care_flow.sequence + 1)
            self._records.append(
                session_record(self._publishing, release, care_flow, session, self._now, current_traceparent())
            )
        events = (*map(told, advanced.effects), *(Told(_TOLD_OF_SESSIONS[one.status], one.id) for one in told_of))
        self._entries.append(Entry(care_flow.id, self._now, what, cause, first, events))
        self._changed.append((release, replace(advanced, care_flow=care_flow)))
        return care_flow
