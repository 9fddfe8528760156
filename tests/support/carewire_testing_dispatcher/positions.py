"""How far the dispatcher is: what was written to its topics, and what of it is still alive."""

from collections.abc import Iterable

from aiokafka import AIOKafkaConsumer, TopicPartition

from carewire_contracts.topics import LANES, TIERS, Topic, Topics
from carewire_dispatcher.adapters.consumers import lanes_group, wheel_group
from carewire_runtime.kafka.admin import Position, committed


async def ends(bootstrap: str, topics: Iterable[Topic]) -> dict[Position, int]:
    """Where each partition of some topics ends."""
    places = [TopicPartition(topic.name, number) for topic in topics for number in range(topic.partitions)]
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        found = await consumer.end_offsets(places)
    finally:
        await consumer.stop()
    return {(place.topic, place.partition): offset for place, offset in found.items()}


async def written(bootstrap: str, topics: Topics) -> int:
    """How many records were ever written to the two lanes."""
    return sum((await ends(bootstrap, [topics.deliveries(lane) for lane in LANES])).values())


async def alive(bootstrap: str, topics: Topics) -> int:
    """How many records of lanes and tiers, at most, are not done with: those from the committed positions on."""
    lanes = [topics.deliveries(lane) for lane in LANES]
    tiers = [topics.tier(lane, seconds) for lane in LANES for seconds in TIERS]
    positions = await committed(bootstrap, lanes_group(topics)) | await committed(bootstrap, wheel_group(topics))
    found = await ends(bootstrap, [*lanes, *tiers])
    return sum(end - positions.get(place, (0, ""))[0] for place, end in found.items())
