"""Taking batches from a consumer at a pace.

Gathering is the broker's: it is asked to hold a fetch on. The driver fetches nothing more while records that it has
fetched are not taken, so whoever gathered here would find the first one alone, and the others a batch later.
"""

from itertools import chain
from typing import Any, Final

from aiokafka import AIOKafkaConsumer

from carewire_runtime.clock import Clock
from carewire_runtime.kafka.background import fetch_within
from carewire_runtime.kafka.pace import Flow, Pace

_POLL_MS: Final = 60_000
"""How long one poll of the driver lasts when nothing comes. Records, and a stop, end it at once."""
_GATHERED_BYTES: Final = 64 * 1024
"""At which the broker stops gathering: a hundred records and more, whose batch costs next to nothing each."""


class Taking:
    """Takes the batches of one consumer."""

    def __init__(self, pace: Pace, max_records: int, clock: Clock) -> None:
        self._pace = pace
        self._max_records = max_records
        self._clock = clock
        self._next_take = 0.0
        self._flow = Flow()
        self._gathers = False

    async def take(self, consumer: AIOKafkaConsumer) -> tuple[Any, ...]:
        """Wait for records, but not for long enough to delay any for nothing. Nothing may come of one wait."""
        early = self._next_take - self._clock.monotonic()
        if early > 0:
            await self._clock.sleep(early)
        # What is gathered is there after twice the time at the latest: else nothing comes any more.
        patience = 2 * self._pace.gather_ms if self._gathers else _POLL_MS
        fetched = await consumer.getmany(timeout_ms=patience, max_records=self._max_records)
        records = tuple(chain.from_iterable(fetched.values()))
        # Before anything else runs: the next fetch leaves now, to be under way while this batch is at work.
        self._hold_fetches(consumer, records)
        return records

    def _hold_fetches(self, consumer: AIOKafkaConsumer, records: tuple[Any, ...]) -> None:
        now, pace = self._clock.monotonic(), self._pace
        self._next_take = now + pace.tick_s
        # What was appended at one moment is fetched together anyway: a dozen events of one start are as one.
        self._flow.took(len({record.timestamp for record in records}), now)
        self._gathers = bool(records) and self._flow.is_worth_gathering(pace, now)
        if self._gathers:
            fetch_within(consumer, pace.gather_ms, _GATHERED_BYTES)
        elif pace.gather_ms:
            fetch_within(consumer, pace.max_wait_ms, pace.min_bytes)
