"""Domain events as the orchestrator tells them, on their topic: the catalogue's example, of any care flow."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from carewire_contracts.envelope import Envelope, Headers
from carewire_contracts.event_catalogue import EVENT_CATALOGUE
from carewire_contracts.topics import Topics
from carewire_runtime.ids import new_id
from carewire_runtime.kafka.producer import Producer

EVENT_TYPE: Final = "pathway.completed"
_CHUNK: Final = 1_000
_TICK_S: Final = 0.01


@dataclass(frozen=True, slots=True)
class Told:
    """One event as a record."""

    id: str
    topic: str
    key: bytes
    value: bytes
    headers: Headers


class Teller:
    """Tells of care flows that are completed. `told` has the moment of each event by its id, by the loop's clock."""

    def __init__(self, producer: Producer, topics: Topics) -> None:
        self.told: dict[str, float] = {}
        self._producer = producer
        self._topic = topics.events.name
        self._example = orjson.loads(EVENT_CATALOGUE[EVENT_TYPE].example)
        self._loop = asyncio.get_running_loop()

    async def at_once(self, count: int, definition_of: Callable[[int], str]) -> None:
        """Tell of many as fast as Kafka takes them."""
        for begin in range(0, count, _CHUNK):
            await self._send([definition_of(number) for number in range(begin, min(count, begin + _CHUNK))])

    async def steadily(self, rate: float, seconds: float, definition_of: Callable[[int], str]) -> None:
        """Tell of so many a second, each in its turn, however long earlier ones take."""
        began, sending = self._loop.time(), list[asyncio.Task[None]]()
        for batch in _batches(int(rate * seconds), max(1, int(rate * _TICK_S))):
            await asyncio.sleep(began + batch[0] / rate - self._loop.time())
            sending.append(asyncio.create_task(self._send([definition_of(number) for number in batch])))
        await asyncio.gather(*sending)

    def event(self, definition_id: str) -> Told:
        """Make one event."""
        event_id = new_id()
        pathway: dict[str, Any] = {
            **self._example["pathway"],
            "id": event_id,
            "pathway_definition_id": definition_id,
        }
        body = orjson.dumps({**self._example, "pathway": pathway})
        headers = Envelope(event_id, EVENT_TYPE, "orchestrator", datetime.now(UTC)).headers()
        return Told(event_id, self._topic, event_id.encode(), body, headers)

    async def _send(self, definition_ids: list[str]) -> None:
        events = [self.event(definition_id) for definition_id in definition_ids]
        now = self._loop.time()
        self.told.update((event.id, now) for event in events)
        # The futures of a batch are one: each is waited for once.
        await asyncio.gather(*set(await self._producer.enqueue_all(events)))


def _batches(count: int, size: int) -> Iterator[range]:
    return (range(begin, min(count, begin + size)) for begin in range(0, count, size))


@asynccontextmanager
async def telling(bootstrap: str, topics: Topics) -> AsyncIterator[Teller]:
    """Tell by a producer of its own."""
    producer = Producer(bootstrap, "teller")
    await producer.start()
    try:
        yield Teller(producer, topics)
    finally:
        await producer.stop()
