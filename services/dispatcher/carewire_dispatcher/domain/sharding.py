"""How the work of a hot endpoint is shared by several partitions, and so by several owners.

The key of a delivery is its endpoint's id, and from the second shard on the shard's number too. Each shard is worked on
as an endpoint of its own, with its part of concurrency and rate, and with a breaker of its own.
"""

from typing import Final
from zlib import crc32

_BETWEEN: Final = "/"
"""Between id and number. No id of ours has one."""


def shard_of(delivery_id: str, shards: int) -> int:
    """Choose a delivery's shard: always the same, so that copies of it meet."""
    return crc32(delivery_id.encode()) % shards


def key_of(endpoint_id: str, shard: int) -> str:
    """Write the key of a shard. The first one has that of an endpoint without shards."""
    return endpoint_id if shard == 0 else f"{endpoint_id}{_BETWEEN}{shard}"


def keys_of(endpoint_id: str, shards: int) -> tuple[str, ...]:
    """List the keys of all shards."""
    return tuple(key_of(endpoint_id, shard) for shard in range(shards))


def read_key(key: str) -> tuple[str, int]:
    """Read endpoint id and shard out of a key. Raises ValueError where the shard is no number."""
    if _BETWEEN not in key:
        return key, 0
    endpoint_id, _, shard = key.partition(_BETWEEN)
    number = int(shard or 0)
    if number < 0:
        raise ValueError("the shard is below zero")
    return endpoint_id, number


def part_of(places: int, shards: int, shard: int) -> int:
    """Share places out, the rest to the first shards. Each has one at least: a shard without could never go on."""
    return max(1, places // shards + (shard < places % shards))


def places_fault(places: int, shards: int) -> str | None:
    """Say what keeps so many shards from sharing places out; None where each gets one."""
    if shards <= places:
        return None
    return "more than `concurrency`: each shard makes one call at a time at least, so raise that first or along with it"
