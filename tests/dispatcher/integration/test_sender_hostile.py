"""Receivers that mean no good, or are broken: a call ends by its deadline, with little memory and the right word."""

import asyncio
import gzip
import socket
import struct
import tracemalloc
from collections.abc import Callable

import pytest

from carewire_dispatcher.adapters.sender import Sender
from carewire_dispatcher.domain.classify import Answer, Failure, Retry, classify
from carewire_dispatcher.domain.schedule import RetrySchedule
from carewire_testing_dispatcher.deliveries import a_delivery
from carewire_testing_dispatcher.raw_server import Behaviour, raw_server
from carewire_testing_dispatcher.senders import BODY, SENDERS, a_call, both_senders, in_time, sending

DEADLINE_S = 0.4
TAKEN_MAX = 16_000_000
"""Bytes that may leave a flooding receiver: buffers of sockets on both sides, and what is read before the limit."""

OK = b"HTTP/1.1 200 OK\r\n"
BOMB = gzip.compress(bytes(10_000_000))
Result = Answer | Failure


def reset(writer: asyncio.StreamWriter) -> None:
    """Close with a reset instead of in order."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def says(*parts: bytes, then: str = "hang", every_s: float = 0.0) -> Behaviour:
    """Write some parts, and then hang, reset the connection, or say no more."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(every_s)
        if then == "reset":
            reset(writer)
        elif then == "no more":
            writer.write_eof()
        if then != "close":
            await reader.read()
            await asyncio.sleep(60)

    return behave


def endless(head: bytes, more: bytes, every_s: float = 0.0) -> Behaviour:
    """Write a beginning, and then more of the same for ever."""

    async def behave(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        taken = 0
        while True:
            writer.write(more)
            await writer.drain()
            taken += len(more)
            assert taken < TAKEN_MAX, "the sender reads without end"
            await asyncio.sleep(every_s)

    return behave


HOSTILE: dict[str, tuple[Behaviour, set[Result]]] = {
    # Those who take their time.
    "never answers": (says(), {Failure.TIMEOUT}),
    "drips a head": (endless(b"", b"H", 0.02), {Failure.TIMEOUT, Failure.PROTOCOL}),
    "drips headers": (endless(OK, b"a: b\r\n", 0.02), {Failure.TIMEOUT}),
    "drips one header": (endless(OK + b"a: ", b"b", 0.02), {Failure.TIMEOUT}),
    "drips a body": (endless(OK + b"content-length: 1000\r\n\r\n", b"x", 0.02), {Answer(200)}),
    "drips chunks": (endless(OK + b"transfer-encoding: chunked\r\n\r\n", b"1\r\nx\r\n", 0.02), {Answer(200)}),
    "drips interim answers": (endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.02), {Failure.TIMEOUT}),
    "stops within the head": (says(OK + b"content-"), {Failure.TIMEOUT}),
    "stops within the body": (says(OK + b"content-length: 10\r\n\r\nx"), {Answer(200)}),
    # Those who send too much.
    "a body without end": (endless(OK + b"content-length: 1000000000000\r\n\r\n", bytes(65_536)), {Answer(200)}),
    "a body until the connection ends": (endless(OK + b"\r\n", bytes(65_536)), {Answer(200)}),
    "chunks without end": (
        endless(OK + b"transfer-encoding: chunked\r\n\r\n", b"10000\r\n" + bytes(65_536) + b"\r\n"),
        {Answer(200)},
    ),
    "a megabyte of headers": (says(OK, b"a: bcdefg\r\n" * 100_000, b"\r\n"), {Failure.PROTOCOL}),
    "a header of a megabyte": (says(OK, b"a: ", b"b" * 1_000_000, b"\r\n\r\n"), {Failure.PROTOCOL}),
    "a header without end": (endless(OK + b"a: ", b"b" * 65_536), {Failure.PROTOCOL}),
    "interim answers without end": (
        endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
        {Failure.PROTOCOL, Failure.TIMEOUT},
    ),
    "a gzip bomb": (
        says(OK + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(BOMB), BOMB),
        {Answer(200)},
    ),
    # Those who break off.
    "resets at once": (says(then="reset"), {Failure.DISCONNECTED}),
    "resets after the status": (says(OK, then="reset"), {Failure.DISCONNECTED}),
    "resets within the head": (says(OK + b"content-le", then="reset"), {Failure.DISCONNECTED}),
    "closes at once": (says(then="close"), {Failure.DISCONNECTED}),
    "closes within the head": (says(OK + b"content-le", then="close"), {Failure.DISCONNECTED}),
    "closes after an interim answer": (says(b"HTTP/1.1 100 C\r\n\r\n", then="close"), {Failure.DISCONNECTED}),
    "says that it will say no more": (says(then="no more"), {Failure.DISCONNECTED}),
    "resets within the body": (
        says(OK + b"content-length: 10\r\n\r\nx", b"", then="reset", every_s=0.05),
        {Answer(200)},
    ),
    "closes within the body": (says(OK + b"content-length: 10\r\n\r\nx", then="close"), {Answer(200)}),
    "closes within a chunk": (says(OK + b"transfer-encoding: chunked\r\n\r\n5\r\nhe", then="close"), {Answer(200)}),
    # Those who speak something else.
    "no HTTP": (says(b"+PONG\r\n\r\n"), {Failure.PROTOCOL}),
    "another HTTP": (says(b"HTTP/x.y 200 OK\r\n\r\n"), {Failure.PROTOCOL}),
    "a status that is none": (says(b"HTTP/1.1 abc OK\r\n\r\n"), {Failure.PROTOCOL}),
    "a length that is none": (says(OK + b"content-length: five\r\n\r\nhello"), {Failure.PROTOCOL}),
    "a length below zero": (says(OK + b"content-length: -1\r\n\r\n"), {Failure.PROTOCOL}),
    "two lengths": (says(OK + b"content-length: 1\r\ncontent-length: 2\r\n\r\nxx"), {Failure.PROTOCOL}),
    "a length and chunks": (
        says(OK + b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
        {Failure.PROTOCOL},
    ),
    "a chunk that is none": (says(OK + b"transfer-encoding: chunked\r\n\r\nxyz\r\n"), {Answer(200), Failure.PROTOCOL}),
    "another protocol from now on": (
        says(b"HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n???"),
        {Answer(101)},
    ),
    # Those whose wishes go too far.
    "wishes us away for ages": (
        says(b"HTTP/1.1 429 No\r\nretry-after: " + b"9" * 50 + b"\r\ncontent-length: 0\r\n\r\n"),
        {Answer(429, "9" * 50)},
    ),
    "wishes us away until a day that no calendar has": (
        says(b"HTTP/1.1 503 No\r\nretry-after: Fri, 31 Feb 99999 25:61:61 GMT\r\ncontent-length: 0\r\n\r\n"),
        {Answer(503, "Fri, 31 Feb 99999 25:61:61 GMT")},
    ),
    "is gone": (says(b"HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n"), {Answer(410)}),
}


@both_senders
@pytest.mark.parametrize(("behave", "expected"), HOSTILE.values(), ids=HOSTILE.keys())
async def test_a_hostile_receiver_holds_a_slot_no_longer_than_the_deadline_and_is_called_what_it_is(
    made: Callable[..., Sender], behave: Behaviour, expected: set[Result]
) -> None:
    async with raw_server(behave) as server, sending(made) as sender:
        result = await in_time(sender, a_call(server.url(), DEADLINE_S))
    assert result in expected
    assert server.connections == 1, "what may have been sent is not sent again by itself"


FLOODS = [name for name in HOSTILE if any(word in name for word in ("without end", "until", "megabyte", "bomb"))]
HELD_MAX = 6_000_000
"""Bytes that a call may have in memory at a time, those of the test's own server included: some reads of 256 KiB on
either side, and a megabyte that waits to be written."""


@pytest.mark.parametrize("name", FLOODS)
async def test_a_flood_takes_little_memory_however_much_comes(name: str) -> None:
    behave, expected = HOSTILE[name]
    async with raw_server(behave) as server, sending(SENDERS[0]) as sender:
        tracemalloc.start()
        try:
            assert await in_time(sender, a_call(server.url(), DEADLINE_S)) in expected
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert most < HELD_MAX


@both_senders
async def test_who_resets_while_a_large_request_is_still_on_its_way_has_not_answered(
    made: Callable[..., Sender],
) -> None:
    async def behave(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reset(writer)

    async with raw_server(behave) as server, sending(made) as sender:
        result = await in_time(sender, a_call(server.url(), DEADLINE_S, bytes(1_000_000)))
    assert result == Failure.DISCONNECTED
    assert server.connections == 1, "what may have been sent is not sent again by itself"


@both_senders
async def test_a_receiver_that_never_accepts_is_given_up_at_the_deadline(made: Callable[..., Sender]) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=1) as full:
        waiting = []
        for _ in range(4):  # until the kernel takes no more
            waiting.append(socket.socket())
            waiting[-1].setblocking(False)
            waiting[-1].connect_ex(full.getsockname())
        async with sending(made) as sender:
            result = await in_time(sender, a_call(f"http://127.0.0.1:{full.getsockname()[1]}/", DEADLINE_S))
        for each in waiting:
            each.close()
    assert result == Failure.TIMEOUT


@both_senders
@pytest.mark.parametrize("end", [reset, lambda writer: writer.close()], ids=["resets", "closes"])
async def test_who_takes_a_connection_only_to_end_it_is_known_for_it_at_once(
    made: Callable[..., Sender], end: Callable[[asyncio.StreamWriter], None]
) -> None:
    async def behave(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        end(writer)

    async with raw_server(behave, greet=False) as server, sending(made) as sender:
        for _ in range(10):
            assert await sender.send(a_call(server.url(), 60)) == Failure.DISCONNECTED, "and no timeout"


@both_senders
@pytest.mark.parametrize("apart", [False, True], ids=["in one go", "in two"])
async def test_what_a_receiver_says_beyond_its_answer_is_not_taken_for_the_next_one(
    made: Callable[..., Sender], apart: bool
) -> None:
    async def smuggle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await reader.readexactly(len(BODY))
            writer.write(OK + b"content-length: 2\r\n\r\nok")
            if apart:
                await asyncio.sleep(0)
            writer.write(b"HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n")
            await writer.drain()
            await reader.readuntil(b"\r\n\r\n")

    async with raw_server(smuggle) as server, sending(made) as sender:
        for _ in range(3):
            result = await sender.send(a_call(server.url(), DEADLINE_S))
            assert result in {Answer(200), Failure.PROTOCOL}, "a second answer must not end an endpoint"


@both_senders
async def test_an_absurd_wish_to_wait_puts_the_next_attempt_off_to_the_horizon_at_most(
    made: Callable[..., Sender],
) -> None:
    behave, _ = HOSTILE["wishes us away for ages"]
    async with raw_server(behave) as server, sending(made) as sender:
        result = await sender.send(a_call(server.url(), DEADLINE_S))
    schedule, delivery = RetrySchedule(), a_delivery(attempt=1, first_attempt_at=1_000_000)
    verdict = classify(result, 1_000_100, delivery, schedule)
    assert isinstance(verdict, Retry)
    assert verdict.slot.due_at <= schedule.horizon(1_000_000)
