"""How a delivery is written to Kafka, and what of a record is read, ignored or refused."""

import contextlib
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_dispatcher.domain.delivery import GROWTH, STATE_HEADER, Delivery, UnreadableDelivery
from carewire_testing_dispatcher.deliveries import ENDPOINT_ID, a_delivery

KEY = ENDPOINT_ID.encode()
STATE = orjson.loads(dict(a_delivery(first_attempt_at=5).headers())[STATE_HEADER])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)
foreign = st.lists(
    st.tuples(
        st.text(max_size=12).filter(lambda name: name not in ("delivery", "traceparent")), st.binary(max_size=20)
    ),
    max_size=6,
)


def state(**fields: Any) -> list[tuple[str, bytes]]:
    return [(STATE_HEADER, orjson.dumps(STATE | fields))]


def test_the_body_stands_alone_and_the_key_is_the_endpoint() -> None:
    delivery = a_delivery(body=b'{"canary": 1}')
    assert all(b"canary" not in value for _, value in delivery.headers())
    assert Delivery.of(KEY, b'{"canary": 1}', delivery.headers()) == delivery
    assert Delivery.of(b"other", b"", delivery.headers()).endpoint_id == "other"


def test_a_delivery_never_tried_has_no_first_attempt_on_the_wire_either() -> None:
    assert orjson.loads(dict(a_delivery().headers())[STATE_HEADER])["first_attempt_at"] is None
    assert Delivery.of(KEY, b"", a_delivery().headers()).first_attempt_at is None


def test_only_a_delivery_that_has_a_trace_says_so() -> None:
    assert [name for name, _ in a_delivery().headers()] == ["delivery"]
    traced = a_delivery(traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    assert [name for name, _ in traced.headers()] == ["delivery", "traceparent"]
    assert Delivery.of(KEY, traced.body, traced.headers()) == traced


def test_only_an_example_says_that_it_is_one_and_does_so_at_every_hop() -> None:
    assert "is_test" not in STATE
    example = a_delivery(is_test=True).attempted(5).retried(1, 7)
    assert Delivery.of(KEY, example.body, example.headers()).is_test


def test_a_record_never_grows_by_more_than_what_is_left_for_its_hops() -> None:
    def size(delivery: Delivery) -> int:
        return len(delivery.key) + sum(len(name) + len(value) for name, value in delivery.headers())

    fresh = a_delivery(due_at=1_000_000)
    late = {"first_attempt_at": 99_999_999_999_999, "attempt": 9_999, "slot": 30, "hop": 999_999_999, "shard": 63}
    assert size(a_delivery(due_at=99_999_999_999_999, **late)) <= size(fresh) + GROWTH


@pytest.mark.parametrize("fields", [{}, {"payload": "thicker"}, {"content_mode": 7}], ids=str)
def test_what_is_not_said_of_its_content_is_as_it_is_usually(fields: dict[str, Any]) -> None:
    assert not {"payload", "content_mode"} & STATE.keys()
    read = Delivery.of(KEY, b"", state(**fields))
    assert (read.payload, read.content_mode) == ("full", "flat")


@given(foreign, foreign)
def test_headers_of_others_are_ignored_wherever_they_stand(
    before: list[tuple[str, bytes]], after: list[tuple[str, bytes]]
) -> None:
    delivery = a_delivery(traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    assert Delivery.of(KEY, delivery.body, [*before, *delivery.headers(), *after]) == delivery


def test_headers_are_read_from_any_iterable_once() -> None:
    delivery = a_delivery(traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    assert Delivery.of(KEY, delivery.body, iter(delivery.headers())) == delivery


def test_a_field_that_a_later_version_adds_is_ignored() -> None:
    assert Delivery.of(KEY, b"", state(priority="high")).id == a_delivery().id


@pytest.mark.parametrize("missing", STATE)
def test_without_any_one_field_it_is_no_delivery(missing: str) -> None:
    fields = {name: value for name, value in STATE.items() if name != missing}
    with pytest.raises(UnreadableDelivery):
        Delivery.of(KEY, b"{}", [(STATE_HEADER, orjson.dumps(fields))])


@pytest.mark.parametrize("name", ["event_at", "due_at", "first_attempt_at", "attempt", "slot", "epoch", "hop"])
@pytest.mark.parametrize("value", ["soon", [], {}, "1e3"])
def test_a_number_that_is_none_makes_it_unreadable(name: str, value: object) -> None:
    with pytest.raises(UnreadableDelivery):
        Delivery.of(KEY, b"{}", state(**{name: value}))


@pytest.mark.parametrize("name", ["id", "event_id", "event_type"])
@pytest.mark.parametrize("value", [None, 7, True, []])
def test_a_text_that_is_none_makes_it_unreadable(name: str, value: object) -> None:
    with pytest.raises(UnreadableDelivery):
        Delivery.of(KEY, b"{}", state(**{name: value}))


@pytest.mark.parametrize("value", [None, [], ["t", 1], ["t", 1, 2, 3], 7])
def test_an_event_s_place_has_three_parts(value: object) -> None:
    with pytest.raises(UnreadableDelivery):
        Delivery.of(KEY, b"{}", state(event=value))


def test_a_key_that_is_no_text_makes_it_unreadable() -> None:
    with pytest.raises(UnreadableDelivery):
        Delivery.of(b"\xff", b"{}", state())


@pytest.mark.parametrize("more", [b"[" * 100_000 + b"]" * 100_000, b'"\xff'], ids=["too deep", "no UTF-8"])
@pytest.mark.parametrize("name", ["payload", "event_id", "more"])
def test_what_a_decoder_chokes_on_is_unreadable_as_well(name: str, more: bytes) -> None:
    told = orjson.dumps(STATE)[:-1] + b',"' + name.encode() + b'":' + more + b"}"
    with pytest.raises(UnreadableDelivery):
        Delivery.of(KEY, b"{}", [(STATE_HEADER, told)])


@pytest.mark.parametrize("name", ["event_at", "due_at", "attempt", "slot", "epoch", "hop"])
@pytest.mark.parametrize("value", [-1, 2**63])
def test_a_number_that_no_writer_counts_to_makes_it_unreadable(name: str, value: int) -> None:
    with pytest.raises(UnreadableDelivery):
        Delivery.of(KEY, b"{}", state(**{name: value}))


@given(json_values)
def test_whatever_json_the_header_holds_it_is_read_or_refused_and_nothing_else(value: Any) -> None:
    with contextlib.suppress(UnreadableDelivery):
        assert Delivery.of(KEY, b"{}", [(STATE_HEADER, orjson.dumps(value))]).endpoint_id == ENDPOINT_ID


@given(st.binary(max_size=60))
def test_whatever_bytes_the_header_holds_no_part_of_them_is_repeated(raw: bytes) -> None:
    with pytest.raises(UnreadableDelivery) as refused:
        Delivery.of(KEY, b"{}", [(STATE_HEADER, raw)])
    assert refused.value.__cause__ is None
    assert str(refused.value) == "the header delivery holds no delivery"


def test_neither_body_nor_anything_else_that_is_sensitive_is_in_its_repr() -> None:
    assert "canary" not in repr(a_delivery(body=b"canary"))


def test_each_way_on_is_another_hop_of_the_same_delivery() -> None:
    delivery = a_delivery(hop=4, attempt=2, slot=3, epoch=1, first_attempt_at=9)
    forwarded, diverted, retried = delivery.forwarded(), delivery.forwarded(7), delivery.retried(5, 8)
    assert [one.hop for one in (forwarded, diverted, retried)] == [5, 5, 5]
    assert [one.due_at for one in (forwarded, diverted, retried)] == [1_000_000, 7, 8]
    assert [one.slot for one in (forwarded, diverted, retried)] == [3, 3, 5]
    described = a_delivery(payload="thin", content_mode="cloudevents")
    for one in (described.forwarded(), described.retried(1, 2), described.attempted(3)):
        assert (one.payload, one.content_mode) == ("thin", "cloudevents")
    for one in (forwarded, diverted, retried):
        assert (one.id, one.body, one.attempt, one.epoch, one.first_attempt_at) == (delivery.id, delivery.body, 2, 1, 9)
