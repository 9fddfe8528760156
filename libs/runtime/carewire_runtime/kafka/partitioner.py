"""Which partition a key belongs to: as every Kafka client has it, with the hash of recent keys remembered.

The driver's hash is pure Python and takes 30 us for a UUID; the events of one care flow share a key.
"""

import random
from collections.abc import Sequence
from functools import lru_cache

from aiokafka.partitioner import murmur2

_POSITIVE = 0x7FFF_FFFF


@lru_cache(maxsize=4_096)
def _hash(key: bytes) -> int:
    return int(murmur2(key)) & _POSITIVE


def partition_of(key: bytes | None, partitions: Sequence[int], available: Sequence[int]) -> int:
    """Return the partition of a key; of no key, any that has a leader, or any at all."""
    if key is None:
        return random.choice(available or partitions)  # noqa: S311 (an even spread, no secret)
    return partitions[_hash(key) % len(partitions)]
