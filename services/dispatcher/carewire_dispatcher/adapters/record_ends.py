"""How a record's time with the worker ends: what came of it is written, and once Kafka has that the record finishes.

Until then it takes a slot, so that no more are begun while Kafka is away than the process bears.
"""

from collections.abc import Callable
from functools import cache, partial
from typing import Final

from carewire_contracts.topics import Lane
from carewire_dispatcher.adapters.delivery_writer import DeliveryWriter
from carewire_dispatcher.adapters.holdings import Item
from carewire_dispatcher.adapters.instants import millis
from carewire_dispatcher.adapters.slots import Slots
from carewire_dispatcher.domain.delivery import Delivery
from carewire_dispatcher.domain.ending import End, EndStatus
from carewire_dispatcher.domain.log_entry import LogEntry
from carewire_dispatcher.domain.tiers import Wheel
from carewire_runtime.clock import Clock
from carewire_runtime.telemetry import metrics


class RecordEnds:
    """Writes for one mill; `finish` is what it does with a record when all is written."""

    def __init__(
        self, writer: DeliveryWriter, slots: Slots, wheel: Wheel, clock: Clock, finish: Callable[[Item], None]
    ) -> None:
        self._writer: Final = writer
        self._slots: Final = slots
        self._wheel: Final = wheel
        self._clock: Final = clock
        self._finish: Final = finish

    def move(self, item: Item, lane: Lane, tier: int | None, delivery: Delivery) -> None:
        """Write the next hop of a delivery that was not tried."""
        self._slots.take(moves=True)
        self._writer.forward(lane, tier, delivery, partial(self._moved, item))

    def retry(self, item: Item, entry: LogEntry, following: Delivery) -> None:
        """Tell the log of an attempt, then write the delivery's next hop.

        One after the other: behind a kill, a worker that finds the next hop drops this record, and nobody would ever
        tell of the attempt.
        """
        self._slots.take()
        self._writer.log(entry, partial(self._retry, item, following))

    def end(self, item: Item, entry: LogEntry, end: End) -> None:
        """Tell the log of a delivery's end."""
        _counting(end.status)()
        self.log(item, entry)

    def log(self, item: Item, entry: LogEntry) -> None:
        """Tell the log of an attempt that nothing follows from."""
        self._slots.take()
        self._writer.log(entry, partial(self._written, item))

    def _retry(self, item: Item, following: Delivery) -> None:
        tier = self._wheel.tier_for(following.due_at - millis(self._clock))
        self._writer.forward(item.source.lane, tier, following, partial(self._written, item))

    def _moved(self, item: Item) -> None:
        self._slots.give_back(moves=True)
        self._finish(item)

    def _written(self, item: Item) -> None:
        self._slots.give_back()
        self._finish(item)


# The words for how a delivery may end are few.
@cache
def _counting(status: EndStatus) -> Callable[[], None]:
    return metrics.DELIVERIES.counting(outcome=str(status))
