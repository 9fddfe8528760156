"""The probe: one request in the broker's own protocol, and an honest no to everything else."""

import socket
import struct
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from carewire_local.kafka_probe import serves


@contextmanager
def broker(*answers: bytes) -> Iterator[tuple[int, "Future[bytes]"]]:
    """Answer one connection piece by piece, then hang up; the future holds what was asked."""
    with socket.socket() as listening, ThreadPoolExecutor(1) as pool:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1], pool.submit(_answer, listening, answers)


def _answer(listening: socket.socket, answers: tuple[bytes, ...]) -> bytes:
    connection, _ = listening.accept()
    with connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        size = struct.unpack(">i", connection.recv(4))[0]
        asked = connection.recv(size)
        for piece in answers:
            connection.sendall(piece)
    return asked


def metadata(brokers: int) -> bytes:
    """An answer with that many registered brokers."""
    body = struct.pack(">ii", 1, brokers) + b"and the rest"
    return struct.pack(">i", len(body)) + body


@pytest.mark.parametrize(("brokers", "answer"), [(1, True), (3, True), (0, False)])
def test_it_serves_once_a_broker_is_registered(brokers: int, answer: bool) -> None:
    with broker(metadata(brokers)) as (port, _):
        assert serves("127.0.0.1", port) is answer


def test_it_asks_for_metadata_without_topics_under_its_own_name() -> None:
    with broker(metadata(1)) as (port, asked):
        serves("127.0.0.1", port)
    key, version, correlation, length = struct.unpack_from(">hhih", asked.result())
    assert (key, version, correlation) == (3, 1, 1)
    assert asked.result()[10 : 10 + length] == b"carewire-probe"
    assert struct.unpack_from(">i", asked.result(), 10 + length)[0] == 0


def test_an_answer_may_come_in_pieces() -> None:
    whole = metadata(1)
    with broker(whole[:2], whole[2:7], whole[7:]) as (port, _):
        assert serves("127.0.0.1", port)


@pytest.mark.parametrize("answer", [b"", b"\x00\x00", metadata(1)[:9]], ids=["nothing", "half a size", "half a body"])
def test_who_hangs_up_before_the_end_does_not_serve(answer: bytes) -> None:
    with broker(answer) as (port, _):
        assert not serves("127.0.0.1", port)


def test_a_port_that_nobody_listens_on_does_not_serve() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        assert not serves("127.0.0.1", taken.getsockname()[1])


def test_who_stays_silent_does_not_serve() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        assert not serves("127.0.0.1", listening.getsockname()[1], timeout_s=0.05)


def test_a_name_that_no_one_knows_does_not_serve() -> None:
    assert not serves("kafka.invalid", 9092)
