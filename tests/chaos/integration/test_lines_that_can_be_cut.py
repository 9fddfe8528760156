"""The proxy between services and servers: bytes pass as they are, until the line is cut, and late where it is slow."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from carewire_testing import eventually
from carewire_testing_chaos.proxy import Line

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
async def echo() -> AsyncIterator[int]:
    """A server that sends back what it gets."""

    async def back(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(back, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


@pytest.fixture
async def line(echo: int) -> AsyncIterator[tuple[Line, int]]:
    made = Line(echo)
    await made.open(0)
    yield made, made.port
    await made.close()


async def said(ends: Ends, data: bytes) -> bytes:
    ends[1].write(data)
    return await ends[0].readexactly(len(data))


async def is_over(ends: Ends) -> bool:
    try:
        return await ends[0].read(1) == b""
    except ConnectionError:
        return True


async def test_bytes_pass_as_they_are(line: tuple[Line, int]) -> None:
    ends = await asyncio.open_connection("127.0.0.1", line[1])
    data = bytes(range(256)) * 4000
    assert await said(ends, data) == data
    ends[1].close()


async def test_a_cut_ends_all_connections_and_refuses_others_until_it_is_healed(line: tuple[Line, int]) -> None:
    first = await asyncio.open_connection("127.0.0.1", line[1])
    assert await said(first, b"hello") == b"hello"
    line[0].cut()
    assert await is_over(first)
    refused = await asyncio.open_connection("127.0.0.1", line[1])
    assert await is_over(refused)
    line[0].heal()
    ends = await asyncio.open_connection("127.0.0.1", line[1])
    assert await said(ends, b"again") == b"again"
    for one in (first, refused, ends):
        one[1].close()


async def test_a_slow_line_keeps_the_order(line: tuple[Line, int]) -> None:
    ends = await asyncio.open_connection("127.0.0.1", line[1])
    line[0].delay_s = 0.01
    told = b"".join(b"%d," % number for number in range(500))
    for number in range(500):
        ends[1].write(b"%d," % number)
        await asyncio.sleep(0)
    line[0].heal()
    assert await ends[0].readexactly(len(told)) == told
    ends[1].close()


async def test_who_hangs_up_is_hung_up_on(line: tuple[Line, int]) -> None:
    ends = await asyncio.open_connection("127.0.0.1", line[1])
    await said(ends, b"hello")
    ends[1].close()
    await eventually(lambda: line[0].connections == 0)


async def test_where_nobody_listens_the_connection_ends() -> None:
    server = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    line = Line(port)
    await line.open(0)
    ends = await asyncio.open_connection("127.0.0.1", line.port)
    assert await is_over(ends)
    ends[1].close()
    await line.close()
