"""The way of requests into Kafka: appended and acknowledged in time, or not accepted.

The channel keeps one producer alive, builds a new one after a fatal error, and learns the broker's clock from
the acknowledgements, first from a probe. It lets nothing in while Kafka does not acknowledge.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from functools import partial
from typing import Final, Self

from carewire_contracts.envelope import Headers
from carewire_contracts.topics import Topic
from carewire_ingress.adapters.patience import Patience
from carewire_ingress.adapters.shared_batches import SharedBatches, Waiting
from carewire_ingress.domain.acknowledgements import Acknowledgements
from carewire_ingress.domain.broker_clock import BrokerClock
from carewire_ingress.errors import NotAcknowledged
from carewire_runtime.clock import Clock
from carewire_runtime.errors import CarewireError, KafkaError, RecordTooLarge
from carewire_runtime.kafka.producer import Appended, Producer
from carewire_runtime.telemetry.logs import logger

ACKNOWLEDGE_WITHIN_S: Final = 5.0
PROBE_HEADER: Final = "carewire-probe"
"""Marks a record that only asks whether Kafka acknowledges; readers of the topic skip it."""

_CHECK_EVERY_S: Final = 1.0
_STUCK_S: Final = 30.0
"""Three times the life of a record: whatever waits for so long has expired, and its call was answered."""

_log = logger("request-channel")


class RequestChannel:
    """An async context manager; inside it `append` sends. `run` ends the process if the channel breaks."""

    name = "request-channel"

    def __init__(
        self, make_producer: Callable[[], Producer], probe_topic: Topic, clock: Clock, *, max_waiting: int
    ) -> None:
        self._make_producer = make_producer
        self._probe_topic = probe_topic
        self._clock = clock
        self._acknowledgements = Acknowledgements(max_waiting)
        self._patience: Patience[Sequence[Waiting]] = Patience(ACKNOWLEDGE_WITHIN_S, _are_over, _give_up)
        """Of those that were sent together, whose time is up together."""
        self._broker_clock = BrokerClock()
        self._producer: Producer | None = None
        self._batches: dict[str, SharedBatches] = {}
        self._waiting_acts: list[Callable[[], None]] = []
        self._keeping: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._keeping = asyncio.create_task(self._keep(), name="request-channel")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        await self._drop_producer()

    async def run(self, stop: asyncio.Event) -> None:
        """Watch over the channel until asked to stop; the channel itself stays open for the calls under way."""
        stopping = asyncio.create_task(stop.wait())
        watched = [stopping] if self._keeping is None else [stopping, self._keeping]
        done, _ = await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        for task in done - {stopping}:
            task.result()

    def is_open(self, now: float) -> bool:
        """Whether a record can be appended at this moment of the monotonic clock. Asked at every call."""
        return self._producer is not None and self._broker_clock.is_known and self._acknowledgements.is_flowing(now)

    def fault(self) -> str | None:
        """Why nothing can be accepted now; None when all is well (a readiness check)."""
        if self.is_open(self._clock.monotonic()):
            return None
        return "Kafka does not acknowledge; check the brokers and CAREWIRE_KAFKA_BOOTSTRAP"

    def broker_milliseconds(self, monotonic: float) -> int:
        """The broker's time at a moment of our monotonic clock, in its milliseconds, once `fault()` was None."""
        return self._broker_clock.milliseconds_at(monotonic)

    async def append(self, topic: Topic, *, key: bytes, value: bytes, headers: Headers) -> Appended:
        """Append a record and return where, once all replicas have it.

        Raises what `send` tells. When the caller gives up, the record may still be appended.
        """
        ended: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        self.send(topic, [Waiting(key, value, headers, partial(_settle, ended))])
        return await ended

    def at_leisure(self, act: Callable[[], None]) -> None:
        """Have `act` called once no batch holds up what is sent: now, or in a moment.

        What is to be sent can as well be worked on then, with all that has come meanwhile.
        """
        if self._is_held_up():
            self._waiting_acts.append(act)
        else:
            act()

    def _is_held_up(self) -> bool:
        return any(batches.holds_up for batches in self._batches.values())

    def _freed(self) -> None:
        if self._waiting_acts and not self._is_held_up():
            acts, self._waiting_acts = self._waiting_acts, []
            for act in acts:
                act()

    def send(self, topic: Topic, records: Sequence[Waiting]) -> None:
        """Append records, and tell of each where it is, once all replicas have it, or why it is not.

        That is NotAcknowledged where it takes more than 5 s (the record may still be appended), RecordTooLarge, or
        another KafkaError as `Producer.hand_over` tells it. What cannot be sent is told at once.
        """
        producer = self._producer
        if producer is None:
            for one in records:
                one.told(NotAcknowledged("there is no connection to Kafka"))
            return
        batches = self._batches.get(topic.name)
        if batches is None:
            batches = self._batches[topic.name] = SharedBatches(producer, topic, self._settled, self._freed)
        sent = [one for one in records if _fits(producer, one)]
        now = self._clock.monotonic()
        for one in sent:
            one.sent = now
            one.ticket = self._acknowledgements.sent(now)
        self._patience.watch(sent)
        batches.add(sent)

    def _settled(self, records: Sequence[Waiting], outcome: Appended | KafkaError | None) -> None:
        """Note how records ended, and tell their callers."""
        acknowledged = _verdict(outcome)
        self._acknowledgements.settled([one.ticket for one in records], acknowledged=acknowledged)
        if isinstance(outcome, Appended) and outcome.timestamp_ms >= 0:
            # The last one was handed over at the latest moment, which is the closest bound.
            self._broker_clock.observe(records[-1].sent, self._clock.monotonic(), outcome.timestamp_ms)
        if outcome is not None:
            _tell(records, outcome)
        # Calls that have ended would be held until the next are sent: twice the memory, and none of it in the caches.
        self._patience.forget()

    async def _keep(self) -> None:
        """Connect, watch, and connect anew whenever the producer cannot go on."""
        while True:
            producer = self._make_producer()
            try:
                await producer.start()
            except KafkaError as error:
                _log.warning("kafka_away", error=error)
                await self._clock.sleep(_CHECK_EVERY_S)
                continue
            self._producer = producer
            await self._watch(producer)
            await self._drop_producer()
            self._acknowledgements.abandoned()

    async def _watch(self, producer: Producer) -> None:
        """Return when this producer has failed, or is stuck. Probes while nothing flows by itself."""
        while not producer.failed.done():
            now = self._clock.monotonic()
            if self._acknowledgements.oldest_wait(now) > _STUCK_S:
                _log.error("producer_stuck", wait_s=_STUCK_S)
                return
            if not self._acknowledgements.waiting and self.fault() is not None:
                await self._probe()
            await asyncio.wait([producer.failed], timeout=_CHECK_EVERY_S)

    async def _probe(self) -> None:
        try:
            await self.append(self._probe_topic, key=b"probe", value=b"{}", headers=[(PROBE_HEADER, b"1")])
        except (KafkaError, NotAcknowledged) as error:
            _log.warning("probe_failed", error=error)

    async def _drop_producer(self) -> None:
        producer, self._producer = self._producer, None
        batches, self._batches = self._batches, {}
        for each in batches.values():
            await each.close()
        self._freed()
        if producer is not None:
            await producer.stop()


def _verdict(outcome: Appended | KafkaError | None) -> bool | None:
    """What a record's end says about Kafka: nothing where it was never sent, or was itself at fault."""
    if outcome is None or isinstance(outcome, RecordTooLarge):
        return None
    return isinstance(outcome, Appended)


def _settle(ended: asyncio.Future[Appended], outcome: Appended | CarewireError) -> None:
    if ended.done():
        return
    if isinstance(outcome, Appended):
        ended.set_result(outcome)
    else:
        # A copy each: a traceback grows with everyone who raises it.
        ended.set_exception(copy(outcome))


def _fits(producer: Producer, one: Waiting) -> bool:
    if not producer.is_too_large(one.key, one.value, one.headers):
        return True
    one.told(RecordTooLarge("the record is too large for the producer"))
    return False


def _tell(records: Iterable[Waiting], outcome: Appended | CarewireError) -> None:
    """Tell those who wait still."""
    for one in records:
        if one.is_over:
            continue
        one.is_over = True
        try:
            one.told(outcome)
        except Exception as error:  # noqa: BLE001 (the others are to be told all the same)
            _log.error("caller_not_told", error=error)


def _are_over(records: Iterable[Waiting]) -> bool:
    return all(one.is_over for one in records)


def _give_up(records: Iterable[Waiting]) -> None:
    _tell(records, NotAcknowledged(f"Kafka did not acknowledge within {ACKNOWLEDGE_WITHIN_S:g} s"))
