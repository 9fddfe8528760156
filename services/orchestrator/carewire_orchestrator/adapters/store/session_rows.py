"""Sessions as rows. A token is known by its digest alone: it has 256 bits of randomness, so a fast hash is enough."""

import hashlib
import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from carewire_orchestrator.adapters.store.queries import QUERIES
from carewire_orchestrator.domain.session import Session, SessionStatus, Whose
from carewire_runtime.postgres.pool import Connection


def new_token() -> str:
    """A token that goes into URLs as it is."""
    return secrets.token_urlsafe(32)


async def add_session(connection: Connection, session: Session, token: str) -> None:
    """Insert a session."""
    await connection.execute(
        QUERIES.add_session,
        session.id,
        _digest(token),
        session.care_flow_id,
        session.whose.type,
        session.whose.id,
        session.status.value,
        session.created_at,
        session.expires_at,
        session.success_url,
        session.cancel_url,
    )


async def put_session(connection: Connection, session: Session) -> None:
    """Write what has become of a session."""
    await connection.execute(
        QUERIES.put_session, session.id, session.status.value, session.expires_at, session.ended_at
    )


async def find_session(connection: Connection, session_id: str) -> Session | None:
    """A session by id."""
    return _session(await connection.fetchrow(QUERIES.session, session_id))


async def find_session_of(connection: Connection, token: str) -> Session | None:
    """A session by its token."""
    return _session(await connection.fetchrow(QUERIES.session_of_token, _digest(token)))


async def active_sessions(connection: Connection, care_flow_ids: Iterable[str]) -> dict[str, list[Session]]:
    """Sessions of locked care flows that have not ended, by care flow; only of those that have some."""
    rows = await connection.fetch(QUERIES.active_sessions, list(care_flow_ids))
    found: dict[str, list[Session]] = defaultdict(list)
    for row in rows:
        found[row["care_flow_id"]].append(_read(row))
    return found


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _session(row: Mapping[str, Any] | None) -> Session | None:
    return None if row is None else _read(row)


def _read(row: Mapping[str, Any]) -> Session:
    fields = dict(row)
    whose = Whose(fields.pop("stakeholder_type"), fields.pop("stakeholder_id"))
    return Session(**fields | {"whose": whose, "status": SessionStatus(fields["status"])})
