"""Reading the body of a call under a size cap and a deadline."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from carewire_ingress.adapters.deadline import Deadline

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Scope: TypeAlias = MutableMapping[str, Any]


class BodyTooLarge(Exception):
    """More bytes than the cap."""


class BodyTooSlow(Exception):
    """The body did not arrive within the deadline."""


class CallerGone(Exception):
    """The caller hung up; nobody is there to be answered."""


async def read_body(receive: Receive, declared: int | None, limit: int, deadline: Deadline) -> bytes:
    """Read a body. `declared` is its Content-Length, if there is one; a larger one is not read at all.

    Raises BodyTooLarge, BodyTooSlow or CallerGone.
    """
    if declared is not None and declared > limit:
        raise BodyTooLarge
    chunks: list[bytes] = []
    size, more = 0, True
    try:
        with deadline:
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise CallerGone
                chunk: bytes = message.get("body", b"")
                more = message.get("more_body", False)
                size += len(chunk)
                if size > limit:
                    raise BodyTooLarge
                chunks.append(chunk)
    except TimeoutError:
        raise BodyTooSlow from None
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)
