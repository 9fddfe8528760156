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


@dataclass(frozen=True, slots=True)
class Moment:
    """When an event was told, by the event loop's clock, and of which definition's care flow."""

    at: float
    definition_id: str


class Teller:
    """Tells of care flows that are completed. `told` has the moment of each event by its id."""

    def __init__(self, producer: Producer, topics: Topics) -> None:
        self.told: dict[str, Moment] = {}
        self._producer = producer
        self._topic = topics.events.name
        self._example = orjson.loads(EVENT_CATALOGUE[EVENT_TYPE].example)
        self._loop = asyncio.get_running_loop()

    async def at_once(self, count: int, definition_of: Callable[[int], str]) -> None:
        """Tell of many as fast as Kafka takes them."""
        for begin in range(0, count, _CHUNK):
            await self._send_many([definition_of(number) for number in range(begin, min(count, begin + _CHUNK))])

    async def steadily(self, rate: float, seconds: float, definition_of: Callable[[int], str]) -> None:
        """Tell of so many a second, each in its turn, however long earlier ones take."""
        began, sending = self._loop.time(), list[asyncio.Task[None]]()
        for batch in _batches(int(rate * seconds), max(1, int(rate * _TICK_S))):
            await asyncio.sleep(began + batch[0] / rate - self._loop.time())
            sending += [asyncio.create_task(self._send_one(definition_of(number))) for number in batch]
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

    async def _send_one(self, definition_id: str) -> None:
        # One by one: handed over together, each lot would be a batch of its own that waits for the one before.
        event = self._noted(definition_id)
        await self._producer.send(event.topic, key=event.key, value=event.value, headers=event.headers)

    async def _send_many(self, definition_ids: list[str]) -> None:
        events = [self._noted(definition_id) for definition_id in definition_ids]
        # The futures of a batch are one: each is waited for once.
        await asyncio.gather(*set(await self._producer.enqueue_all(events)))

    def _noted(self, definition_id: str) -> Told:
        event = self.event(definition_id)
        self.told[event.id] = Moment(self._loop.time(), definition_id)
        return event


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
