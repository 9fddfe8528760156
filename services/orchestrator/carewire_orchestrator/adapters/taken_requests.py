"""That requests are scheduled and processed: told with how they end, or ahead where that takes long."""

import asyncio
from collections.abc import Sequence
from typing import Final

from carewire_orchestrator.adapters.outbox_records import Publishing
from carewire_orchestrator.domain.request_statuses import taken
from carewire_orchestrator.domain.starting import Call
from carewire_runtime.clock import Clock
from carewire_runtime.kafka.producer import Producer
from carewire_runtime.postgres.outbox import OutboxRecord
from carewire_runtime.retry import retry_in_place

_PATIENCE_S: Final = 0.5
"""Somebody who looks at a request hardly sees a difference, and no batch waits longer for its locks while all is well.
Telling all ahead would cost each batch a request to Kafka of its own: of a lone one's CPU a sixth here and a third
there, and that just when a machine is short of it. After 0.1 s it did so on each machine that was busy."""
_PATIENCE_WITH_END_S: Final = 1.0
"""Once it is written with the end, only the commit is waited for: what is told ahead then will be told again."""


class TakenRequests:
    """The requests of one batch. What is told of them has the same id each time: a repeat is recognised by it."""

    def __init__(self, calls: Sequence[Call], publishing: Publishing, producer: Producer, clock: Clock) -> None:
        self._calls = calls
        self._publishing = publishing
        self._producer = producer
        self._clock = clock
        self._now = clock.now()
        self._tell_at = clock.monotonic() + _PATIENCE_S
        self.told_ahead = False

    def still_to_tell(self, call: Call) -> list[OutboxRecord]:
        """What is to be told together with the end of a request."""
        if self.told_ahead:
            return []
        self._tell_at = self._clock.monotonic() + _PATIENCE_WITH_END_S
        return self._statuses(call)

    async def tell_if_it_takes_long(self) -> None:
        """Wait a moment, then tell; to be cancelled until it does. Raises what does not pass by itself."""
        while (left := self._tell_at - self._clock.monotonic()) > 0:
            await self._clock.sleep(left)
        self.told_ahead = True
        await retry_in_place(self._tell, self._clock, what="tell_taken")

    async def _tell(self) -> None:
        records = [record for call in self._calls for record in self._statuses(call)]
        await asyncio.gather(*set(await self._producer.enqueue_all(records)))

    def _statuses(self, call: Call) -> list[OutboxRecord]:
        request = call.request
        told = taken(request, call.appended_at, self._now)
        return self._publishing.request_statuses(request.request_id, told, self._now, call.traceparent)
