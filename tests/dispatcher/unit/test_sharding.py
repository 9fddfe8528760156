"""The work of a hot endpoint is shared out: each delivery has its place, and the parts are the whole."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_dispatcher.domain.admission import BURST_MS, QUOTA_PER_S, admit
from carewire_dispatcher.domain.decide import Attempt, Load, Move, decide
from carewire_dispatcher.domain.delivery import Delivery, UnreadableDelivery
from carewire_dispatcher.domain.policy import Policy
from carewire_dispatcher.domain.sharding import key_of, keys_of, part_of, read_key, shard_of
from carewire_testing_dispatcher.deliveries import ENDPOINT_ID, a_delivery, an_endpoint

NOW = 1_000_000
_shards = st.integers(1, 64)


@given(st.uuids().map(str), _shards)
def test_a_delivery_always_has_the_same_shard(delivery_id: str, shards: int) -> None:
    assert shard_of(delivery_id, shards) == shard_of(delivery_id, shards) in range(shards)
    assert shard_of(delivery_id, 1) == 0


def test_shards_get_about_as_much_each() -> None:
    counted = Counter(shard_of(f"0190f5d2-8a10-7cc1-9d2b-{number:012x}", 4) for number in range(8_000))
    assert all(1_800 < count < 2_200 for count in counted.values())


@given(st.uuids().map(str), st.integers(0, 63))
def test_a_key_is_read_as_it_was_written(endpoint_id: str, shard: int) -> None:
    assert read_key(key_of(endpoint_id, shard)) == (endpoint_id, shard)


def test_without_shards_the_key_is_the_endpoint() -> None:
    assert keys_of("an-id", 1) == ("an-id",)
    assert keys_of("an-id", 3) == ("an-id", "an-id/1", "an-id/2")


@given(st.integers(1, 200), _shards)
def test_the_parts_are_the_whole_or_one_for_each_shard(places: int, shards: int) -> None:
    parts = [part_of(places, shards, shard) for shard in range(shards)]
    assert sum(parts) == max(places, shards)
    assert max(parts) - min(parts) <= 1


def test_a_shard_sees_its_part_of_concurrency_and_rate() -> None:
    whole = an_endpoint(concurrency=10, rate_per_s=30.0, shards=4)
    parts = [whole.part(shard) for shard in range(4)]
    assert [part.concurrency for part in parts] == [3, 3, 2, 2]
    assert [part.rate_per_s for part in parts] == [7.5] * 4
    assert an_endpoint(shards=2).part(1).rate_per_s is None
    single = an_endpoint()
    assert single.part(0) is single


def test_each_shard_adds_to_the_quota_of_the_fast_lane() -> None:
    endpoint, used, fast = an_endpoint(shards=3), 0.0, 0
    for _ in range(10_000):
        admitted = admit(NOW, endpoint, used)
        used, fast = admitted.used_until, fast + (admitted.lane == "fast")
    assert fast == 3 * QUOTA_PER_S * BURST_MS // 1000


def test_the_shard_travels_in_the_key_through_every_hop() -> None:
    delivery = a_delivery(shard=2)
    for hop in (delivery, delivery.forwarded(), delivery.attempted(5), delivery.retried(2, 7)):
        read = Delivery.of(hop.key.encode(), hop.body, hop.headers())
        assert (read, read.endpoint_id, read.shard) == (hop, ENDPOINT_ID, 2)


@pytest.mark.parametrize("key", [f"{ENDPOINT_ID}/x", f"{ENDPOINT_ID}/-1"], ids=["no number", "below zero"])
def test_a_key_of_no_shard_is_unreadable(key: str) -> None:
    delivery = a_delivery()
    with pytest.raises(UnreadableDelivery):
        Delivery.of(key.encode(), delivery.body, delivery.headers())


@pytest.mark.parametrize("due_at", [NOW, NOW + 3_600_000], ids=["due", "waiting"])
@pytest.mark.parametrize("shards", [1, 2, 3])
def test_what_belongs_to_a_shard_that_is_no_more_is_moved_as_it_is(shards: int, due_at: int) -> None:
    delivery = a_delivery(shard=3, due_at=due_at, attempt=4, slot=5, first_attempt_at=7)
    decision = decide(NOW, delivery, an_endpoint(shards=shards), Load(), Policy.scaled())
    assert isinstance(decision, Move)
    moved = decision.delivery
    assert (moved.shard, moved.hop) == (shard_of(delivery.id, shards), delivery.hop + 1)
    assert (moved.due_at, moved.attempt, moved.slot, moved.first_attempt_at) == (due_at, 4, 5, 7)
    assert not isinstance(decide(NOW, moved, an_endpoint(shards=shards), Load(), Policy.scaled()), Move)


def test_with_more_shards_than_before_everything_stays_where_it_is() -> None:
    assert decide(NOW, a_delivery(shard=1), an_endpoint(shards=8), Load(), Policy.scaled()) == Attempt()
