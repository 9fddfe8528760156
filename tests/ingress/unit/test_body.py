import asyncio
from typing import Any

import pytest

from carewire_ingress.adapters.body import BodyTooLarge, BodyTooSlow, CallerGone, Receive, read_body
from carewire_ingress.adapters.deadline import Deadline


def receiving(*messages: dict[str, Any]) -> Receive:
    """A caller that says these things and then nothing."""
    waiting = list(messages)

    async def receive() -> dict[str, Any]:
        if not waiting:
            await asyncio.Event().wait()
        return waiting.pop(0)

    return receive


def part(body: bytes, *, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


async def test_a_body_in_parts_is_put_together() -> None:
    receive = receiving(part(b"ab"), part(b""), part(b"c", more=False))
    assert await read_body(receive, None, 3, Deadline(1)) == b"abc"
    assert await read_body(receiving(part(b"abc", more=False)), 3, 3, Deadline(1)) == b"abc"


async def test_a_body_beyond_the_cap_is_not_kept() -> None:
    with pytest.raises(BodyTooLarge):
        await read_body(receiving(part(b"ab"), part(b"cd")), None, 3, Deadline(1))
    with pytest.raises(BodyTooLarge):
        await read_body(receiving(), 4, 3, Deadline(1))


async def test_a_body_that_does_not_end_in_time_is_given_up() -> None:
    with pytest.raises(BodyTooSlow):
        await read_body(receiving(part(b"a")), None, 3, Deadline(0.01))


async def test_a_caller_that_hangs_up_is_noticed() -> None:
    with pytest.raises(CallerGone):
        await read_body(receiving(part(b"a"), {"type": "http.disconnect"}), None, 3, Deadline(1))
