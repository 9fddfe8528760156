"""Moves fetched records into the buffers of their sources at once, and holds back partitions that are full."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer

from carewire_contracts.record import record
from carewire_dispatcher.adapters.consumers import LANE_WAIT_MS, WHEEL_WAIT_MS
from carewire_dispatcher.adapters.mill import Mill
from carewire_dispatcher.adapters.source import DRAIN_RECORDS, Source
from carewire_runtime.clock import Clock
from carewire_runtime.kafka.background import fetch_within
from carewire_runtime.kafka.translation import translating

_EMPTY_POLL_MS: Final = 60_000
_POLL_MS: Final = 1_000
"""How soon the broker is asked more rarely once all buffers are empty."""
_HASTE_MS: Final = 500
"""How long the broker may hold a fetch while something is buffered."""


@record()
class Draining:
    """How a consumer is drained.

    `tick_s` passes after a drain that brought something. While nothing comes the broker may hold a fetch for
    `patience_ms`, but only for half a second while something is buffered; then it may gather `gathers` bytes. A
    partition that is held back may be let go at any moment: that is looked at each `look_ms`, and only the next fetch
    asks for it, so that meanwhile none may take longer than `held_back_ms`.
    """

    tick_s: float
    patience_ms: int
    look_ms: int
    held_back_ms: int
    gathers: int = 1


LANE_DRAINING: Final = Draining(tick_s=0.004, patience_ms=LANE_WAIT_MS, look_ms=10, held_back_ms=25)
"""In a tick batches form: a fetch cycle costs 0.3-0.5 ms whatever it brings. A partition is held back for as long as
its worker needs for what it has: some 40 ms."""
WHEEL_DRAINING: Final = Draining(
    tick_s=0.2, patience_ms=WHEEL_WAIT_MS, look_ms=100, held_back_ms=_HASTE_MS, gathers=64 * 1024
)
"""The wheel is drained a few times a second: what comes from it is due in seconds, not in milliseconds. So the broker
gathers for it while others wait in it already: an answer over the 16 partitions of each partition number costs
milliseconds, and some of them are held back at any time."""


class Pump:
    """Drains one consumer into its sources until it is cancelled."""

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        sources: Iterable[Source],
        mill: Mill,
        clock: Clock,
        draining: Draining,
    ) -> None:
        self._consumer = consumer
        self._sources = {source.place: source for source in sources}
        self._mill = mill
        self._clock = clock
        self._draining = draining
        self._paused: list[Source] = []

    async def run(self) -> None:
        """Drain for ever."""
        while True:
            self._resume()
            with translating():
                fetched = await self._consumer.getmany(timeout_ms=self._set_pace(), max_records=DRAIN_RECORDS)
            for place, records in fetched.items():
                self._fill(self._sources[place], records)
            if fetched:
                # Before anything else runs: the next fetch leaves now.
                self._hasten()
                await self._clock.sleep(self._draining.tick_s)

    def _set_pace(self) -> int:
        """Choose how long the broker may hold a fetch, and return how long to wait for records."""
        if all(source.is_empty for source in self._sources.values()):
            fetch_within(self._consumer, self._draining.patience_ms)
            return _EMPTY_POLL_MS
        self._hasten()
        return self._draining.look_ms if self._paused else _POLL_MS

    def _hasten(self) -> None:
        haste_ms = self._draining.held_back_ms if self._paused else _HASTE_MS
        fetch_within(self._consumer, haste_ms, self._draining.gathers)

    def _fill(self, source: Source, records: Sequence[Any]) -> None:
        unfit = source.put(records)
        if unfit is not None:
            self._consumer.seek(source.place, unfit)
        if source.full:
            self._consumer.pause(source.place)
            self._paused.append(source)
        self._mill.offer(source)

    def _resume(self) -> None:
        for source in [source for source in self._paused if source.wants_more]:
            self._consumer.resume(source.place)
            self._paused.remove(source)
