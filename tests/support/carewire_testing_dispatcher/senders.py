"""Both senders, to be held against one suite: the delivery client, and aiohttp as what it is measured by."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import pytest

from carewire_dispatcher.adapters.delivery_client.dial import anywhere
from carewire_dispatcher.adapters.delivery_client.sender import DeliveryClient
from carewire_dispatcher.adapters.delivery_client.tls import tls_context
from carewire_dispatcher.adapters.sender import Call, Sender
from carewire_dispatcher.domain.classify import Answer, Failure
from carewire_testing_dispatcher.aiohttp_sender import AiohttpSender

SENDERS: tuple[Callable[..., Sender], ...] = (DeliveryClient, AiohttpSender)
BODY = b'{"a":1}'

both_senders = pytest.mark.parametrize("made", SENDERS, ids=lambda made: made.__name__)


_tls = cache(tls_context)  # reading the machine's authorities takes longer than most tests


@asynccontextmanager
async def sending(made: Callable[..., Sender], tls: ssl.SSLContext | None = None, **more: Any) -> AsyncIterator[Sender]:
    """A sender that may call this machine without TLS, unless told otherwise."""
    sender = made(tls or _tls(), **({"allow_http": True, "may_call": anywhere} | more))
    try:
        yield sender
    finally:
        await sender.stop()


def a_call(url: str, timeout_s: float = 2.0, body: bytes = BODY) -> Call:
    """A call with one custom header."""
    return Call(url, {"content-type": "application/json", "x-team": "beta"}, body, timeout_s)


_AFTER_S = 0.2
_TURNS = 20


async def in_time(sender: Sender, call: Call) -> Answer | Failure:
    """Make a call, and see that it ends by its deadline as the event loop knows it, however late a busy machine is.

    An alarm is set for a moment later, once the call has set its own; when it goes off, the call has a few turns of
    the loop left to clean up.
    """
    calling = asyncio.create_task(sender.send(call))
    await asyncio.sleep(0)
    await asyncio.wait([calling], timeout=call.timeout_s + _AFTER_S)
    for _ in range(_TURNS):
        await asyncio.sleep(0)
    if not calling.done():
        calling.cancel()
        raise AssertionError("the call goes on beyond its deadline")
    return calling.result()
