"""How far topics have been written, whatever of them has been purged since."""

from aiokafka import AIOKafkaConsumer, TopicPartition

from carewire_contracts.topics import Topic
from carewire_local.platform import Platform


async def ends_of(platform: Platform, *topics: Topic) -> dict[TopicPartition, int]:
    """The offset after the last record of each partition."""
    consumer = AIOKafkaConsumer(bootstrap_servers=platform.stack.kafka_bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        places = [TopicPartition(topic.name, number) for topic in topics for number in range(topic.partitions)]
        ends: dict[TopicPartition, int] = await consumer.end_offsets(places)
        return ends
    finally:
        await consumer.stop()
