"""Sessions: started by people, looked up by their tokens, and ended when their time is over."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from carewire_orchestrator.adapters.store.changes import Changes
from carewire_orchestrator.adapters.store.people import PATIENT
from carewire_orchestrator.adapters.store.queries import QUERIES
from carewire_orchestrator.adapters.store.session_rows import (
    active_sessions,
    add_session,
    find_session,
    find_session_of,
    new_token,
)
from carewire_orchestrator.adapters.store.timeline import Cause
from carewire_orchestrator.domain.care_flow import CareFlow
from carewire_orchestrator.domain.given_values import ValueProblem
from carewire_orchestrator.domain.release import Release
from carewire_orchestrator.domain.session import Session, SessionStatus, Whose, pending, whose_session
from carewire_orchestrator.domain.timeline import SESSION_STARTED
from carewire_orchestrator.errors import InvalidValues, NotAllowedNow, NotFound
from carewire_runtime.audit import Audit, Deed
from carewire_runtime.auth import Principal
from carewire_runtime.clock import Clock
from carewire_runtime.ids import new_id
from carewire_runtime.postgres.pool import Connection, Database
from carewire_runtime.postgres.relay import Relay

_BATCH: Final = 100


@dataclass(frozen=True, slots=True)
class Links:
    """Where a browser goes on after a session; None leaves it where it is."""

    success: str | None = None
    cancel: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A session with its care flow."""

    session: Session
    release: Release
    care_flow: CareFlow


class Sessions:
    """The sessions of all care flows."""

    def __init__(
        self, db: Database, changes: Changes, relay: Relay, audit: Audit, clock: Clock, idle: timedelta
    ) -> None:
        self._db = db
        self._changes = changes
        self._relay = relay
        self._audit = audit
        self._clock = clock
        self._idle = idle

    async def start(
        self, care_flow_id: str, stakeholder_id: str | None, links: Links, by: Principal
    ) -> tuple[Found, str]:
        """Start a session of a stakeholder, by default of the patient; answers it with its token, for this one time.

        Raises NotFound, InvalidValues, NotAllowedNow where nothing is left for them to do, or a DatabaseError.
        """
        now = self._clock.now()
        token = new_token()
        async with self._db.transaction() as connection:
            locked = await self._changes.lock(connection, care_flow_id)
            if locked is None:
                raise NotFound("there is no such care flow")
            release, care_flow = locked
            whose = _who(release, care_flow, stakeholder_id)
            session = Session(
                id=new_id(),
                care_flow_id=care_flow_id,
                whose=whose,
                status=SessionStatus.ACTIVE,
                created_at=now,
                expires_at=now + self._idle,
                success_url=links.success,
                cancel_url=links.cancel,
            )
            await add_session(connection, session, token)
            batch = await self._changes.batch(connection, [], now)
            batch.start_session(release, care_flow, session, Cause.of(by))
            await batch.write(connection)
            await self._audit.add(connection, by, [Deed(SESSION_STARTED, PATIENT, care_flow.patient_id)])
        self._relay.wake()
        return Found(session, release, care_flow), token

    async def find(self, session_id: str) -> Found:
        """A session by id. Raises NotFound or a DatabaseError."""
        async with self._db.transaction() as connection:
            return await self._found(connection, await find_session(connection, session_id))

    async def find_by_token(self, token: str) -> Found:
        """The session that a token is of, while it may be used. Raises NotFound, NotAllowedNow or a DatabaseError."""
        async with self._db.transaction() as connection:
            found = await self._found(connection, await find_session_of(connection, token))
        if not found.session.is_usable(self._clock.now()):
            completed = found.session.status is SessionStatus.COMPLETED
            code = "session_completed" if completed else "session_expired"
            raise NotAllowedNow(code, "the session has ended; start a new one if something is left to do")
        return found

    async def expire(self) -> int:
        """End the sessions of some care flows whose time is over; answers of how many care flows."""
        now = self._clock.now()
        async with self._db.connection() as connection:
            rows = await connection.fetch(QUERIES.sessions_to_expire, now, _BATCH)
        for row in rows:
            await self._expire(row["care_flow_id"], now)
        return len(rows)

    async def _expire(self, care_flow_id: str, now: datetime) -> None:
        async with self._db.transaction() as connection:
            locked = await self._changes.lock(connection, care_flow_id)
            if locked is None:
                return
            # Read under the lock: somebody may have done something in the last moment.
            active = await active_sessions(connection, [care_flow_id])
            expired = _expired(active.get(care_flow_id, ()), now)
            if expired:
                batch = await self._changes.batch(connection, [], now)
                batch.expire_sessions(*locked, expired, Cause("session", expired[0].id))
                await batch.write(connection)
        self._relay.wake()

    async def _found(self, connection: Connection, session: Session | None) -> Found:
        if session is None:
            raise NotFound("there is no such session")
        release, care_flow = await self._changes.read(connection, session.care_flow_id)
        return Found(session, release, care_flow)


def _expired(sessions: Sequence[Session], now: datetime) -> list[Session]:
    return [one.ended(SessionStatus.EXPIRED, now) for one in sessions if not one.is_usable(now)]


def _who(release: Release, care_flow: CareFlow, stakeholder_id: str | None) -> Whose:
    whose = whose_session(release, care_flow, stakeholder_id)
    if whose is None:
        message = "the definition has no such stakeholder; look at its `stakeholders`"
        raise InvalidValues([ValueProblem("stakeholder_definition_id", message)])
    if care_flow.status.is_final:
        raise NotAllowedNow("care_flow_ended", "the care flow has ended; start a new one")
    if not pending(release, care_flow, whose):
        raise NotAllowedNow("nothing_pending", "nothing is left for this stakeholder to do; look at the activities")
    return whose
