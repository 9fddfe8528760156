"""Which endpoints are left alone, as it travels on `dispatcher.health`: so that a worker who takes over knows it too.

Only breakers that are open are told of; a closed one leaves nothing behind.
"""

from collections.abc import Callable, Iterable

import orjson

from carewire_dispatcher.domain.breaker import Breaker
from carewire_dispatcher.domain.endpoint import Endpoint
from carewire_dispatcher.domain.sharding import read_key


def encode_breaker(breaker: Breaker) -> bytes | None:
    """Write an open breaker as JSON, a closed one as nothing at all."""
    return orjson.dumps({"since": breaker.since, "pause": breaker.pause}) if breaker.is_open else None


def decode_breaker(key: str, value: bytes) -> Breaker:
    """Read an open breaker. Raises ValueError where the bytes are none."""
    try:
        fields = orjson.loads(value)
        since, pause = fields["since"], fields["pause"]
    except (TypeError, KeyError):
        raise ValueError(f"the health of {key} cannot be read") from None
    if type(since) is not int or type(pause) is not int or pause <= 0:
        raise ValueError(f"the health of {key} is that of no open breaker")
    return Breaker(is_open=True, since=since, pause=pause)


def left_behind(keys: Iterable[str], endpoint_of: Callable[[str], Endpoint | None]) -> list[str]:
    """List the keys under which nobody is called any more: of endpoints that were deleted, of shards that are no more.

    What is listed too soon, because an endpoint was not heard of yet, its worker finds out again.
    """
    return [key for key in keys if not _is_called(key, endpoint_of)]


def _is_called(key: str, endpoint_of: Callable[[str], Endpoint | None]) -> bool:
    try:
        endpoint_id, shard = read_key(key)
    except ValueError:
        return False
    endpoint = endpoint_of(endpoint_id)
    return endpoint is not None and shard < endpoint.shards
