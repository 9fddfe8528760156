"""Records that were set aside: looked at without their content, and sent back to where they came from.

Nothing here knows what the records are about: any service's dead topic can be served so.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from carewire_contracts.topics import Topic
from carewire_dispatcher.adapters.event_reader import RUN_BYTES, EventReader, event_reader
from carewire_dispatcher.adapters.instants import moment
from carewire_dispatcher.errors import DeadRecordNotFound
from carewire_runtime.audit import Audit, Deed
from carewire_runtime.auth import Principal
from carewire_runtime.clock import Clock
from carewire_runtime.kafka.producer import Producer
from carewire_runtime.kafka.records import Record
from carewire_runtime.postgres.pool import Connection, Database
from carewire_runtime.postgres.queries import load_queries

_PREFIX: Final = "dead_"
_READ_AT_ONCE: Final = 500
_MOST_LOOKED_AT: Final = 10_000
"""Records that one call looks at, at most: a flood of poison is paged through."""
_END: Final = 2**62

_queries = load_queries("carewire_dispatcher")

Place = tuple[int, int]
"""Partition and offset in the dead topic."""


@dataclass(frozen=True, slots=True)
class DeadRecord:
    """A record that was set aside: where it lies, why and since when, and where it stood before."""

    place: Place
    reason: str
    at: datetime | None
    topic: str
    partition: int
    offset: int
    redriven_at: datetime | None = None
    record: Record = field(repr=False, kw_only=True)


class DeadRecords:
    """One dead topic. Records go back to `sources` alone, which are the topics that its service reads."""

    def __init__(
        self,
        db: Database,
        bootstrap: str,
        topic: Topic,
        sources: Iterable[str],
        producer: Producer,
        audit: Audit,
        clock: Clock,
    ) -> None:
        self._db = db
        self._bootstrap = bootstrap
        self._topic = topic
        self._sources = frozenset(sources)
        self._producer = producer
        self._audit = audit
        self._clock = clock

    async def page(self, reason: str | None, begin: Place, limit: int) -> tuple[list[DeadRecord], Place | None]:
        """Return records from a place on, and where to go on. Raises KafkaError or DatabaseError."""
        async with event_reader(self._bootstrap) as reader:
            found, following = await self._some(reader, reason, begin, limit)
        redriven = await self._redriven([one.place for one in found])
        shown = [_with(one, redriven.get(one.place)) for one in found]
        return shown, following

    async def redrive(self, place: Place, by: Principal) -> DeadRecord:
        """Send one back, however often it was before. Raises DeadRecordNotFound, KafkaError or DatabaseError."""
        partition, offset = place
        if not 0 <= partition < self._topic.partitions:
            raise DeadRecordNotFound("no dead record has this id")
        async with event_reader(self._bootstrap) as reader:
            run = await reader.at(self._topic.name, partition, [offset])
        found = [one for one in map(self._read, run.records) if one is not None]
        if not found:
            raise DeadRecordNotFound("no dead record has this id, or it came from where nothing goes back to")
        async with self._db.transaction() as connection:
            await self._mark(connection, found)
            await self._record(connection, found, by)
            await self._send(found)
        return _with(found[0], self._clock.now())

    async def redrive_all(self, reason: str, begin: Place, limit: int, by: Principal) -> tuple[int, Place | None]:
        """Send back what was set aside for a reason and was not sent back before; returns how many, and where to go on.

        Raises KafkaError or DatabaseError.
        """
        async with event_reader(self._bootstrap) as reader:
            found, following = await self._some(reader, reason, begin, limit)
        async with self._db.transaction() as connection:
            fresh = await self._mark(connection, found)
            await self._record(connection, fresh, by)
            await self._send(fresh)
        return len(fresh), following

    async def _some(
        self, reader: EventReader, reason: str | None, begin: Place, limit: int
    ) -> tuple[list[DeadRecord], Place | None]:
        found: list[DeadRecord] = []
        looked_at = size = 0
        partition, offset = begin
        while partition < self._topic.partitions and looked_at < _MOST_LOOKED_AT:
            run = await reader.between(self._topic.name, partition, offset, _END, _READ_AT_ONCE)
            for record in run.records:
                one = self._read(record)
                if one is not None and reason in (None, one.reason):
                    found.append(one)
                    size += len(record.value or b"")
                if len(found) == limit or size >= RUN_BYTES:
                    return found, (partition, record.offset + 1)
            looked_at += len(run.records)
            partition, offset = (partition + 1, 0) if run.read_to >= _END else (partition, run.read_to)
        return found, None if partition >= self._topic.partitions else (partition, offset)

    def _read(self, record: Record) -> DeadRecord | None:
        topic = _text(record, "dead_topic")
        partition, offset = _text(record, "dead_partition"), _text(record, "dead_offset")
        if topic not in self._sources or not (partition.isdigit() and offset.isdigit()):
            return None
        place, at = (record.partition, record.offset), moment(record.timestamp_ms)
        return DeadRecord(place, _text(record, "dead_reason"), at, topic, int(partition), int(offset), record=record)

    async def _redriven(self, places: Sequence[Place]) -> dict[Place, datetime]:
        async with self._db.connection() as connection:
            rows = await connection.fetch(_queries.redriven_among, *_columns(places))
        return {(row["dead_partition"], row["dead_offset"]): row["redriven_at"] for row in rows}

    async def _mark(self, connection: Connection, found: Sequence[DeadRecord]) -> list[DeadRecord]:
        """Note it; returns those that were not sent back before."""
        rows = await connection.fetch(
            _queries.mark_redriven, *_columns([one.place for one in found]), self._clock.now()
        )
        fresh = {(row["dead_partition"], row["dead_offset"]) for row in rows}
        return [one for one in found if one.place in fresh]

    async def _record(self, connection: Connection, sent: Sequence[DeadRecord], by: Principal) -> None:
        """Note who sends them back."""
        deeds = [Deed("dead_record.redrive", "dead_record", id_of(one.place)) for one in sent]
        await self._audit.add(connection, by, deeds)

    async def _send(self, found: Sequence[DeadRecord]) -> None:
        for one in found:
            headers = [(name, value) for name, value in one.record.headers if not name.startswith(_PREFIX)]
            await self._producer.send(
                one.topic, key=one.record.key, value=one.record.value, headers=headers, partition=one.partition
            )


def id_of(place: Place) -> str:
    """Write a place as an id."""
    return f"{place[0]}-{place[1]}"


def _with(one: DeadRecord, redriven_at: datetime | None) -> DeadRecord:
    return DeadRecord(
        one.place, one.reason, one.at, one.topic, one.partition, one.offset, redriven_at, record=one.record
    )


def _columns(places: Sequence[Place]) -> tuple[list[int], list[int]]:
    return [partition for partition, _ in places], [offset for _, offset in places]


def _text(record: Record, name: str) -> str:
    return (record.header(name) or b"").decode("utf-8", "replace")
