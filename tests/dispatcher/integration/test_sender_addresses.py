"""Nothing of our own network is reached through an endpoint's URL, whatever its name is made to mean and when."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import pytest

from carewire_dispatcher.adapters.sender import Sender
from carewire_dispatcher.domain.addresses import is_public
from carewire_dispatcher.domain.classify import Answer, Failure
from carewire_testing_dispatcher.raw_server import raw_server
from carewire_testing_dispatcher.receiver import Receiver
from carewire_testing_dispatcher.senders import BODY, a_call, both_senders, sending

MakeSender = Callable[..., Sender]

INSIDE = "127.0.0.1"
OUTSIDE = "127.0.0.2"
"""Stands for the public internet here."""


def outside(address: str) -> bool:
    return address == OUTSIDE


async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readexactly(len(BODY))
    writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
    await writer.drain()


class Names:
    """A name server that may answer differently each time; the last answer stays."""

    def __init__(self, *answers: list[str]) -> None:
        self._answers = list(answers)
        self.lookups = 0

    def __call__(self, _host: Any, port: Any, *_: Any, **__: Any) -> list[Any]:
        self.lookups += 1
        found = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port or 0)) for address in found]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Names]:
    def answer(*answers: list[str]) -> Names:
        made = Names(*answers)
        monkeypatch.setattr(socket, "getaddrinfo", made)
        return made

    return answer


@both_senders
@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "10.0.0.1",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "0.0.0.0",
        "localhost",
        "0x7f.1",
        "2130706433",
        "017700000001",
    ],
)
async def test_addresses_of_inside_are_refused_without_a_call(made: MakeSender, hooks: Receiver, host: str) -> None:
    port = hooks.base_url.rpartition(":")[2]
    async with sending(made, may_call=is_public) as sender:
        assert await sender.send(a_call(f"http://{host}:{port}/")) == Failure.ADDRESS_REFUSED
    assert hooks.received == []


@both_senders
async def test_a_name_that_leads_inside_is_refused(made: MakeSender, names: Callable[..., Names]) -> None:
    async with raw_server(answers) as inner, sending(made, may_call=outside) as sender:
        names([INSIDE])
        assert await sender.send(a_call(inner.url("receiver.example"))) == Failure.ADDRESS_REFUSED
    assert inner.connections == 0


@both_senders
async def test_of_a_name_that_leads_both_ways_only_the_outside_is_called(
    made: MakeSender, names: Callable[..., Names]
) -> None:
    async with raw_server(answers, host=OUTSIDE) as outer, sending(made, may_call=outside) as sender:
        names([INSIDE, OUTSIDE])
        assert await sender.send(a_call(outer.url("receiver.example"))) == Answer(200)
    assert outer.heads[0].splitlines()[1].lower() == f"host: receiver.example:{outer.port}"


@both_senders
async def test_a_name_that_changes_to_loopback_between_look_and_connect_gains_nothing(
    made: MakeSender, names: Callable[..., Names]
) -> None:
    async with raw_server(answers, host=OUTSIDE) as outer, sending(made, may_call=outside) as sender:
        asked = names([OUTSIDE], [INSIDE])
        assert await sender.send(a_call(outer.url("receiver.example"))) == Answer(200)
        assert asked.lookups == 1, "the address that was looked at is the one that is called"
        for _ in range(3):
            result = await sender.send(a_call(outer.url("receiver.example")))
            assert result in {Answer(200), Failure.ADDRESS_REFUSED}


@both_senders
async def test_a_name_of_several_addresses_is_reached_by_one_that_answers(
    made: MakeSender, names: Callable[..., Names]
) -> None:
    async with raw_server(answers, host=OUTSIDE) as outer, sending(made) as sender:
        names(["127.0.0.3", OUTSIDE])
        assert await sender.send(a_call(outer.url("receiver.example"))) == Answer(200)


@both_senders
async def test_a_redirect_to_loopback_is_an_answer_and_no_call(made: MakeSender, hooks: Receiver) -> None:
    async def redirect(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 302 Found\r\nlocation: {hooks.url('/inner')}\r\ncontent-length: 0\r\n\r\n".encode())
        await writer.drain()

    async with raw_server(redirect, host=OUTSIDE) as outer, sending(made, may_call=outside) as sender:
        assert await sender.send(a_call(outer.url())) == Answer(302)
    assert hooks.received == []
