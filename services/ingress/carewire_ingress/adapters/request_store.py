"""The request log in Postgres, as it is written: in batches."""

from collections.abc import Sequence
from typing import Any

import orjson

from carewire_ingress.adapters.request_links import add_links
from carewire_ingress.domain.request_log import LogEntry
from carewire_runtime.postgres.pool import Database
from carewire_runtime.postgres.queries import load_queries

_queries = load_queries("carewire_ingress")


class RequestStore:
    """Saves entries of the request log."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def save(self, entries: Sequence[LogEntry]) -> None:
        """Add what these entries know, one a request, sorted by request; again and in any order does no harm."""
        statuses = [
            (entry.request_id, status.value, at) for entry in entries for status, at in sorted(entry.reached.items())
        ]
        async with self._db.transaction() as connection:
            await connection.execute(_queries.upsert_requests, *_columns([_row(entry) for entry in entries]))
            await connection.execute(_queries.upsert_statuses, *_columns(statuses))
            await add_links(connection, entries)


def _row(entry: LogEntry) -> tuple[Any, ...]:
    return (
        entry.request_id,
        entry.webhook_id,
        entry.definition_id,
        entry.status.value,
        entry.status.rank,
        entry.received_at,
        _json(entry.reasons),
        _json(entry.data_points),
        entry.content_type,
        entry.payload,
        entry.care_flow_id,
        entry.patient_id,
        entry.duplicate_of,
        entry.failure_reason,
        entry.failure_message,
        _json(entry.headers),
        _json(entry.filter),
        entry.skip_reason,
    )


def _json(value: tuple[Any, ...] | dict[str, str] | None) -> str | None:
    # As text: asyncpg would take a list within an array for another dimension of it.
    return None if value is None else orjson.dumps(value).decode()


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    """Rows as one array a column, as `unnest` takes them."""
    return [list(column) for column in zip(*rows, strict=True)]
