"""Keys belong to the partitions that every other Kafka client says."""

from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from carewire_runtime.kafka.partitioner import partition_of


@given(st.binary(max_size=80), st.integers(1, 50))
def test_a_key_has_the_partition_that_the_driver_gives_it(key: bytes, count: int) -> None:
    partitions = list(range(count))
    assert partition_of(key, partitions, partitions) == DefaultPartitioner()(key, partitions, partitions)


def test_a_record_without_key_goes_where_a_leader_is() -> None:
    assert partition_of(None, [0, 1, 2], [1]) == 1
    assert partition_of(None, [0, 1, 2], []) in {0, 1, 2}
