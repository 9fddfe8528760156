"""Receivers over TLS: who is not who the URL says, for certain and at this moment, gets nothing."""

import asyncio
import ssl
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import uvloop

from carewire_dispatcher.adapters.delivery_client.tls import tls_context
from carewire_dispatcher.adapters.sender import Sender
from carewire_dispatcher.domain.classify import Answer, Failure
from carewire_runtime.errors import ConfigurationError
from carewire_testing_dispatcher.certificates import Authority
from carewire_testing_dispatcher.raw_server import raw_server
from carewire_testing_dispatcher.senders import BODY, SENDERS, a_call, both_senders, in_time, sending

MakeSender = Callable[..., Sender]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


def trusting(authority: Authority, client_certificate: Path | None = None) -> ssl.SSLContext:
    context = tls_context(client_certificate)
    context.load_verify_locations(authority.path)
    return context


async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        await reader.readexactly(len(BODY))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()
        await reader.readuntil(b"\r\n\r\n")


async def hangs(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


@both_senders
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_a_receiver_with_a_sound_certificate_is_called_over_one_connection(
    made: MakeSender, authority: Authority, host: str
) -> None:
    async with raw_server(answers, authority.receiver(host)) as server, sending(made, trusting(authority)) as sender:
        for _ in range(3):
            assert await sender.send(a_call(server.url(host))) == Answer(200)
    assert server.connections == 1


@both_senders
async def test_the_receiver_learns_by_which_name_it_is_called(made: MakeSender, authority: Authority) -> None:
    asked: list[str | None] = []
    context = authority.receiver("localhost")
    context.sni_callback = lambda _socket, name, _context: asked.append(name)
    async with raw_server(answers, context) as server, sending(made, trusting(authority)) as sender:
        assert await sender.send(a_call(server.url("localhost"))) == Answer(200)
    assert asked == ["localhost"]


@both_senders
@pytest.mark.parametrize(
    ("hosts", "lasts"),
    [
        pytest.param(("localhost",), timedelta(hours=-1), id="expired"),
        pytest.param(("receiver.example",), timedelta(days=1), id="of another host"),
        pytest.param(("127.0.0.1",), timedelta(days=1), id="of the address instead of the name"),
        pytest.param(("*.localhost",), timedelta(days=1), id="of names below"),
    ],
)
async def test_a_certificate_that_is_not_in_order_ends_the_call(
    made: MakeSender, authority: Authority, hosts: tuple[str, ...], lasts: timedelta
) -> None:
    context = authority.receiver(*hosts, lasts=lasts)
    async with raw_server(answers, context) as server, sending(made, trusting(authority)) as sender:
        assert await sender.send(a_call(server.url("localhost"))) == Failure.TLS
    assert server.heads == []


@both_senders
async def test_a_certificate_that_nobody_we_trust_has_signed_ends_the_call(
    made: MakeSender, authority: Authority, tmp_path: Path
) -> None:
    context = Authority(tmp_path, "somebody").receiver("localhost")
    async with raw_server(answers, context) as server, sending(made, trusting(authority)) as sender:
        assert await sender.send(a_call(server.url("localhost"))) == Failure.TLS
    assert server.heads == []


@both_senders
async def test_a_certificate_that_its_receiver_signed_by_itself_ends_the_call(
    made: MakeSender, authority: Authority
) -> None:
    context = authority.self_signed("localhost")
    async with raw_server(answers, context) as server, sending(made, trusting(authority)) as sender:
        assert await sender.send(a_call(server.url("localhost"))) == Failure.TLS
    assert server.heads == []


@both_senders
async def test_who_does_not_speak_tls_gets_nothing(made: MakeSender) -> None:
    async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(5)

    async with raw_server(babble, greet=False) as server, sending(made) as sender:
        assert await sender.send(a_call(server.url().replace("http:", "https:"))) == Failure.TLS


@both_senders
async def test_a_handshake_that_does_not_go_on_is_given_up_at_the_deadline(made: MakeSender) -> None:
    async with raw_server(hangs, greet=False) as server, sending(made) as sender:
        assert await in_time(sender, a_call(server.url().replace("http:", "https:"), 0.3)) == Failure.TIMEOUT


@both_senders
async def test_a_connection_that_ends_within_the_handshake_is_no_connection(made: MakeSender) -> None:
    async def leave(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        return

    async with raw_server(leave, greet=False) as server, sending(made) as sender:
        result = await sender.send(a_call(server.url().replace("http:", "https:")))
    assert result in {Failure.CONNECT, Failure.TLS}


@both_senders
async def test_a_receiver_that_asks_who_calls_is_shown_our_certificate(made: MakeSender, authority: Authority) -> None:
    context = authority.receiver("localhost")
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.path)
    shown: list[object] = []

    async def look(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        shown.append(writer.get_extra_info("peercert")["subject"])
        await answers(reader, writer)

    ours = trusting(authority, authority.issue("carewire"))
    async with raw_server(look, context) as server:
        async with sending(made, ours) as sender:
            assert await sender.send(a_call(server.url("localhost"))) == Answer(200)
        async with sending(made, trusting(authority)) as stranger:
            assert isinstance(await stranger.send(a_call(server.url("localhost"))), Failure)
    assert shown == [((("commonName", "carewire"),),)]


@both_senders
async def test_plain_http_is_refused_unless_allowed(made: MakeSender) -> None:
    async with raw_server(answers) as server, sending(made, allow_http=False) as sender:
        assert await sender.send(a_call(server.url())) == Failure.INSECURE_URL
    assert server.connections == 0


@pytest.mark.parametrize("content", [None, "", "no certificate"], ids=["missing", "empty", "something else"])
def test_a_client_certificate_that_cannot_be_used_stops_the_start(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "client.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigurationError, match="client certificate"):
        tls_context(path)


@pytest.mark.parametrize("made", SENDERS, ids=lambda made: made.__name__)
def test_all_this_holds_on_the_event_loop_of_production(made: MakeSender, authority: Authority) -> None:
    async def calls() -> None:
        sound, other = authority.receiver("localhost"), authority.receiver("receiver.example")
        async with (
            raw_server(answers, sound) as server,
            raw_server(answers, other) as impostor,
            raw_server(hangs, greet=False) as mute,
            sending(made, trusting(authority)) as sender,
        ):
            for _ in range(3):
                assert await sender.send(a_call(server.url("localhost"))) == Answer(200)
            assert server.connections == 1
            assert await sender.send(a_call(impostor.url("localhost"))) == Failure.TLS
            assert await sender.send(a_call(mute.url().replace("http:", "https:"), 0.3)) == Failure.TIMEOUT
            assert impostor.heads == []

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(calls())
