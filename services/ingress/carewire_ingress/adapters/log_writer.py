"""Writes the request log: every record of a request and every status event, in batches, whatever their order.

What it saves is saved before its offsets are committed, and saving it again changes nothing. A refused request
ends at its receipt, so its public status event is emitted here, under an id that a repeat has too.
"""

import asyncio
import re
from collections.abc import Callable, Iterable
from typing import Final
from uuid import UUID

from carewire_contracts.envelope import Envelope, header
from carewire_contracts.requests import AcceptedRequest, RefusedRequest
from carewire_contracts.statuses import decode_status_event
from carewire_contracts.topics import Topics
from carewire_contracts.wire import encode
from carewire_ingress.adapters.request_channel import PROBE_HEADER
from carewire_ingress.adapters.request_records import SOURCE
from carewire_ingress.adapters.request_store import RequestStore
from carewire_ingress.domain import request_log
from carewire_ingress.domain.request_log import LogEntry, merge_by_request
from carewire_runtime.clock import Clock
from carewire_runtime.errors import StatementFailed
from carewire_runtime.ids import derived_id
from carewire_runtime.kafka.dead_letters import DeadLetters
from carewire_runtime.kafka.producer import Appended, Producer
from carewire_runtime.kafka.records import Record
from carewire_runtime.retry import retry_in_place
from carewire_runtime.telemetry.logs import logger

UNREADABLE: Final = "unreadable"
NOT_STORABLE: Final = "not_storable"

_FAULTS_OF_ROWS: Final = ("22", "23")
"""Classes of sqlstate: a value that its column cannot hold, a constraint. Any other refusal (a table that is
missing, a privilege) says nothing about the record, and would set the whole log aside."""

_OUR_IDS: Final = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

_log = logger("log-writer")


class LogWriter:
    """The handler of the log writer's batches."""

    def __init__(
        self, store: RequestStore, producer: Producer, dead: DeadLetters, clock: Clock, topics: Topics
    ) -> None:
        self._store = store
        self._producer = producer
        self._dead = dead
        self._clock = clock
        self._statuses_topic = topics.incoming_webhooks.name
        self._refused_topic = topics.refused.name
        self._read: dict[str, Callable[[bytes], LogEntry]] = {
            topics.requests.name: _of_accepted,
            topics.refused.name: _of_refused,
            topics.incoming_webhooks.name: _of_status_event,
        }

    async def handle(self, records: list[Record]) -> None:
        """Finish a batch. Raises what does not pass by itself: then the process ends with nothing committed."""
        readable: list[tuple[Record, LogEntry]] = []
        for record in records:
            if record.header(PROBE_HEADER) is not None:
                continue
            entry = self._entry_of(record)
            if entry is None:
                await self._dead.send(record, UNREADABLE)
            else:
                readable.append((record, entry))
        stored = await self._save(readable)
        await self._emit(record for record in stored if record.topic == self._refused_topic)
        self._dead.limit.good(len(stored))
        _log.debug("batch_logged", count=len(stored))

    def _entry_of(self, record: Record) -> LogEntry | None:
        try:
            entry = self._read[record.topic](record.value or b"")
            # Ids become columns of type uuid: one that is none would fail the whole batch.
            _check_id(entry.request_id)
            _check_id(entry.webhook_id)
            for one in (entry.resubmission_of, entry.start_key):
                if one is not None:
                    _check_id(one)
        except ValueError:
            return None
        return entry

    async def _save(self, readable: list[tuple[Record, LogEntry]]) -> list[Record]:
        """Save a batch; where Postgres refuses a value, record by record, to find out which one it is."""
        if not readable:
            return []
        entries = merge_by_request(entry for _, entry in readable)
        try:
            await retry_in_place(lambda: self._store.save(entries), self._clock, what="save_request_log")
        except StatementFailed as error:
            if not error.sqlstate.startswith(_FAULTS_OF_ROWS):
                raise
            if len(readable) == 1:
                await self._dead.send(readable[0][0], NOT_STORABLE)
                return []
            return [record for pair in readable for record in await self._save([pair])]
        return [record for record, _ in readable]

    async def _emit(self, refused: Iterable[Record]) -> None:
        """Publish the status events of refused requests, all at once."""
        await asyncio.gather(*(self._emit_one(record) for record in refused))

    async def _emit_one(self, record: Record) -> Appended:
        request = RefusedRequest.decode(record.value or b"")
        event = request_log.status_event_of(request)
        event_id = derived_id(request.request_id, event.status)
        envelope = Envelope(event_id, event.event_type, SOURCE, event.date, subject=request.request_id)
        return await retry_in_place(
            lambda: self._producer.send(
                self._statuses_topic,
                key=request.request_id.encode(),
                value=encode(event),
                headers=envelope.headers(header(record.headers, "traceparent")),
            ),
            self._clock,
            what="emit_status_event",
        )


def _check_id(said: object) -> None:
    """Raise ValueError for what is no UUID. Ours are written alike, which a pattern tells at a fifth of the cost."""
    text = str(said)
    if not _OUR_IDS.fullmatch(text):
        UUID(text)


def _of_accepted(value: bytes) -> LogEntry:
    return request_log.of_accepted(AcceptedRequest.decode(value))


def _of_refused(value: bytes) -> LogEntry:
    return request_log.of_refused(RefusedRequest.decode(value))


def _of_status_event(value: bytes) -> LogEntry:
    return request_log.of_status_event(decode_status_event(value))
