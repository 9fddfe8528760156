"""What is written in one turn of the event loop leaves in one piece, in order, and nothing stays behind."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_runtime.http.gathering import _AT_ONCE, _GatheringTransport


class Wire:
    """A transport that writes down what it was given, piece by piece."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.closed_after: int | None = None

    def write(self, data: bytes) -> None:
        self.pieces.append(data)

    def close(self) -> None:
        self.closed_after = len(b"".join(self.pieces))

    def is_closing(self) -> bool:
        return self.closed_after is not None

    def get_extra_info(self, name: str) -> str:
        return f"info of {name}"


def gathering() -> tuple[Any, Wire]:
    wire = Wire()
    return _GatheringTransport(wire, asyncio.get_running_loop()), wire


async def test_head_and_body_of_one_turn_are_one_piece() -> None:
    transport, wire = gathering()
    transport.write(b"HTTP/1.1 200 OK\r\n\r\n")
    transport.write(b"body")
    assert wire.pieces == []
    await asyncio.sleep(0)
    assert wire.pieces == [b"HTTP/1.1 200 OK\r\n\r\nbody"]


async def test_what_is_written_in_another_turn_is_another_piece() -> None:
    transport, wire = gathering()
    for piece in (b"a", b"b"):
        transport.write(piece)
        await asyncio.sleep(0)
    assert wire.pieces == [b"a", b"b"]


async def test_a_long_piece_is_not_held_back_and_takes_along_what_stands_before_it() -> None:
    transport, wire = gathering()
    transport.write(b"head")
    transport.write(b"x" * _AT_ONCE)
    assert [len(piece) for piece in wire.pieces] == [_AT_ONCE + 4]
    transport.write(b"tail")
    await asyncio.sleep(0)
    assert wire.pieces[1:] == [b"tail"]


async def test_a_close_comes_after_what_was_written() -> None:
    transport, wire = gathering()
    transport.write(b"goodbye")
    transport.close()
    assert (wire.pieces, wire.closed_after) == ([b"goodbye"], 7)
    await asyncio.sleep(0)
    assert wire.pieces == [b"goodbye"]


async def test_in_everything_else_it_is_the_transport_itself() -> None:
    transport, _ = gathering()
    assert transport.get_extra_info("peername") == "info of peername"
    assert transport.is_closing() is False
    transport.close()
    assert transport.is_closing() is True
    with pytest.raises(AttributeError):
        _ = transport.no_such_thing


@given(st.lists(st.one_of(st.none(), st.binary(max_size=8)), max_size=30))
async def test_every_byte_arrives_in_order_however_it_was_written(steps: list[bytes | None]) -> None:
    """Each step is a write, or the end of a turn."""
    transport, wire = gathering()
    for step in steps:
        if step is None:
            await asyncio.sleep(0)
        else:
            transport.write(step)
    transport.close()
    assert b"".join(wire.pieces) == b"".join(step for step in steps if step is not None)
    assert wire.closed_after == sum(map(len, wire.pieces))
    assert len(wire.pieces) <= steps.count(None) + 1
