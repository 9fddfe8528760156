"""Moves fetched records into the buffers of their sources at once, and holds back partitions that are full."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer

from carewire_dispatcher.adapters.mill import Mill
from carewire_dispatcher.adapters.source import Source
from carewire_runtime.clock import Clock
from carewire_runtime.kafka.background import fetch_within
from carewire_runtime.kafka.translation import translating

LANE_TICK_S: Final = 0.004
"""After a drain that brought something, so that batches form: a fetch cycle costs 0.3-0.5 ms whatever it brings."""
WHEEL_TICK_S: Final = 0.2
"""The wheel is drained a few times a second: what comes from it is due in seconds, not in milliseconds."""

WHEEL_GATHERS: Final = 64 * 1024
"""Bytes that the broker gathers for the wheel, for half a second at most, while others wait in it already: what comes
is due in seconds, and an answer over the 16 partitions of each partition number costs milliseconds."""

_MAX_RECORDS: Final = 1000
_EMPTY_POLL_MS: Final = 60_000
_POLL_MS: Final = 1_000
"""How soon the broker is asked more rarely once all buffers are empty."""
_PAUSED_POLL_MS: Final = 100
"""How soon a held-back partition is looked at again."""
_HASTE_MS: Final = 500
"""A partition that is held back may be let go at any moment, but is asked for only by the next fetch: while there
is any to be held back, no fetch may take long."""


class Pump:
    """Drains one consumer into its sources until it is cancelled.

    `tick_s` passes after a drain that brought something. The broker may hold a fetch for `patience_ms` while nothing
    comes and nothing is buffered; while something is, it may gather `gathers` bytes for half a second.
    """

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        sources: Iterable[Source],
        mill: Mill,
        clock: Clock,
        *,
        tick_s: float,
        patience_ms: int,
        gathers: int = 1,
    ) -> None:
        self._consumer = consumer
        self._sources = {source.place: source for source in sources}
        self._mill = mill
        self._tick_s = tick_s
        self._clock = clock
        self._patience_ms = patience_ms
        self._gathers = gathers
        self._paused: list[Source] = []

    async def run(self) -> None:
        """Drain for ever."""
        while True:
            self._resume()
            with translating():
                fetched = await self._consumer.getmany(timeout_ms=self._pace(), max_records=_MAX_RECORDS)
            for place, records in fetched.items():
                self._fill(self._sources[place], records)
            if fetched:
                # Before anything else runs: the next fetch leaves now.
                self._hasten()
                await self._clock.sleep(self._tick_s)

    def _pace(self) -> int:
        """Choose how long the broker may hold a fetch, and return how long to wait for records."""
        if all(source.is_empty for source in self._sources.values()):
            fetch_within(self._consumer, self._patience_ms)
            return _EMPTY_POLL_MS
        self._hasten()
        return _PAUSED_POLL_MS if self._paused else _POLL_MS

    def _hasten(self) -> None:
        fetch_within(self._consumer, min(_HASTE_MS, self._patience_ms), self._gathers)

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
