import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_dispatcher.domain.delivery import Delivery, EventPosition, UnreadableDelivery
from carewire_testing_dispatcher.deliveries import a_delivery

numbers = st.integers(0, 2**53)
texts = st.text(st.characters(codec="utf-8"), max_size=40)
ids = st.text(st.characters(codec="utf-8", exclude_characters="/"), max_size=40)
deliveries = st.builds(
    Delivery,
    id=texts,
    endpoint_id=ids,
    event_id=texts,
    event_type=texts,
    event=st.builds(EventPosition, texts, numbers, numbers),
    event_at=numbers,
    body=st.binary(max_size=100),
    due_at=numbers,
    first_attempt_at=st.none() | numbers,
    attempt=numbers,
    slot=st.integers(0, 16),
    epoch=numbers,
    hop=numbers,
    shard=st.integers(0, 63),
    replayed=st.booleans(),
    is_test=st.booleans(),
    traceparent=st.none() | st.text("0123456789abcdef-", min_size=1),
    payload=st.sampled_from(["full", "thin"]),
    content_mode=st.sampled_from(["flat", "cloudevents"]),
)


@given(deliveries)
def test_a_delivery_survives_the_wire(delivery: Delivery) -> None:
    assert Delivery.of(delivery.key.encode(), delivery.body, delivery.headers()) == delivery


@pytest.mark.parametrize(
    ("key", "value", "headers"),
    [
        (None, b"{}", a_delivery().headers()),
        (b"e", None, a_delivery().headers()),
        (b"e", b"{}", []),
        (b"e", b"{}", [("delivery", b"no json")]),
        (b"e", b"{}", [("delivery", b"[]")]),
        (b"e", b"{}", [("delivery", b'{"id":"x"}')]),
    ],
)
def test_anything_else_is_refused(key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]) -> None:
    with pytest.raises(UnreadableDelivery):
        Delivery.of(key, value, headers)


def test_the_first_attempt_starts_the_24_hours_and_later_ones_leave_them_alone() -> None:
    once = a_delivery().attempted(at=5)
    twice = once.attempted(at=9)
    assert (once.attempt, once.first_attempt_at) == (1, 5)
    assert (twice.attempt, twice.first_attempt_at) == (2, 5)
