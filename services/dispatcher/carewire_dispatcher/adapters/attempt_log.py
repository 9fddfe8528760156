"""The attempt log writer: batches of `dispatcher.attempts` into Postgres.

Deliveries never wait for it: while Postgres is away the topic grows and the log lags.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from carewire_contracts.topics import Topics
from carewire_dispatcher.adapters.endpoint_judge import EndpointJudge
from carewire_dispatcher.adapters.handed_out import number_handed_out
from carewire_dispatcher.adapters.instants import moment
from carewire_dispatcher.adapters.log_days import LogDays
from carewire_dispatcher.adapters.repair_wish import resume_late
from carewire_dispatcher.domain.log_entry import DeliveryStatus, LogEntry, Tried, UnreadableEntry
from carewire_runtime.clock import Clock
from carewire_runtime.kafka.dead_letters import DeadLetters
from carewire_runtime.kafka.producer import Producer
from carewire_runtime.kafka.records import Record
from carewire_runtime.postgres.pool import Connection, Database
from carewire_runtime.postgres.queries import load_queries
from carewire_runtime.retry import retry_in_place

_UNREADABLE: Final = "unreadable_log_entry"

_STARTED_AT: Final = 4
"""The column by which attempts are partitioned."""

_queries = load_queries("carewire_dispatcher")


def attempt_log_group(topics: Topics) -> str:
    """Name the group of attempt log writers."""
    return f"{topics.prefix}dispatcher-attempt-log"


class AttemptLog:
    """Handles batches of log entries. A batch may come again: the same rows come out."""

    def __init__(
        self, db: Database, days: LogDays, judge: EndpointJudge, producer: Producer, topics: Topics, clock: Clock
    ) -> None:
        self._db = db
        self._days = days
        self._judge = judge
        self._clock = clock
        self._letters = DeadLetters(producer, topics.dispatcher_dead.name, clock)
        self.poison_limit = self._letters.limit

    async def handle(self, records: list[Record]) -> None:
        """Write a batch; tries again for as long as Postgres is away."""
        entries: list[LogEntry] = []
        for record in records:
            try:
                entries.append(LogEntry.decode(record.value))
            except UnreadableEntry:
                await self._letters.send(record, _UNREADABLE)
        self.poison_limit.good(len(entries))
        if entries:
            await retry_in_place(lambda: self._write(entries), self._clock, what="write_attempt_log")
            await retry_in_place(lambda: self._judge.look_at(entries), self._clock, what="judge_endpoints")

    async def _write(self, entries: list[LogEntry]) -> None:
        handed_out = [entry for entry in entries if entry.is_handed_out]
        deliveries = latest(entry for entry in entries if not entry.is_handed_out)
        attempts = [_attempt_row(entry, entry.tried) for entry in entries if entry.tried is not None]
        await self._days.ensure("delivery", event_days(deliveries))
        await self._days.ensure("attempt", [row[_STARTED_AT] for row in attempts])
        async with self._db.transaction() as connection:
            if deliveries:
                await merge_deliveries(connection, deliveries)
            if held := {entry.endpoint_id for entry in deliveries if entry.status is DeliveryStatus.HELD}:
                await resume_late(connection, held, self._clock.now())
            await number_handed_out(connection, handed_out, self._clock.now())
            if attempts:
                await connection.execute(_queries.add_attempts, *_columns(attempts))
            if requests := _request_rows(entries):
                await connection.execute(_queries.note_requests, *_columns(requests))


def latest(entries: Iterable[LogEntry]) -> list[LogEntry]:
    """Keep the latest state of each delivery, by id: rows are locked in one order by all writers."""
    found: dict[str, LogEntry] = {}
    for entry in entries:
        known = found.get(entry.delivery_id)
        if known is None:
            found[entry.delivery_id] = entry
        else:
            later, earlier = (entry, known) if entry.supersedes(known) else (known, entry)
            found[entry.delivery_id] = later.knowing(earlier)
    return [found[delivery_id] for delivery_id in sorted(found)]


def event_days(entries: Iterable[LogEntry]) -> list[datetime]:
    """Return the moments by which rows of deliveries are partitioned."""
    return [datetime.fromtimestamp(entry.event_at / 1000, UTC) for entry in entries]


async def merge_deliveries(connection: Connection, entries: Sequence[LogEntry]) -> None:
    """Bring rows of deliveries up to date. Their days are there; each delivery comes once, and ids are in order."""
    await connection.execute(_queries.merge_deliveries, *_columns([_delivery_row(entry) for entry in entries]))


def _columns(rows: list[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _delivery_row(entry: LogEntry) -> tuple[Any, ...]:
    return (
        entry.delivery_id,
        entry.endpoint_id,
        entry.event_id,
        entry.event_type,
        entry.event_topic,
        entry.event_partition,
        entry.event_offset,
        moment(entry.event_at),
        entry.epoch,
        entry.attempts,
        str(entry.status),
        entry.reason,
        moment(entry.first_attempt_at),
        moment(entry.next_attempt_at),
        moment(entry.at),
        entry.care_flow_id,
        entry.tried and entry.tried.status_code,
        entry.tried and entry.tried.failure,
    )


def _attempt_row(entry: LogEntry, tried: Tried) -> tuple[Any, ...]:
    return (
        tried.id,
        entry.delivery_id,
        entry.epoch,
        entry.attempts,
        moment(tried.started_at),
        tried.duration,
        tried.status_code,
        tried.failure,
        str(entry.status),
        entry.endpoint_id,
        tried.request_id,
        tried.answer and _json(tried.answer.headers),
        tried.answer and tried.answer.body,
    )


def _json(headers: Mapping[str, str]) -> str:
    return orjson.dumps(headers).decode()


def _request_rows(entries: Iterable[LogEntry]) -> list[tuple[Any, ...]]:
    """One row for each request that is told in full, by id: rows are locked in one order by all writers."""
    found: dict[str, tuple[Any, ...]] = {}
    for entry in entries:
        if entry.tried is not None and (sent := entry.tried.request) is not None:
            day = datetime.fromtimestamp(entry.tried.started_at / 1000, UTC).date()
            found[sent.id] = (sent.id, sent.url, _json(sent.headers), sent.payload, sent.content_mode, day)
    return [found[request_id] for request_id in sorted(found)]
