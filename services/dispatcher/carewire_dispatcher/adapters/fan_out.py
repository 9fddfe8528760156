"""Fan-out: one delivery record for each endpoint that wants an event.

Two fates never share a record. A repeated batch writes the same delivery ids again, and workers drop copies.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from carewire_contracts.record import record
from carewire_contracts.topics import LANES, Lane, Topics
from carewire_dispatcher.adapters.endpoint_record import JSON_HEADERS
from carewire_dispatcher.adapters.fresh_delivery import fresh_delivery
from carewire_dispatcher.adapters.instants import millis
from carewire_dispatcher.domain.admission import admit
from carewire_dispatcher.domain.delivery import Delivery
from carewire_dispatcher.domain.endpoint import Endpoint
from carewire_dispatcher.domain.log_entry import LogEntry
from carewire_dispatcher.domain.matching import Event, Subscribers
from carewire_dispatcher.domain.sharding import read_key
from carewire_runtime.clock import Clock
from carewire_runtime.errors import RecordTooLarge
from carewire_runtime.kafka.dead_letters import DeadLetters
from carewire_runtime.kafka.pace import IDLE_WAIT_MS, Pace
from carewire_runtime.kafka.producer import Headers, Producer
from carewire_runtime.kafka.records import Record
from carewire_runtime.kafka.table import CompactedTable
from carewire_runtime.retry import retry_in_place
from carewire_runtime.telemetry import metrics
from carewire_runtime.telemetry.logs import logger

NO_EVENT: Final = "not_a_cloudevent"
UNREADABLE_BODY: Final = "unreadable_event"
TOO_LARGE: Final = "delivery_too_large"

SPREADING: Final = Pace(min_bytes=1, max_wait_ms=IDLE_WAIT_MS, tick_s=0.004, gather_ms=25)
"""How events are taken. One that comes alone costs Kafka, fan-out and worker a fetch or a write each, several times
what its delivery does: where many a second come, they wait for each other for 12 ms on average."""

_log = logger("fan-out")


def fan_out_group(topics: Topics) -> str:
    """Name the group that spreads domain events."""
    return f"{topics.prefix}dispatcher-fan-out"


def status_fan_out_group(topics: Topics) -> str:
    """Name the group that spreads the status events of requests."""
    return f"{topics.prefix}dispatcher-status-fan-out"


@record()
class _Outgoing:
    topic: str
    key: bytes
    value: bytes
    headers: Headers
    event_id: str


class FanOut:
    """Handles batches of events."""

    def __init__(self, topics: Topics, endpoints: CompactedTable[Endpoint], producer: Producer, clock: Clock) -> None:
        self._lanes = {lane: topics.deliveries(lane).name for lane in LANES}
        self._attempts = topics.attempts.name
        self._endpoints = endpoints
        self._producer = producer
        self._clock = clock
        self._letters = DeadLetters(producer, topics.dispatcher_dead.name, clock)
        self.poison_limit = self._letters.limit
        self._subscribers: Subscribers | None = None
        self._quotas: dict[str, float] = {}
        endpoints.on_change(self._forget)

    async def handle(self, records: list[Record]) -> None:
        """Write the deliveries of a batch; returns when all are acknowledged, however long Kafka is away."""
        await self._endpoints.ready()
        unreadable = await retry_in_place(lambda: self._spread_all(records), self._clock, what="fan_out")
        self.poison_limit.good(len(records) - len(unreadable))
        for one, reason in unreadable:
            await self._letters.send(one, reason)

    async def _spread_all(self, records: list[Record]) -> list[tuple[Record, str]]:
        """Write the deliveries of a batch. Returns the records that not everyone gets, each with the reason."""
        made: list[_Outgoing] = []
        unreadable: list[tuple[Record, str]] = []
        for one in records:
            reason = self._spread(one, made)
            if reason is not None:
                unreadable.append((one, reason))
        if made:
            futures = await self._producer.enqueue_all(made)
            # The futures of a batch are one: each is waited for once.
            await asyncio.gather(*set(futures), return_exceptions=True)
            _give_up_too_large(made, futures)
        return unreadable

    def _spread(self, record: Record, made: list[_Outgoing]) -> str | None:
        """Make the deliveries of one event. Returns why not everyone gets it, if so.

        Of a body that cannot be read those are told who are sent its bytes as they are, and asked for no others.
        """
        event_id, event_type = record.header("ce_id"), record.header("ce_type")
        if event_id is None or event_type is None or record.value is None:
            return NO_EVENT
        subscribers, kind = self._current(), event_type.decode("utf-8", "replace")
        if not subscribers.of_type(kind):
            return None
        event = Event(kind, record.value, record.timestamp_ms)
        now, reason = millis(self._clock), None
        try:
            wanting = subscribers.of(event)
        except ValueError:
            wanting, reason = subscribers.of_any_body(kind), UNREADABLE_BODY
        for endpoint in wanting:
            try:
                delivery = fresh_delivery(record, event, event_id.decode("utf-8", "replace"), endpoint, now)
            except ValueError:
                reason = UNREADABLE_BODY
                continue
            topic = self._lanes[self._admit(endpoint, now)]
            made.append(_Outgoing(topic, delivery.key.encode(), delivery.body, delivery.headers(), delivery.event_id))
            if endpoint.heartbeat_s is not None:
                made.append(self._told(delivery, now))
        return reason

    def _told(self, delivery: Delivery, now: int) -> _Outgoing:
        """Tell the log that the delivery was made: its endpoint asked to be told what it is to have received."""
        entry = LogEntry.handed_out(delivery, now)
        return _Outgoing(self._attempts, delivery.endpoint_id.encode(), entry.encode(), JSON_HEADERS, delivery.event_id)

    def _admit(self, endpoint: Endpoint, now: int) -> Lane:
        admitted = admit(now, endpoint, self._quotas.get(endpoint.id, 0.0))
        self._quotas[endpoint.id] = admitted.used_until
        return admitted.lane

    def _current(self) -> Subscribers:
        if self._subscribers is None:
            self._subscribers = Subscribers(endpoint for _, endpoint in self._endpoints.items())
        return self._subscribers

    def _forget(self, key: str, endpoint: Endpoint | None) -> None:
        self._subscribers = None
        if endpoint is None:
            self._quotas.pop(key, None)


def _give_up_too_large(made: Sequence[_Outgoing], futures: Sequence[asyncio.Future[Any]]) -> None:
    """Say which deliveries are larger than Kafka takes, and raise what else went wrong.

    An event that just fits its own topic may be too large with what a delivery adds. It stays there to be read; trying
    again, or ending, would keep all events behind it from everybody for ever.
    """
    faults = [future.exception() for future in futures]
    for fault in faults:
        if fault is not None and not isinstance(fault, RecordTooLarge):
            raise fault
    for one, fault in zip(made, faults, strict=True):
        if fault is not None:
            metrics.DEAD_LETTERS.add(reason=TOO_LARGE)
            endpoint_id, _ = read_key(one.key.decode())
            _log.error("delivery_given_up", reason=TOO_LARGE, event_id=one.event_id, endpoint_id=endpoint_id)
