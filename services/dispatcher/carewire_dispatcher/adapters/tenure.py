"""What a worker holds from one assignment of partitions to the next revocation: sources, pumps, mill, commits."""

import asyncio
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaConsumer

from carewire_contracts.topics import LANES, Lane, Topics
from carewire_dispatcher.adapters.answer_keeper import AnswerKeeper
from carewire_dispatcher.adapters.attempter import Attempter
from carewire_dispatcher.adapters.committer import COMMIT_EVERY_S, PURGE_EVERY_S, Committer, purge
from carewire_dispatcher.adapters.consumers import (
    lanes_group,
    sources,
    wheel_consumer,
    wheel_group,
)
from carewire_dispatcher.adapters.delivery_writer import DeliveryWriter
from carewire_dispatcher.adapters.health_record import left_behind
from carewire_dispatcher.adapters.hindsight import look_back
from carewire_dispatcher.adapters.instants import millis
from carewire_dispatcher.adapters.mill import Mill
from carewire_dispatcher.adapters.pulse import Pulse
from carewire_dispatcher.adapters.pump import LANE_DRAINING, WHEEL_DRAINING, Pump
from carewire_dispatcher.adapters.sender import Sender
from carewire_dispatcher.adapters.source import Source
from carewire_dispatcher.domain.breaker import CLOSED, Breaker
from carewire_dispatcher.domain.endpoint import Endpoint
from carewire_dispatcher.domain.policy import Policy
from carewire_dispatcher.domain.supersession import Claim, Claims
from carewire_runtime.clock import Clock
from carewire_runtime.errors import KafkaUnavailable
from carewire_runtime.kafka.admin import committed
from carewire_runtime.kafka.background import TAKEN_WITHIN_S, fetch_after_taking, rest_while_idle
from carewire_runtime.kafka.dead_letters import DeadLetters
from carewire_runtime.kafka.producer import Producer
from carewire_runtime.kafka.records import record_of
from carewire_runtime.kafka.table import CompactedTable
from carewire_runtime.kafka.translation import translating
from carewire_runtime.telemetry import metrics
from carewire_runtime.telemetry.logs import logger

REVOKE_DEADLINE_S: Final = 3.0
"""How long attempts under way may still take when partitions are revoked: meanwhile the whole group waits.
What is cut off is repeated by the next owner, with the same id and bytes."""

_COMMIT_DEADLINE_S: Final = 3.0

_log = logger("worker")


@dataclass(frozen=True, slots=True)
class Means:
    """What every tenure of a worker works with."""

    bootstrap: str
    topics: Topics
    producer: Producer
    sender: Sender
    answers: AnswerKeeper
    endpoints: CompactedTable[Endpoint]
    health: CompactedTable[Breaker]
    repairs: CompactedTable[Claim]
    claims: Claims
    time_scale: float
    clock: Clock


class Tenure:
    """The work on some partition numbers. To be opened once and closed once."""

    def __init__(self, means: Means, lane: AIOKafkaConsumer, numbers: Iterable[int], pulse: Pulse) -> None:
        clock, policy = means.clock, Policy.scaled(means.time_scale)
        self._means = means
        self._lane = lane
        self._wheel: AIOKafkaConsumer | None = None
        self._lane_sources, self._tier_sources = sources(means.topics, numbers, policy.wheel)
        self._letters = DeadLetters(means.producer, means.topics.dispatcher_dead.name, clock)
        self._writer = DeliveryWriter(means.producer, means.topics, pulse, clock)
        self._mill = Mill(
            means.endpoints.get,
            means.health.get,
            Attempter(means.sender, policy.schedule, clock, pulse, means.answers),
            self._writer,
            policy,
            clock,
            self._bury,
            means.claims.supersede,
        )
        self._pulse = pulse
        self._counted = 0
        self._committers: list[Committer] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._unwatch: list[Any] = []
        self.failed: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()

    async def open(self) -> None:
        """Restore positions and begin to work. Raises KafkaError; may be called again then."""
        await self._restore(lanes_group(self._means.topics), self._lane_sources)
        await self._restore(wheel_group(self._means.topics), self._tier_sources)
        await look_back(self._means.bootstrap, [*self._lane_sources, *self._tier_sources], self._mill.copies)
        clock = self._means.clock
        self._wheel = await self._start_wheel()
        self._seek(self._lane, self._lane_sources)
        self._seek(self._wheel, self._tier_sources)
        self._committers = [
            Committer(self._lane, self._lane_sources, clock),
            Committer(self._wheel, self._tier_sources, clock),
        ]
        for failed in (self._mill.failed, self._writer.failed):
            failed.add_done_callback(lambda failed: self._fail(failed.result()))
        self._watch()
        mill = self._mill
        self._start(mill.run())
        # From here on what is fetched is taken at once, and partitions that are held back keep nobody waiting.
        fetch_after_taking(self._lane, TAKEN_WITHIN_S)
        lane = Pump(self._lane, self._lane_sources, mill, clock, LANE_DRAINING)
        wheel = Pump(self._wheel, self._tier_sources, mill, clock, WHEEL_DRAINING)
        self._start(lane.run())
        self._start(wheel.run())
        self._start(self._commit_for_ever())
        self._start(self._purge_for_ever())

    async def close(self, *, commit: bool = True) -> None:
        """Stop: let attempts under way end, commit, let the wheel go. Never raises; safe to repeat."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._mill.drain(REVOKE_DEADLINE_S if commit else 0)
        self._writer.close()
        for unwatch in self._unwatch:
            unwatch()
        self._unwatch = []
        if commit:
            await self._commit_at_last()
        self._committers = []
        wheel, self._wheel = self._wheel, None
        if wheel is not None:
            await wheel.stop()

    async def _restore(self, group: str, restored: Iterable[Source]) -> None:
        positions = await committed(self._means.bootstrap, group)
        for source in restored:
            position = positions.get((source.place.topic, source.place.partition))
            if position is not None:
                source.restore(*position)

    async def _start_wheel(self) -> AIOKafkaConsumer:
        places = [source.place for source in self._tier_sources]
        consumer = wheel_consumer(self._means.bootstrap, self._means.topics, places)
        try:
            with translating():
                await consumer.start()
        except BaseException:
            await consumer.stop()
            raise
        rest_while_idle(consumer)
        fetch_after_taking(consumer, 2 * WHEEL_DRAINING.tick_s)
        return consumer

    @staticmethod
    def _seek(consumer: AIOKafkaConsumer, sought: Iterable[Source]) -> None:
        for source in sought:
            if source.committed is not None:
                consumer.seek(source.place, source.committed[0])

    def _watch(self) -> None:
        clock, mill = self._means.clock, self._mill
        self._unwatch.append(metrics.DELIVERIES_IN_FLIGHT.watch(lambda: mill.in_flight))
        self._unwatch.append(metrics.OPEN_BREAKERS.watch(lambda: mill.open_breakers))
        for lane in LANES:

            def oldest(lane: Lane = lane) -> float | None:
                return mill.oldest_due(lane, millis(clock))

            self._unwatch.append(metrics.OLDEST_DUE.watch(oldest, lane=lane))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        if not self.failed.done():
            self.failed.set_result(error)

    async def _commit_for_ever(self) -> None:
        while True:
            await self._means.clock.sleep(COMMIT_EVERY_S)
            self._pulse.check()
            self._letters.limit.good(self._mill.read - self._counted)
            self._counted = self._mill.read
            try:
                for committer in self._committers:
                    await committer.commit()
            except KafkaUnavailable as error:
                _log.warning("commit_put_off", error=error)

    async def _commit_at_last(self) -> None:
        try:
            self._pulse.check()
            async with asyncio.timeout(_COMMIT_DEADLINE_S):
                for committer in self._committers:
                    await committer.commit()
        except Exception as error:  # noqa: BLE001  what isn't committed is repeated; the end must go on
            _log.warning("last_commit_failed", error=error)

    async def _purge_for_ever(self) -> None:
        while True:
            await self._forget_breakers()
            await self._means.clock.sleep(PURGE_EVERY_S)
            self._pulse.check()
            await purge(self._means.bootstrap, [*self._lane_sources, *self._tier_sources])

    async def _forget_breakers(self) -> None:
        means = self._means
        for key in left_behind([key for key, _ in means.health.items()], means.endpoints.get):
            await self._writer.tell_health(key, CLOSED)

    async def _bury(self, record: Any, reason: str) -> None:
        await self._letters.send(record_of(record), reason)
        # Said and not raised: this record is set aside and is to be committed as such.
        if self._letters.limit.exceeded is not None:
            self._fail(self._letters.limit.exceeded)
