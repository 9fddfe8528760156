"""Which endpoints are left alone, as it travels on `dispatcher.health`: so that a worker who takes over knows it too.

Only breakers that are open are told of; a closed one leaves nothing behind.
"""

import orjson

from carewire_dispatcher.domain.breaker import Breaker


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
