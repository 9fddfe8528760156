"""Receivers that mean no good, at the end of the whole way: the log calls each what it is, and none is waited for.

What the delivery client makes of each of them is in test_sender_hostile.py; here the log says so to operators.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final

import pytest

from carewire_testing import eventually
from carewire_testing.free_ports import free_port
from carewire_testing_dispatcher.raw_server import Behaviour, raw_server
from carewire_testing_dispatcher.receiver import Receiver, Reply
from carewire_testing_dispatcher.service import Client

TIMEOUT_S: Final = 2.0
OK: Final = b"HTTP/1.1 200 OK\r\n"
LOGGED_WITHIN_S: Final = 30.0


def sends(*parts: bytes, again: bytes = b"", every_s: float = 0.0) -> Behaviour:
    """Write some parts, then one of them again and again; without, hang."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
        await writer.drain()
        while again:
            writer.write(again)
            await writer.drain()
            await asyncio.sleep(every_s)
        await reader.read()
        await asyncio.sleep(60)

    return behave


async def closes(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


@dataclass(frozen=True)
class Said:
    """What the log has to say of the first attempt, and how the delivery stands then."""

    status_code: int | None = None
    failure: str | None = None
    status: str = "retrying"
    sentence: str = ""


TIMED_OUT: Final = Said(failure="timeout", sentence="No answer came in time")
NO_HTTP: Final = Said(failure="protocol", sentence="no HTTP answer")
DELIVERED: Final = Said(200, status="delivered", sentence="accepted the event")

HOSTILE: Final[Mapping[str, tuple[Behaviour, Said]]] = {
    "never answers": (sends(), TIMED_OUT),
    "drips headers": (sends(OK, again=b"a: b\r\n", every_s=0.02), TIMED_OUT),
    "interim answers for ever": (sends(again=b"HTTP/1.1 100 Continue\r\n\r\n", every_s=0.02), TIMED_OUT),
    "a megabyte of headers": (sends(OK, b"a: bcdefg\r\n" * 100_000, b"\r\n"), NO_HTTP),
    "no HTTP": (sends(b"220 mail.example ESMTP\r\n"), NO_HTTP),
    "closes unanswered": (closes, Said(failure="disconnected", sentence="ended the connection before")),
    "a body without end": (sends(OK + b"content-length: 1000000000\r\n\r\n", again=bytes(65_536)), DELIVERED),
    "a body that is cut short": (sends(OK + b"content-length: 1000\r\n\r\nx"), DELIVERED),
}
ANSWERS: Final[Mapping[str, tuple[Reply, Said]]] = {
    "redirects": (Reply(302, {"Location": "http://127.0.0.1:1/"}), Said(302, sentence="redirects are not followed")),
    "is gone": (Reply(410), Said(410, status="failed", sentence="nobody listens here any more")),
    "wishes us away": (Reply(429, {"Retry-After": "9" * 40}), Said(429, sentence="a Retry-After is heeded")),
}
UNREACHABLE: Final = {
    "nobody there": Said(failure="connect", sentence="Nobody accepts connections"),
    "no such name": Said(failure="dns", sentence="has no address"),
    "no TLS": Said(failure="tls", sentence="could not be secured"),
}


@pytest.fixture
async def urls(hooks: Receiver) -> AsyncIterator[dict[str, str]]:
    """Where each of them listens, by its name."""
    async with AsyncExitStack() as servers:
        found = {}
        for name, (behave, _) in HOSTILE.items():
            found[name] = (await servers.enter_async_context(raw_server(behave))).url()
        for number, (name, (reply, _)) in enumerate(ANSWERS.items()):
            found[name] = hooks.url(f"/{number}", lambda _, reply=reply: reply)  # type: ignore[misc]
        talkative = await servers.enter_async_context(raw_server(sends(OK + b"\r\n"), greet=False))
        found |= {
            "nobody there": f"http://127.0.0.1:{free_port()}/",
            "no such name": "http://no-such-name.invalid/",
            "no TLS": talkative.url().replace("http:", "https:"),
        }
        yield found


async def test_the_log_says_of_each_hostile_receiver_what_it_did_and_nobody_is_waited_for(
    dispatcher: Client, urls: dict[str, str]
) -> None:
    endpoints = {}
    for name, url in urls.items():
        endpoint = await dispatcher.create_endpoint(url, event_types=["track.started"], timeout_s=TIMEOUT_S)
        endpoints[endpoint["id"]] = name
    event_id, _ = await dispatcher.publish("track.started")

    async def all_logged() -> dict[str, dict[str, Any]]:
        found = {one["endpoint_id"]: one for one in await dispatcher.deliveries(event_id=event_id)}
        return found if found.keys() == endpoints.keys() else {}

    deliveries = await eventually(all_logged, LOGGED_WITHIN_S)
    expected = {name: said for name, (_, said) in [*HOSTILE.items(), *ANSWERS.items()]} | UNREACHABLE
    for endpoint_id, name in endpoints.items():
        said, delivery = expected[name], deliveries[endpoint_id]
        first = min(await dispatcher.attempts(delivery["id"]), key=lambda attempt: int(attempt["number"]))
        assert (first["status_code"], first["failure"]) == (said.status_code, said.failure), name
        assert first["outcome"] == said.status, name
        assert said.sentence in first["explanation"], name
