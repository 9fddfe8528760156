"""The sequence of an endpoint: what was handed out to it, numbered.

Fan-out tells the attempt log of each delivery that it makes for an endpoint with heartbeats, before it commits what it
made it of; so a kill makes it tell twice, and never leaves one out. Numbers are given here, in one transaction with the
rest that the log is told, by the endpoint's row and by the event's id: once, whoever tells it and however often.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from carewire_dispatcher.adapters.instants import moment
from carewire_dispatcher.domain.log_entry import LogEntry
from carewire_runtime.ids import born_at
from carewire_runtime.postgres.pool import Connection
from carewire_runtime.postgres.queries import load_queries

_queries = load_queries("carewire_dispatcher")


async def number_handed_out(connection: Connection, entries: Iterable[LogEntry], now: datetime) -> None:
    """Number what has no number yet, of endpoints with heartbeats. Raises DatabaseError."""
    rows = [_row(entry) for entry in entries]
    if not rows:
        return
    endpoint_ids = sorted({row[0] for row in rows})
    numbered = {str(row[0]) for row in await connection.fetch(_queries.lock_heartbeats, endpoint_ids)}
    told = [row for row in rows if row[0] in numbered]
    if told:
        columns = [list(column) for column in zip(*told, strict=True)]
        await connection.execute(_queries.number_handed_out, *columns, now)


def _row(entry: LogEntry) -> tuple[Any, ...]:
    return (entry.endpoint_id, entry.event_id, entry.event_type, moment(entry.event_at))


async def delete_handed_out(connection: Connection, before: str, limit: int) -> int:
    """Forget what was noted before the birth of an id, some at a time; returns how many. Raises DatabaseError."""
    done = await connection.execute(_queries.delete_handed_out, born_at(before), limit)
    return int(done.split()[-1])
