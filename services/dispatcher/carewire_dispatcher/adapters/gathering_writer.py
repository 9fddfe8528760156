"""Writes to Kafka many records at a time: handed over one by one, each costs four times as much."""

import asyncio
from collections.abc import Sequence
from typing import Final

from carewire_contracts.envelope import Headers
from carewire_contracts.record import record
from carewire_dispatcher.adapters.pulse import Pulse
from carewire_runtime.clock import Clock
from carewire_runtime.kafka.producer import Producer
from carewire_runtime.retry import retry_in_place


@record()
class Outgoing:
    """A record to write, to the partition of its key."""

    topic: str
    key: bytes
    value: bytes
    headers: Headers


class GatheringWriter:
    """Writes on behalf of one tenure; refuses once the session is lost. To be closed when the tenure ends.

    A record waits `gather_s` for others; `what` is what they are called where writing is tried again.
    """

    def __init__(self, producer: Producer, what: str, gather_s: float, pulse: Pulse, clock: Clock) -> None:
        self._producer: Final = producer
        self._what: Final = what
        self._gather_s: Final = gather_s
        self._pulse: Final = pulse
        self._clock: Final = clock
        self._gathered: list[Outgoing] = []
        self._waiting: list[asyncio.Future[None]] = []
        self._writing: asyncio.Task[None] | None = None

    async def write(self, outgoing: Outgoing) -> None:
        """Return once Kafka has the record, however long it is away. Raises what trying again cannot help."""
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._gathered.append(outgoing)
        self._waiting.append(written)
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())
        await written

    def close(self) -> None:
        """Give up what is not written yet: whoever waited for it is gone."""
        if self._writing is not None:
            self._writing.cancel()

    async def _write_all(self) -> None:
        while self._gathered:
            await self._clock.sleep(self._gather_s)
            records, self._gathered = self._gathered, []
            waiting, self._waiting = self._waiting, []
            await self._write_some(records, waiting)
        self._writing = None

    async def _write_some(self, records: Sequence[Outgoing], waiting: Sequence[asyncio.Future[None]]) -> None:
        try:
            await retry_in_place(lambda: self._send(records), self._clock, what=self._what)
        except Exception as error:  # noqa: BLE001  handed to those who wait
            for written in waiting:
                if not written.done():
                    written.set_exception(error)
        else:
            for written in waiting:
                if not written.done():
                    written.set_result(None)

    async def _send(self, records: Sequence[Outgoing]) -> None:
        self._pulse.check()
        # The futures of a batch are one: each is waited for once.
        await asyncio.gather(*set(await self._producer.enqueue_all(records)))
