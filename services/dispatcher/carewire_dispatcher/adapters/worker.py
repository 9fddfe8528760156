"""The worker: joins the group, and has a tenure for as long as an assignment lasts."""

import asyncio
from collections.abc import Iterable
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition

from carewire_dispatcher.adapters.consumers import HEARTBEAT_S, SESSION_TIMEOUT_S, lane_consumer, subscribe_lanes
from carewire_dispatcher.adapters.pulse import Pulse
from carewire_dispatcher.adapters.tenure import Means, Tenure
from carewire_dispatcher.errors import SessionLost
from carewire_runtime.errors import TooManyPoison
from carewire_runtime.kafka.background import fetch_after_taking, let_fetches_go, rest_while_idle
from carewire_runtime.kafka.translation import translating
from carewire_runtime.retry import retry_in_place
from carewire_runtime.telemetry.logs import logger

TRUSTED_S: Final = SESSION_TIMEOUT_S - HEARTBEAT_S
"""How long the loop may stand still with its partitions still ours for certain: the session began to run at the last
heartbeat, which may have been as old as that when the loop stopped."""

_OPENED_WITHIN_S: Final = 60.0
"""How long fetching waits for a tenure to be opened: that takes seconds where much was written before."""

_log: Final = logger("worker")


class Worker:
    """A component. Ends with the fault of its tenure; after a lost session it joins anew.

    When too much was poison it leaves the group, and only says so until it is stopped.
    """

    name = "worker"

    def __init__(self, means: Means) -> None:
        self._means = means
        self._membership: _Membership | None = None
        self._exceeded: TooManyPoison | None = None

    def not_ready(self) -> str | None:
        """Return why nothing is delivered, for a readiness check."""
        if self._exceeded is not None:
            return str(self._exceeded)
        joined = self._membership is not None and self._membership.joined
        return None if joined else "the group of workers is not joined yet"

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until `stop` is set. Raises what ends the process, with what was not finished not committed."""
        stopping = asyncio.create_task(stop.wait())
        try:
            await self._tables_loaded(stopping)
            while not stopping.done():
                try:
                    await self._be_member(stopping)
                except SessionLost as error:
                    _log.warning("session_lost", error=error)
        except TooManyPoison as error:
            self._exceeded = error
            _log.error("delivering_ended", error=error)
            await stopping
        finally:
            stopping.cancel()
            await asyncio.gather(stopping, return_exceptions=True)

    async def _tables_loaded(self, stopping: asyncio.Task[bool]) -> None:
        means = self._means
        loaded = asyncio.gather(means.endpoints.ready(), means.health.ready(), means.repairs.ready())
        ends: list[asyncio.Future[Any]] = [loaded, stopping]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        loaded.cancel()
        await asyncio.gather(loaded, return_exceptions=True)

    async def _be_member(self, stopping: asyncio.Task[bool]) -> None:
        membership = await retry_in_place(self._join, self._means.clock, what="join_workers")
        self._membership = membership
        beating = asyncio.create_task(membership.pulse.run())
        lost = False
        try:
            ends: list[asyncio.Future[Any]] = [
                stopping,
                beating,
                membership.failed,
                self._means.producer.failed,
            ]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            fault = membership.fault or (beating.exception() if beating.done() else None)
            if self._means.producer.failed.done():
                fault = self._means.producer.failed.result()
            lost = isinstance(fault, SessionLost)
            if fault is not None:
                raise fault
        finally:
            self._membership = None
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)
            await membership.leave(commit=not lost)

    async def _join(self) -> "_Membership":
        membership = _Membership(self._means)
        try:
            with translating():
                await membership.consumer.start()
        except BaseException:
            await membership.consumer.stop()
            raise
        rest_while_idle(membership.consumer)
        subscribe_lanes(membership.consumer, self._means.topics, membership)
        return membership


class _Membership(ConsumerRebalanceListener):  # type: ignore[misc]
    """One membership of the group, over all its assignments."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self.pulse = Pulse(means.clock, TRUSTED_S)
        self.consumer: AIOKafkaConsumer = lane_consumer(means.bootstrap, means.topics)
        self.tenure: Tenure | None = None
        self.joined = False
        self._leaving = False
        self.failed: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()

    @property
    def fault(self) -> BaseException | None:
        """What ended the membership, if anything did."""
        return self.failed.result() if self.failed.done() else None

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:  # noqa: ARG002
        """Give all up in order; the group waits meanwhile."""
        tenure, self.tenure = self.tenure, None
        if tenure is not None:
            await tenure.close()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Begin a tenure. The driver swallows what a listener raises, so a fault goes the other way."""
        # What is fetched before there is a tenure to take it waits for it, and so does its partition.
        fetch_after_taking(self.consumer, _OPENED_WITHIN_S)
        let_fetches_go(self.consumer)
        numbers = {place.partition for place in assigned}
        _log.info("partitions_assigned", partitions=len(numbers))
        if not numbers:
            self.joined = True
            return
        if self._leaving:
            return
        tenure = Tenure(self._means, self.consumer, numbers, self.pulse)
        tenure.failed.add_done_callback(lambda failed: self._fail(failed.result()))
        self.tenure = tenure
        try:
            await retry_in_place(tenure.open, self._means.clock, what="open_tenure")
            self.joined = True
        except Exception as error:  # noqa: BLE001  handed to the worker, which ends by it
            self._fail(error)

    async def leave(self, *, commit: bool) -> None:
        """End the tenure and leave the group. None begins any more, also in a rebalance that is under way."""
        self._leaving = True
        tenure, self.tenure = self.tenure, None
        if tenure is not None:
            await tenure.close(commit=commit)
        await self.consumer.stop()
        if tenure is not None:
            # The rebalance that ended just now may have been opening it.
            await tenure.close(commit=False)

    def _fail(self, error: BaseException) -> None:
        if not self.failed.done():
            self.failed.set_result(error)
