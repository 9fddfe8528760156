"""How it travels that an endpoint is left alone."""

import pytest

from carewire_dispatcher.adapters.health_record import decode_breaker, encode_breaker
from carewire_dispatcher.domain.breaker import CLOSED, Breaker


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
