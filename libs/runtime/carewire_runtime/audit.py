"""The audit record: who changed what, and who looked at what, for years.

A deed is recorded in the transaction of the change that it tells of, so neither is there without the other. A
record names its subject by our own id and holds no value of it. The table lives in each service's own schema.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from carewire_runtime.auth import Principal
from carewire_runtime.clock import Clock
from carewire_runtime.ids import earliest_id, new_id
from carewire_runtime.postgres.conditions import Conditions
from carewire_runtime.postgres.pool import Connection, Database
from carewire_runtime.postgres.queries import load_queries
from carewire_runtime.telemetry.tracing import current_traceparent

_TRACE_ID: Final = slice(3, 35)
"""Where a traceparent holds the trace id (W3C Trace Context, section 3.2.2)."""

_queries = load_queries("carewire_runtime")


@dataclass(frozen=True, slots=True)
class Deed:
    """What was done to what: an action of a closed list, such as `webhook.enable`, and its subject's id."""

    action: str
    subject_kind: str
    subject_id: str


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which records are wanted; None wants all. Times are inclusive at the start, exclusive at the end."""

    subject_kind: str | None = None
    subject_id: str | None = None
    principal_id: str | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class Audit:
    """The audit records of one service. Times are those of `clock`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def add(self, connection: Connection, principal: Principal, deeds: Sequence[Deed]) -> None:
        """Record deeds of one principal, in one statement, in the transaction that the connection is in."""
        if not deeds:
            return
        traceparent = current_traceparent()
        await connection.execute(
            _queries.add_audit_records,
            [new_id() for _ in deeds],
            self._clock.now(),
            principal.id,
            principal.name,
            principal.role.value,
            None if traceparent is None else traceparent[_TRACE_ID],
            [deed.action for deed in deeds],
            [deed.subject_kind for deed in deeds],
            [deed.subject_id for deed in deeds],
        )


async def audit_page(db: Database, wanted: AuditFilter, after: str | None, limit: int) -> list[dict[str, Any]]:
    """Records, newest first, that come after an id."""
    query, values = audit_query(wanted, after, limit)
    async with db.connection() as connection:
        rows = await connection.fetch(query, *values)
    return [{**dict(row), "id": str(row["id"])} for row in rows]


def audit_query(wanted: AuditFilter, after: str | None, limit: int) -> tuple[str, list[Any]]:
    """The statement of a page and its parameters."""
    conditions = Conditions()
    conditions.add("subject_id = {}", wanted.subject_id)
    conditions.add("subject_kind = {}", wanted.subject_kind)
    conditions.add("principal_id = {}", wanted.principal_id)
    conditions.add("action = {}", wanted.action)
    conditions.add("id >= {}", None if wanted.since is None else earliest_id(wanted.since))
    conditions.add("id < {}", None if wanted.until is None else earliest_id(wanted.until))
    conditions.add("id < {}", after)
    where, most = conditions.where(), conditions.parameter(limit)
    return f"select * from audit_record {where} order by id desc limit {most}", conditions.values  # noqa: S608 (ours)


async def delete_audit_records(connection: Connection, before: str, limit: int) -> int:
    """Delete the oldest records before an id, some at a time; returns how many."""
    return int((await connection.execute(_queries.delete_audit_records, before, limit)).split()[-1])
