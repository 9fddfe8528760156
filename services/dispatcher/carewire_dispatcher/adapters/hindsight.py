"""Looks at what was written last to the partitions that a worker takes over.

Whoever had them before may have been killed between writing a record's next hop and committing the record. It comes
again then; but where its next hop is there already, it is a copy, and is to be neither tried nor written again.
"""

from collections.abc import Iterable
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from carewire_dispatcher.adapters.source import Source
from carewire_dispatcher.domain.delivery import Delivery, UnreadableDelivery
from carewire_dispatcher.domain.fork_collapse import ForkCollapse
from carewire_runtime.kafka.translation import translating

LOOKED_AT: Final = 500
"""Records at the end of each partition. Between two commits, half a second, a partition gets fewer unless it is
flooded; what is missed leads to a chain more, which ends at its next hop."""


async def look_back(bootstrap: str, sources: Iterable[Source], copies: ForkCollapse) -> None:
    """Tell `copies` of the last hops that wait in some partitions. Raises KafkaError."""
    with translating():
        consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
        try:
            await consumer.start()
            ends = await consumer.end_offsets([source.place for source in sources])
            begins = {source.place: _begin(source, ends[source.place]) for source in sources}
            behind = {place for place, begin in begins.items() if begin < ends[place]}
            if behind:
                await _read(consumer, behind, begins, ends, copies)
        finally:
            await consumer.stop()


def _begin(source: Source, end: int) -> int:
    committed = 0 if source.committed is None else source.committed[0]
    return max(committed, end - LOOKED_AT)


async def _read(
    consumer: AIOKafkaConsumer,
    behind: set[TopicPartition],
    begins: dict[TopicPartition, int],
    ends: dict[TopicPartition, int],
    copies: ForkCollapse,
) -> None:
    consumer.assign(list(behind))
    for place in behind:
        consumer.seek(place, begins[place])
    while behind:
        for records in (await consumer.getmany(timeout_ms=1_000)).values():
            for record in records:
                _expect(record, copies)
        behind = {place for place in behind if await consumer.position(place) < ends[place]}


def _expect(record: Any, copies: ForkCollapse) -> None:
    try:
        delivery = Delivery.of(record.key, record.value, record.headers)
    except UnreadableDelivery:
        return
    if delivery.hop:
        copies.expect(delivery.id, delivery.epoch, delivery.hop)
