"""Tells the attempt log, many entries at a time: handed over one by one, each costs four times as much."""

import asyncio
from collections.abc import Sequence
from typing import Final

from carewire_contracts.envelope import Headers
from carewire_contracts.record import record
from carewire_dispatcher.adapters.pulse import Pulse
from carewire_dispatcher.domain.log_entry import LogEntry
from carewire_runtime.clock import Clock
from carewire_runtime.kafka.producer import Producer
from carewire_runtime.retry import retry_in_place

GATHER_S: Final = 0.05
"""How long entries wait for others. Nobody waits for them but the commit, which comes twice a second."""

_JSON: Final[Headers] = [("content-type", b"application/json")]


@record()
class _Outgoing:
    topic: str
    key: bytes
    value: bytes
    headers: Headers


class EntryWriter:
    """Writes on behalf of one tenure; refuses once the session is lost. To be closed when the tenure ends."""

    def __init__(self, producer: Producer, topic: str, pulse: Pulse, clock: Clock) -> None:
        self._producer = producer
        self._topic = topic
        self._pulse = pulse
        self._clock = clock
        self._gathered: list[_Outgoing] = []
        self._waiting: list[asyncio.Future[None]] = []
        self._writing: asyncio.Task[None] | None = None

    async def write(self, entry: LogEntry) -> None:
        """Return once Kafka has the entry, however long it is away. Raises what trying again cannot help."""
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._gathered.append(_Outgoing(self._topic, entry.endpoint_id.encode(), entry.encode(), _JSON))
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
            await self._clock.sleep(GATHER_S)
            entries, self._gathered = self._gathered, []
            waiting, self._waiting = self._waiting, []
            await self._write_some(entries, waiting)
        self._writing = None

    async def _write_some(self, entries: Sequence[_Outgoing], waiting: Sequence[asyncio.Future[None]]) -> None:
        try:
            await retry_in_place(lambda: self._send(entries), self._clock, what="write_attempts")
        except Exception as error:  # noqa: BLE001  handed to those who wait
            for written in waiting:
                if not written.done():
                    written.set_exception(error)
        else:
            for written in waiting:
                if not written.done():
                    written.set_result(None)

    async def _send(self, entries: Sequence[_Outgoing]) -> None:
        self._pulse.check()
        # The futures of a batch are one: each is waited for once.
        await asyncio.gather(*set(await self._producer.enqueue_all(entries)))
