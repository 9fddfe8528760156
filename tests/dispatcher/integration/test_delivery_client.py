"""What the delivery client does beyond the suite of all senders."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from carewire_dispatcher.adapters.delivery_client.sender import DeliveryClient
from carewire_dispatcher.domain.classify import Answer, Failure
from carewire_testing import eventually
from carewire_testing_dispatcher.raw_server import raw_server
from carewire_testing_dispatcher.senders import BODY, a_call, sending

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


@pytest.fixture
async def client() -> AsyncIterator[DeliveryClient]:
    async with sending(DeliveryClient) as made:
        assert isinstance(made, DeliveryClient)
        yield made


@contextmanager
def closing_server() -> Iterator[tuple[str, threading.Semaphore, list[bytes]]]:
    """In a thread: answers each connection once and closes it without a word; counts the closings."""
    closed, heads = threading.Semaphore(0), list[bytes]()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    heads.append(connection.recv(65_536))
                    connection.sendall(ANSWER)
                closed.release()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/", closed, heads
        listening.shutdown(socket.SHUT_RDWR)
    thread.join(5)


async def test_a_connection_closed_behind_the_event_loop_s_back_is_not_written_to(client: DeliveryClient) -> None:
    with closing_server() as (url, closed, heads):
        for _ in range(5):
            assert await client.send(a_call(url)) == Answer(200)
            # The loop stands still meanwhile, so only the kernel knows that the receiver has gone.
            assert closed.acquire(timeout=5)
    assert len(heads) == 5


async def test_who_speaks_unasked_is_not_listened_to(client: DeliveryClient) -> None:
    speaking = asyncio.Event()

    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(len(BODY))
        writer.write(ANSWER)
        await speaking.wait()
        writer.write(b"HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n")
        await reader.read()

    async with raw_server(babble) as server:
        assert await client.send(a_call(server.url())) == Answer(200)
        speaking.set()
        await eventually(lambda: server.closed == 1)
        assert await client.send(a_call(server.url())) == Answer(200)


@pytest.mark.parametrize(
    "url",
    ["ftp://receiver.example/", "https:///", "http://a b/", "http://user:pass@receiver.example/"],
)
async def test_a_url_that_leads_nowhere_is_refused(client: DeliveryClient, url: str) -> None:
    assert await client.send(a_call(url)) == Failure.ADDRESS_REFUSED


@pytest.mark.parametrize("part", ["own", "common"])
async def test_a_header_that_cannot_be_sent_fails_the_call_and_no_other(client: DeliveryClient, part: str) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(len(BODY))
        writer.write(ANSWER)
        await writer.drain()

    async with raw_server(answer) as server:
        sound = a_call(server.url())
        header = ("x-custom", "a\r\nx-more: 1")
        broken = replace(sound, own=dict([header])) if part == "own" else replace(sound, common=(header,))
        assert await client.send(broken) == Failure.PROTOCOL
        assert await client.send(a_call(server.url())) == Answer(200)
    assert server.connections == 1


async def test_a_call_that_is_given_up_is_cut_off_and_tells_nobody(client: DeliveryClient) -> None:
    hanging, cut = asyncio.Event(), asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not hanging.is_set():
            await reader.readexactly(len(BODY))
            writer.write(ANSWER)
            hanging.set()
            await reader.readuntil(b"\r\n\r\n")
        assert await reader.read() == BODY
        cut.set()

    told: list[object] = []
    async with raw_server(answer) as server:
        assert await client.send(a_call(server.url())) == Answer(200)
        carried = client.begin(a_call(server.url()), told.append)
        await asyncio.sleep(0)
        carried.give_up()
        await asyncio.wait_for(cut.wait(), 5)
        assert server.connections == 1, "the call went over the connection that was kept"
        client.begin(a_call(server.url()), told.append).give_up()
        await asyncio.sleep(0)
    assert told == []


async def test_who_gives_up_a_call_that_is_over_cuts_off_nobody_else(client: DeliveryClient) -> None:
    """The connection may be at work for the next one by then."""
    going_on = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            await reader.readexactly(len(BODY))
            writer.write(ANSWER)
            await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(len(BODY))
        await going_on.wait()
        writer.write(ANSWER)

    told: list[object] = []
    async with raw_server(answer) as server:
        assert await client.send(a_call(server.url())) == Answer(200)
        over = client.begin(a_call(server.url()), told.append)
        await eventually(lambda: told == [Answer(200)])
        following = asyncio.create_task(client.send(a_call(server.url())))
        await asyncio.sleep(0)
        over.give_up()
        going_on.set()
        assert await asyncio.wait_for(following, 5) == Answer(200)
        assert server.connections == 1
