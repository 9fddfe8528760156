"""The timeline of a care flow: each change with its cause, written in the transaction of the change."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

import orjson

from carewire_orchestrator.adapters.store.queries import QUERIES
from carewire_orchestrator.domain.timeline import Told, What
from carewire_runtime.auth import Principal
from carewire_runtime.postgres.pool import Database

CauseKind: TypeAlias = Literal["principal", "request", "timer", "api_call", "session"]


@dataclass(frozen=True, slots=True)
class Cause:
    """Who or what made something happen: the holder of an API key by name, or one of our own things by id."""

    kind: CauseKind
    id: str | None
    name: str | None = None

    @classmethod
    def of(cls, principal: Principal) -> "Cause":
        """The holder of an API key, as they are called now."""
        return Cause("principal", principal.id, principal.name)


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to a care flow, and the events that followed; the first of them has the number given."""

    position: int
    happened_at: datetime
    what: What
    cause: Cause
    first_sequence: int
    events: tuple[Told, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """What a timeline is to say of a change, whose first event has the number given."""

    care_flow_id: str
    happened_at: datetime
    what: What
    cause: Cause
    first_sequence: int
    events: tuple[Told, ...]

    def row(self) -> tuple[object, ...]:
        """The entry as the columns have it."""
        cause = self.cause
        return (
            self.care_flow_id,
            self.happened_at,
            self.what,
            cause.kind,
            cause.id,
            cause.name,
            self.first_sequence,
            write_events(self.events),
        )


def write_events(events: tuple[Told, ...]) -> str:
    """Events as the column has them."""
    return orjson.dumps([(one.event_type, one.subject_id) for one in events]).decode()


class Timeline:
    """Reads timelines."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def page(self, care_flow_id: str, after: int, limit: int) -> list[Change]:
        """A page of changes, oldest first."""
        async with self._db.connection() as connection:
            rows = await connection.fetch(QUERIES.changes, care_flow_id, after, limit)
        return [_change(row) for row in rows]


def _change(row: Mapping[str, Any]) -> Change:
    return Change(
        position=row["position"],
        happened_at=row["happened_at"],
        what=row["what"],
        cause=Cause(row["cause_kind"], row["cause_id"], row["cause_name"]),
        first_sequence=row["first_sequence"],
        events=tuple(Told(event_type, subject_id) for event_type, subject_id in orjson.loads(row["events"])),
    )
