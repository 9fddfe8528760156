"""The worker's two consumers, and why there are two.

The lane consumer is a member of a group, which shares out partition numbers of the two deliveries topics; the range
assignor gives the same numbers of both to one member. The wheel consumer is assigned by hand the same numbers of the
16 tier topics, and commits under a group id that has no members. One consumer over everything would walk
all its partitions at each fetch of a fresh delivery.
"""

from collections.abc import Iterable
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor

from carewire_contracts.topics import LANES, TIERS, Topics
from carewire_dispatcher.adapters.source import Source
from carewire_dispatcher.domain.tiers import Wheel

SESSION_TIMEOUT_S: Final = 6.0
"""The least that brokers allow by default: partitions of a killed worker stay unread for this long."""
HEARTBEAT_S: Final = 2.0
LANE_WAIT_MS: Final = 1_000
"""An idle lane costs one fetch a second; a fresh delivery ends the wait at once. It bounds how long one waits when this
process stood still between a fetch and the next: the driver goes on without partitions of which nothing was taken."""
WHEEL_WAIT_MS: Final = 15_000
"""A fetch over the 16 partitions of each partition number costs milliseconds, so an idle wheel makes few; a record
ends the wait at once. No fetch of an old assignment is in the way: each assignment has a new consumer."""
_LANE_FETCH_BYTES: Final = 128 * 1024
"""A partition's share of one fetch: a megabyte of a backlog would be unpacked at a stretch, while others wait."""
_WHEEL_FETCH_BYTES: Final = 128 * 1024
"""A partition's share of one fetch: the wheel has 16 partitions for each partition number."""

BUFFER_BYTES: Final = 64 * 1024 * 1024
"""What all buffers of a process may hold together: half of it those of the lanes, half those of the tiers."""


def lanes_group(topics: Topics) -> str:
    """Name the group whose members are the workers."""
    return f"{topics.prefix}dispatcher-workers"


def wheel_group(topics: Topics) -> str:
    """Name the group under which positions in the tiers are kept. It never has members."""
    return f"{topics.prefix}dispatcher-wheel"


def lane_consumer(bootstrap: str, topics: Topics) -> AIOKafkaConsumer:
    """Build the lane consumer; `subscribe_lanes` makes it join."""
    return AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        group_id=lanes_group(topics),
        client_id="carewire-dispatcher-lanes",
        enable_auto_commit=False,
        # A position below the log's start was purged, so it is finished: its start is the place to go on.
        auto_offset_reset="earliest",
        partition_assignment_strategy=(RangePartitionAssignor,),
        session_timeout_ms=int(SESSION_TIMEOUT_S * 1000),
        heartbeat_interval_ms=int(HEARTBEAT_S * 1000),
        fetch_max_wait_ms=LANE_WAIT_MS,
        max_partition_fetch_bytes=_LANE_FETCH_BYTES,
    )


def subscribe_lanes(consumer: AIOKafkaConsumer, topics: Topics, listener: ConsumerRebalanceListener) -> None:
    """Join the group for the deliveries topics of both lanes."""
    consumer.subscribe([topics.deliveries(lane).name for lane in LANES], listener=listener)


def wheel_consumer(bootstrap: str, topics: Topics, places: Iterable[TopicPartition]) -> AIOKafkaConsumer:
    """Build a wheel consumer for some partitions of the tiers. Each assignment gets a new one."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        group_id=wheel_group(topics),
        client_id="carewire-dispatcher-wheel",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=WHEEL_WAIT_MS,
        max_partition_fetch_bytes=_WHEEL_FETCH_BYTES,
    )
    consumer.assign(list(places))
    return consumer


def sources(topics: Topics, numbers: Iterable[int], wheel: Wheel) -> tuple[list[Source], list[Source]]:
    """Make the sources of some partition numbers: those of the lanes and those of the tiers, fast first."""
    numbers = sorted(numbers)
    lane_bytes = BUFFER_BYTES // 2 // max(1, len(numbers) * len(LANES))
    tier_bytes = lane_bytes // len(TIERS)
    lanes = [
        Source(TopicPartition(topics.deliveries(lane).name, number), lane, None, 0, lane_bytes)
        for lane in LANES
        for number in numbers
    ]
    tiers = [
        Source(
            TopicPartition(topics.tier(lane, tier).name, number),
            lane,
            tier,
            wheel.delay(tier),
            tier_bytes,
        )
        for lane in LANES
        for tier in TIERS
        for number in numbers
    ]
    return lanes, tiers
