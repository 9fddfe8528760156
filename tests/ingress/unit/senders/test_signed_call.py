"""Reading a call: a header or a parameter counts where it stands once; a timestamp where it is near our clock."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_ingress.domain.senders.freshness import TOLERANCE_S, check_fresh
from carewire_ingress.domain.senders.json_body import json_object
from carewire_ingress.domain.senders.signed_call import MAX_VALUE_LENGTH, SignedCall
from carewire_ingress.domain.senders.verdict import Distrust, Doubt
from carewire_testing_ingress.proofs import NOW, URL, signed_call


def call_to(query: bytes) -> SignedCall:
    return signed_call({}, url=URL + query)


def test_a_header_is_found_whatever_its_place_and_case() -> None:
    call = SignedCall("POST", URL, [(b"a", b"1"), (b"X-Id", b" 7 "), (b"x-id-2", b"8")], b"", NOW)
    assert (call.header("x-id"), call.header("X-ID"), call.text("X-Id-2")) == (b"7", b"7", "8")
    assert call.values("x") == []


def test_repeated_values_are_given_in_their_order() -> None:
    call = SignedCall("POST", URL, [(b"a", b"2"), (b"A", b"1"), (b"b", b"0")], b"", NOW)
    assert call.values("a") == [b"2", b"1"]


@pytest.mark.parametrize("length", [1, MAX_VALUE_LENGTH])
def test_a_header_up_to_the_limit_is_read(length: int) -> None:
    assert signed_call({"x": "1" * length}).header("x") == b"1" * length


@pytest.mark.parametrize(
    ("query", "value"),
    [
        (b"?name=1", "1"),
        (b"?a=0&name=1", "1"),
        (b"?name=1#name=2", "1"),
        (b"?name=a%20b+c", "a b c"),
        (b"?name=%C3%BC", "ü"),
        (b"?name=a%26b%3D", "a&b="),
        (b"?NAME=1", None),
        (b"?names=1", None),
        (b"?a=name", None),
        (b"#name=1", None),
        (b"", None),
        (b"?", None),
    ],
)
def test_a_parameter_is_read_from_the_query(query: bytes, value: str | None) -> None:
    assert call_to(query).parameter("name") == value


@pytest.mark.parametrize(
    ("query", "doubt"),
    [
        (b"?name=1&name=1", Doubt.REPEATED),
        (b"?name=", Doubt.EMPTY),
        (b"?name", Doubt.EMPTY),
        (b"?name=%20", Doubt.EMPTY),
        (b"?name=%ff", Doubt.UNREADABLE),
        (b"?name=\xc3\xbc", Doubt.UNREADABLE),
        (b"?name=1" + b"&a=1" * 100, Doubt.UNREADABLE),
        (b"?name=" + b"1" * (MAX_VALUE_LENGTH + 1), Doubt.TOO_LONG),
    ],
)
def test_a_parameter_that_can_not_be_meant_is_refused(query: bytes, doubt: Doubt) -> None:
    with pytest.raises(Distrust) as refused:
        call_to(query).parameter("name")
    assert (refused.value.verdict.doubt, refused.value.verdict.where) == (doubt, "query parameter name")


@pytest.mark.parametrize("query", [b"?other=%ff", b"?" + b"&a=1" * 200])
def test_other_parameters_are_nobodys_business(query: bytes) -> None:
    assert call_to(query).parameter("name") is None


@given(st.integers(0, 10**10), st.floats(-TOLERANCE_S, TOLERANCE_S), st.sampled_from([1, 1_000]))
def test_a_time_near_our_clock_is_fresh(signed: int, skew: float, per_second: int) -> None:
    check_fresh(str(signed * per_second), signed + skew * 0.999, "time", per_second=per_second)


@given(st.integers(0, 10**10), st.floats(TOLERANCE_S * 1.01, 10**9))
def test_a_time_far_from_our_clock_is_not(signed: int, skew: float) -> None:
    for now, doubt in ((signed + skew, Doubt.TOO_OLD), (signed - skew, Doubt.TOO_NEW)):
        with pytest.raises(Distrust) as refused:
            check_fresh(str(signed), now, "time")
        assert refused.value.verdict.doubt is doubt


@pytest.mark.parametrize(
    "text", ["", " ", "-1", "+1", "1.0", "1e9", "0x1", "1_0", "٣", "²", "now", "1" * 15, "1\n", " 1"]
)
def test_a_time_that_is_no_plain_number_is_not_read(text: str) -> None:
    with pytest.raises(Distrust) as refused:
        check_fresh(text, NOW, "time")
    assert refused.value.verdict.doubt is Doubt.UNREADABLE


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"1", b"null", b'"a"', b"{", b'{"a": 1} x', b"\xff", b"{'a': 1}", b"[" * 10_000]
)
def test_what_is_no_json_object_is_an_empty_one(body: bytes) -> None:
    assert json_object(body) == {}


def test_a_json_object_is_read() -> None:
    assert json_object('{"a": {"b": ["ü"]}}'.encode()) == {"a": {"b": ["ü"]}}
