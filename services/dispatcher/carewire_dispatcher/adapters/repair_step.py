"""A step of a repair: look, write what is taken to Kafka, then save all that follows from it in one transaction.

Whoever is killed in between leaves the repair as it was before the step. The next one looks again, and writes the
same deliveries with the same ids and epoch, which workers drop.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from carewire_contracts.record import record
from carewire_contracts.topics import Topics
from carewire_dispatcher.adapters.attempt_log import event_days, merge_deliveries
from carewire_dispatcher.adapters.event_reader import event_reader
from carewire_dispatcher.adapters.handed_out import number_handed_out
from carewire_dispatcher.adapters.instants import millis
from carewire_dispatcher.adapters.log_days import LogDays
from carewire_dispatcher.adapters.repair_claim import claim_of, types_made_anew
from carewire_dispatcher.adapters.repair_look import EVENTS_AT_ONCE, EndpointOf, Look, look_by_events, look_by_log
from carewire_dispatcher.adapters.repair_query import Sought, known_of
from carewire_dispatcher.adapters.repair_reach import RepairReach
from carewire_dispatcher.adapters.repair_record import Repair
from carewire_dispatcher.domain.classify import Retry
from carewire_dispatcher.domain.delivery import Delivery
from carewire_dispatcher.domain.endpoint import Endpoint
from carewire_dispatcher.domain.log_entry import LogEntry
from carewire_dispatcher.domain.repair import (
    RepairKind,
    RepairState,
    all_have_heard,
    closed_because,
    pause_after,
    resumed_wholly,
    takes,
)
from carewire_dispatcher.domain.schedule import Slot
from carewire_runtime.clock import Clock
from carewire_runtime.errors import RecordTooLarge
from carewire_runtime.kafka.producer import Headers, Producer
from carewire_runtime.postgres import outbox
from carewire_runtime.postgres.outbox import OutboxRecord
from carewire_runtime.postgres.pool import Connection, Database
from carewire_runtime.postgres.queries import load_queries

_AGAIN_MS: Final = 1_000
"""Between two looks of a resume."""
_SEALED_S: Final = 60
"""Until a repair looks again whether its endpoint can be opened."""
_IN_TURN_MS: Final = 250
"""Until a repair looks again whether another one of the same endpoint is at a step."""
_EARLIER_MS: Final = 60_000
"""By how much a repair's word on a delivery is older than it seems: whatever a worker says of the same epoch is later,
also by a clock that is behind."""

_queries = load_queries("carewire_dispatcher")


@record()
class _Outgoing:
    topic: str
    key: bytes
    value: bytes
    headers: Headers


class RepairStep:
    """Does one step of any repair, on a connection whose transaction holds the repair's row.

    What is looked up in the log is not read within that transaction: it would keep days from being made.
    """

    def __init__(
        self,
        db: Database,
        bootstrap: str,
        topics: Topics,
        producer: Producer,
        endpoint_of: EndpointOf,
        reach: RepairReach,
        days: LogDays,
        clock: Clock,
    ) -> None:
        self._db = db
        self._bootstrap = bootstrap
        self._topic = topics.deliveries("bulk").name
        self._claims = topics.repairs.name
        self._producer = producer
        self._endpoint_of = endpoint_of
        self._reach = reach
        self._days = days
        self._clock = clock

    async def do(self, connection: Connection, repair: Repair) -> None:
        """Go on with a repair, and save how far it has come. Raises KafkaError or DatabaseError."""
        if not await connection.fetchval(_queries.take_turn, repair.endpoint_id):
            repair.next_step_at = self._clock.now() + timedelta(milliseconds=_IN_TURN_MS)
        else:
            endpoint = None if repair.endpoint_id is None else await self._endpoint_of(repair.endpoint_id)
            if endpoint is not None and endpoint.is_sealed:
                # Who runs this service has to give it the key; staff opened the endpoint, and are owed what was held.
                repair.next_step_at = self._clock.now() + timedelta(seconds=_SEALED_S)
            else:
                await self._go_on(connection, repair, endpoint)
        await _save(connection, repair)

    async def _go_on(self, connection: Connection, repair: Repair, endpoint: Endpoint | None) -> None:
        repair.state = RepairState.RUNNING
        obstacle = None if repair.endpoint_id is None else closed_because(endpoint)
        if obstacle is not None:
            repair.end(RepairState.STOPPED, self._clock.now(), obstacle)
        elif repair.delivery_id is not None:
            await self._one(connection, repair)
        elif repair.begins_with_the_log:
            await self._by_log(connection, repair, None if endpoint is None else endpoint.rate_per_s)
        elif endpoint is not None:
            await self._by_events(connection, repair, endpoint)

    async def _one(self, connection: Connection, repair: Repair) -> None:
        async with self._db.connection() as reading:
            row = await reading.fetchrow(_queries.find_delivery, repair.delivery_id)
        if row is not None and takes(repair.which, known_of(row), repair.epoch):
            async with event_reader(self._bootstrap) as reader:
                look, _ = await look_by_log(reader, self._endpoint_of, [row], repair.epoch, millis(self._clock))
            await self._write(connection, repair, look)
            if repair.taken:
                await self._claim(connection, repair, None)
        repair.end(RepairState.DONE, self._clock.now())

    async def _by_log(self, connection: Connection, repair: Repair, rate_per_s: float | None) -> None:
        sought = Sought(
            repair.which,
            repair.endpoint_id,
            repair.care_flow_id,
            repair.event_from,
            repair.event_to,
            repair.epoch,
        )
        cursor = repair.progress["cursor"]
        async with self._db.connection() as reading:
            rows = await sought.some(reading, None if cursor is None else tuple(cursor), EVENTS_AT_ONCE)
        if rows:
            async with event_reader(self._bootstrap) as reader:
                look, reached = await look_by_log(reader, self._endpoint_of, rows, repair.epoch, millis(self._clock))
            before = repair.taken
            await self._write(connection, repair, look, rate_per_s)
            repair.progress["cursor"] = reached
            # What Kafka does not take stays as it is: a resume that counted it would look for ever.
            repair.progress["found"] += repair.taken - before
        elif repair.kind is not RepairKind.RESUME or resumed_wholly(
            repair.progress["found"], is_settled=repair.progress["settled"]
        ):
            repair.end(RepairState.DONE, self._clock.now())
        else:
            await self._look_again(connection, repair)

    async def _look_again(self, connection: Connection, repair: Repair) -> None:
        """Begin anew, in an epoch of its own: workers that had not heard yet may have held what was just written."""
        now, progress = millis(self._clock), repair.progress
        ends = progress["ends"]
        if ends is None and all_have_heard(now, _millis(repair)):
            ends = {str(number): end for number, end in (await self._reach.log_ends()).items()}
        read = ends is not None and await self._reach.log_has_read({int(number): end for number, end in ends.items()})
        repair.progress = {"cursor": None, "found": 0, "settled": read, "ends": ends}
        repair.epoch = await connection.fetchval(_queries.next_repair_epoch)
        repair.looked_at, repair.skipped, repair.unreadable = repair.taken, 0, 0
        repair.next_step_at = self._clock.now() + timedelta(milliseconds=_AGAIN_MS)

    async def _by_events(self, connection: Connection, repair: Repair, endpoint: Endpoint) -> None:
        places = [
            (topic, number, first, following, end) for topic, number, first, following, end in repair.progress["places"]
        ]
        async with event_reader(self._bootstrap) as reader:
            look, after = await look_by_events(
                self._db, reader, endpoint, repair.which, places, repair.epoch, millis(self._clock)
            )
        repair.progress |= {"places": after, "types": types_made_anew(repair, endpoint)}
        await self._write(connection, repair, look, endpoint.rate_per_s)
        await self._claim(connection, repair, endpoint)
        if all(following >= end for _, _, _, following, end in after):
            repair.end(RepairState.DONE, self._clock.now())

    async def _write(self, connection: Connection, repair: Repair, look: Look, rate_per_s: float | None = None) -> None:
        """Write what was taken, and tell the log that it is tried again."""
        written = await self._produce(look.taken)
        repair.looked_at += look.looked_at
        repair.taken += len(written)
        repair.skipped += look.skipped
        repair.unreadable += look.unreadable + len(look.taken) - len(written)
        pause = pause_after(len(written), look.looked_at, rate_per_s)
        repair.next_step_at = self._clock.now() + timedelta(milliseconds=pause)
        if written:
            entries = [_tried_again(one) for one in _in_order(written)]
            await self._days.ensure("delivery", event_days(entries))
            await merge_deliveries(connection, entries)
            await number_handed_out(connection, entries, self._clock.now())

    async def _produce(self, taken: Sequence[Delivery]) -> list[Delivery]:
        """Write deliveries to the bulk lane; returns those that Kafka has. Raises KafkaError."""
        if not taken:
            return []
        outgoing = [_Outgoing(self._topic, one.key.encode(), one.body, one.headers()) for one in taken]
        futures = await self._producer.enqueue_all(outgoing)
        await asyncio.gather(*set(futures), return_exceptions=True)
        faults = [future.exception() for future in futures]
        for fault in faults:
            if fault is not None and not isinstance(fault, RecordTooLarge):
                raise fault
        return [one for one, fault in zip(taken, faults, strict=True) if fault is None]

    async def _claim(self, connection: Connection, repair: Repair, endpoint: Endpoint | None) -> None:
        """Say what is on its way by now, so that workers drop what of it waits in a tier."""
        claim = claim_of(repair, endpoint)
        if claim is not None:
            repair.claims = True
            await outbox.add(connection, [OutboxRecord(self._claims, repair.id.encode(), claim.encode(), [])])


def _in_order(deliveries: Sequence[Delivery]) -> list[Delivery]:
    """Each once, by id: an event that was published twice is one delivery.

    It is the first one that a worker takes, and tells the log of: the row of a copy would wait for ever.
    """
    return [one for _, one in sorted({one.id: one for one in reversed(deliveries)}.items())]


def _tried_again(delivery: Delivery) -> LogEntry:
    """Say that a delivery is tried again."""
    return LogEntry.of(delivery, Retry(Slot(0, delivery.due_at)), delivery.due_at - _EARLIER_MS)


def _millis(repair: Repair) -> int:
    return int(repair.created_at.timestamp() * 1000)


async def _save(connection: Connection, repair: Repair) -> None:
    await connection.execute(
        _queries.save_repair_step,
        repair.id,
        repair.state,
        repair.reason,
        repair.epoch,
        repair.looked_at,
        repair.taken,
        repair.skipped,
        repair.unreadable,
        repair.progress,
        repair.claims,
        repair.next_step_at,
        repair.ended_at,
    )
