"""Writes to Kafka many records at a time: handed over one by one, each costs four times as much.

Whoever hands a record over leaves word of what is to be done once Kafka has it, and waits for nothing: a task for each
would cost more than the writing.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Generic, TypeVar

from carewire_contracts.envelope import Headers
from carewire_contracts.record import record
from carewire_dispatcher.adapters.pulse import Pulse
from carewire_runtime.clock import Clock
from carewire_runtime.kafka.producer import Producer
from carewire_runtime.retry import retry_in_place

TOLD_AT_ONCE: Final = 25
"""Records of a batch whose writers hear of it in a turn of the event loop: what they do then takes a millisecond."""

T = TypeVar("T")

Then = Callable[[], None]
"""What is done once Kafka has a record. Never raises."""


@record()
class Outgoing:
    """A record to write, to the partition of its key."""

    topic: str
    key: bytes
    value: bytes
    headers: Headers


class GatheringWriter(Generic[T]):
    """Writes on behalf of one tenure; refuses once the session is lost. To be closed when the tenure ends.

    What is handed over waits `gather_s` for others; then `record_of` makes a record of each: all at once, which takes
    half as long as each at its own time, between other work. `what` is what they are called where writing is tried
    again. `failed` is called with what trying again cannot help; nothing is written any more then.
    """

    def __init__(
        self,
        producer: Producer,
        record_of: Callable[[T], Outgoing],
        what: str,
        gather_s: float,
        pulse: Pulse,
        clock: Clock,
        failed: Callable[[BaseException], None],
    ) -> None:
        self._producer: Final = producer
        self._record_of: Final = record_of
        self._what: Final = what
        self._gather_s: Final = gather_s
        self._pulse: Final = pulse
        self._clock: Final = clock
        self._failed: Final = failed
        self._gathered: list[T] = []
        self._thens: list[Then] = []
        self._writing: asyncio.Task[None] | None = None

    def write(self, one: T, then: Then) -> None:
        """Write its record, however long Kafka is away; `then` is called once Kafka has it."""
        self._gathered.append(one)
        self._thens.append(then)
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())
            self._writing.add_done_callback(self._ended)

    def close(self) -> None:
        """Give up what is not written yet, and call nobody any more."""
        if self._writing is not None:
            self._writing.cancel()

    async def _write_all(self) -> None:
        while self._gathered:
            await self._clock.sleep(self._gather_s)
            gathered, self._gathered = self._gathered, []
            thens, self._thens = self._thens, []
            records = [self._record_of(one) for one in gathered]
            await retry_in_place(partial(self._send, records), self._clock, what=self._what)
            await _tell(thens)
        self._writing = None

    async def _send(self, records: Sequence[Outgoing]) -> None:
        self._pulse.check()
        # The futures of a batch are one: each is waited for once.
        await asyncio.gather(*set(await self._producer.enqueue_all(records)))

    def _ended(self, writing: asyncio.Task[None]) -> None:
        # The task stays where it is, so nothing is gathered for another one.
        if not writing.cancelled() and (error := writing.exception()) is not None:
            self._failed(error)


async def _tell(thens: Sequence[Then]) -> None:
    for number, then in enumerate(thens, start=1):
        then()
        if number % TOLD_AT_ONCE == 0:
            await asyncio.sleep(0)
