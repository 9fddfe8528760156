"""Records of one moment go to Kafka in one batch.

Handed over one by one, each costs the driver futures, tasks and looks at the metadata; a batch pays for them once.
What comes while a batch is under way makes the next one: the more comes, the larger the batches, and where little
comes nothing waits.

Each request has a key of its own, so any even spread will do: batches take turns among the partitions that have
none under way. One that takes long holds nobody up: the next one goes to another partition then, whose leader may
be in better health.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

from carewire_contracts.envelope import Headers
from carewire_contracts.topics import Topic
from carewire_runtime.errors import CarewireError, KafkaError, KafkaUnavailable
from carewire_runtime.kafka.producer import Appended, Producer

_HOLDS_UP_S: Final = 0.05
"""How long a batch keeps the next one waiting: several times a healthy acknowledgement, and little of the 5 s that
a caller has."""


@dataclass(slots=True, eq=False, repr=False)
class Waiting:
    """A record whose caller waits, until it `is_over`, to be told how it ended, since `sent`, in monotonic seconds.

    `ticket` is its number among those that Kafka owes an answer.
    """

    key: bytes
    value: bytes
    headers: Headers
    told: Callable[[Appended | CarewireError], None]
    sent: float = 0.0
    ticket: int = 0
    is_over: bool = False


Settled: TypeAlias = Callable[[Sequence[Waiting], Appended | KafkaError | None], None]
"""Told of records how they ended together; None: they were never sent, their callers having given up before."""


class SharedBatches:
    """The batches of one topic and one producer.

    `settled` hears once of each record how it ended, and `freed` whenever nothing `holds_up` the next batch any more.
    """

    def __init__(self, producer: Producer, topic: Topic, settled: Settled, freed: Callable[[], None]) -> None:
        self._producer = producer
        self._topic = topic.name
        self._settled = settled
        self._freed = freed
        self._gathered: list[Waiting] = []
        self._free = deque(range(topic.partitions))
        self._fresh: dict[int, asyncio.TimerHandle] = {}
        """The partitions whose batches keep the next one waiting, until a timer runs out."""
        self._handing: asyncio.Task[None] | None = None

    @property
    def holds_up(self) -> bool:
        """Whether a batch keeps the next one waiting, which it does for a moment at most."""
        return bool(self._fresh)

    def add(self, records: Iterable[Waiting]) -> None:
        """Let records go with the next batch."""
        self._gathered += records
        self._go_on()

    async def close(self) -> None:
        """Hand nothing over any more, and settle what was not. Batches under way are the producer's to end."""
        handing = self._handing
        if handing is not None:
            handing.cancel()
            await asyncio.gather(handing, return_exceptions=True)
        left, self._gathered = self._gathered, []
        self._settled(left, KafkaUnavailable("the producer was closed"))

    def _go_on(self) -> None:
        if self._gathered and self._handing is None and self._free and not self._fresh:
            # It begins in the next turn of the event loop: what comes in this one still goes with it.
            self._handing = asyncio.get_running_loop().create_task(self._hand_over())

    async def _hand_over(self) -> None:
        try:
            while self._gathered and self._free:
                if records := self._taken():
                    self._gathered[:0] = await self._hand_over_batch(self._free.popleft(), records)
        finally:
            self._handing = None

    def _taken(self) -> Sequence[Waiting]:
        """What was gathered, but for records whose callers were told meanwhile that they were not accepted."""
        gathered, self._gathered = self._gathered, []
        if gathered[0].is_over:
            given_up = [one for one in gathered if one.is_over]
            self._settled(given_up, None)
            return [one for one in gathered if not one.is_over]
        return gathered

    async def _hand_over_batch(self, partition: int, records: Sequence[Waiting]) -> Sequence[Waiting]:
        """Hand as many over as one batch holds. Returns the others."""
        loop = asyncio.get_running_loop()
        self._fresh[partition] = loop.call_later(_HOLDS_UP_S, self._stop_waiting, partition)
        ended = partial(self._ended, partition, records)
        try:
            return records[await self._producer.hand_over(self._topic, partition, records, ended) :]
        except KafkaError as error:
            ended(len(records), error)
        except BaseException:
            # What remains in our hands has no one else who could settle it.
            ended(len(records), KafkaUnavailable("the batch was not handed over"))
            raise
        return ()

    def _ended(self, partition: int, records: Sequence[Waiting], count: int, outcome: Appended | KafkaError) -> None:
        self._free.append(partition)
        timer = self._fresh.pop(partition, None)
        if timer is not None:
            timer.cancel()
        self._settled(records if count == len(records) else records[:count], outcome)
        self._free_next()

    def _stop_waiting(self, partition: int) -> None:
        del self._fresh[partition]
        self._free_next()

    def _free_next(self) -> None:
        if not self._fresh:
            self._freed()
        self._go_on()
