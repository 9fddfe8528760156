"""Components that outlive their producer.

Elsewhere a producer that failed for good ends the process. Ingress has calls to receive meanwhile, so what
depends on that producer is made anew together with it, and goes on where Postgres and Kafka say it was.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from carewire_runtime.clock import Clock
from carewire_runtime.errors import ProducerFatal
from carewire_runtime.kafka.producer import Producer
from carewire_runtime.process import Component
from carewire_runtime.retry import retry_in_place
from carewire_runtime.telemetry.logs import logger

C = TypeVar("C", bound=Component)

_log = logger("lasting")


class Lasting(Generic[C]):
    """Runs what `make` makes of a producer, again with another one whenever that fails for good."""

    def __init__(
        self, name: str, make_producer: Callable[[], Producer], make: Callable[[Producer], C], clock: Clock
    ) -> None:
        self.name = name
        self._make_producer = make_producer
        self._make = make
        self._clock = clock
        self.current: C | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Run until asked to stop. Raises what the component raises, but for ProducerFatal."""
        while not stop.is_set():
            producer = self._make_producer()
            try:
                await _unless(stop, retry_in_place(producer.start, self._clock, what="start_producer"))
                self.current = self._make(producer)
                await self.current.run(stop)
            except ProducerFatal as error:
                _log.error("producer_replaced", component=self.name, error=error)
            finally:
                self.current = None
                await producer.stop()


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
    """Wait for some work, or break it off when asked to stop."""
    working, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([working, stopping], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (working, stopping):
            task.cancel()
        await asyncio.gather(working, stopping, return_exceptions=True)
    if not working.cancelled():
        working.result()
