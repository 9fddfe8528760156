"""How it travels that an endpoint is left alone."""

import pytest

from carewire_dispatcher.adapters.health_record import decode_breaker, encode_breaker, left_behind
from carewire_dispatcher.domain.breaker import CLOSED, Breaker
from carewire_testing_dispatcher.deliveries import an_endpoint


def test_an_open_breaker_travels_with_the_moment_of_its_probe_and_its_pause() -> None:
    breaker = Breaker(is_open=True, since=1_700_000_000_000, pause=64_000)
    value = encode_breaker(breaker)
    assert value is not None
    assert decode_breaker("endpoint", value) == breaker


@pytest.mark.parametrize("breaker", [CLOSED, Breaker(since=5, pause=4_000), Breaker(in_a_row=3, tried=3, failed=3)])
def test_a_closed_one_leaves_nothing_behind(breaker: Breaker) -> None:
    assert encode_breaker(breaker) is None


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"since":1}',
        b'{"since":"1","pause":1}',
        b'{"since":1,"pause":0}',
        b'{"since":1,"pause":true}',
    ],
)
def test_anything_else_is_a_value_error(value: bytes) -> None:
    with pytest.raises(ValueError):
        decode_breaker("endpoint", value)


@pytest.mark.parametrize(
    ("key", "is_left_behind"),
    [
        ("whole", False),
        ("hot", False),
        ("hot/1", False),
        ("hot/2", True),
        ("whole/1", True),
        ("gone", True),
        ("gone/1", True),
    ],
)
def test_of_endpoints_and_shards_that_are_no_more_nothing_is_kept(key: str, is_left_behind: bool) -> None:
    endpoints = {"whole": an_endpoint(id="whole"), "hot": an_endpoint(id="hot", shards=2)}
    assert left_behind([key], endpoints.get) == ([key] if is_left_behind else [])


def test_what_is_the_key_of_nobody_is_left_behind_by_somebody() -> None:
    assert left_behind(["whole/one", "whole/-1"], lambda _: an_endpoint()) == ["whole/one", "whole/-1"]
