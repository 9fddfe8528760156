"""Reading answers: the same whatever pieces they come in, and never more than is worth reading."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_dispatcher.adapters.delivery_client.answer import BODY_MAX, HEAD_MAX, AnswerReader
from carewire_dispatcher.domain.classify import Answer

OK = b"HTTP/1.1 200 OK\r\n"
EMPTY = b"content-length: 0\r\n\r\n"
SOUND = [
    OK + EMPTY,
    OK + b"content-length: 5\r\n\r\nhello",
    OK + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    OK + b"transfer-encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nx-trailer: 1\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 503 Busy\r\nRetry-After: 120\r\ncontent-length: 0\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nretry-after: 9\r\n\r\n" + OK + EMPTY,
    OK + b"connection: close\r\ncontent-length: 2\r\n\r\nok",
    OK + b"\r\nuntil the connection ends",
    OK + b"content-length: 2\r\n\r\nokand more",
    b"HTTP/1.1 429 No\r\nretry-after: 1\r\nretry-after: 2\r\ncontent-length: 0\r\n\r\n",
]


def read(*pieces: bytes, reader: AnswerReader | None = None) -> AnswerReader:
    """Read pieces until nothing further is wanted."""
    reader = reader or AnswerReader()
    reader.begin()
    for number, piece in enumerate(pieces):
        if reader.feed(piece):
            # What is left in the connection makes it useless for another answer.
            reader.reusable = reader.reusable and number == len(pieces) - 1
            break
    return reader


def split(data: bytes, places: Sequence[int]) -> list[bytes]:
    """Cut data at some places."""
    edges = [0, *sorted({place % len(data) for place in places}), len(data)]
    return [data[start:end] for start, end in pairwise(edges) if start < end]


@given(st.sampled_from(SOUND), st.lists(st.integers(0, 1_000), max_size=8))
def test_an_answer_is_the_same_in_whatever_pieces_it_comes(data: bytes, places: list[int]) -> None:
    whole, pieced = read(data), read(*split(data, places))
    assert (pieced.answer, pieced.reusable) == (whole.answer, whole.reusable)


@given(st.binary(max_size=400), st.lists(st.integers(0, 1_000), max_size=8))
def test_no_bytes_whatever_make_it_raise(data: bytes, places: list[int]) -> None:
    read(*split(data, places) if data else [])


@given(st.sampled_from(SOUND), st.integers(0, 200), st.binary(min_size=1, max_size=3))
def test_no_answer_with_bytes_changed_makes_it_raise(data: bytes, at: int, change: bytes) -> None:
    at %= len(data)
    read(data[:at] + change + data[at + len(change) :])


@pytest.mark.parametrize(
    ("data", "answer", "reusable"),
    [
        (SOUND[0], Answer(200), True),
        (SOUND[1], Answer(200), True),
        (SOUND[2], Answer(200), True),
        (SOUND[3], Answer(200), True),
        (SOUND[4], Answer(204), True),
        (SOUND[5], Answer(503, "120"), True),
        (SOUND[6], Answer(200), True),
        (SOUND[7], Answer(200), False),
        (SOUND[8], Answer(200), False),
        (SOUND[9], Answer(200), False),
        (SOUND[10], Answer(429, "1"), True),
        (OK + EMPTY + OK + EMPTY, Answer(200), False),
        (OK + EMPTY + b"HTTP/1.1 410 Gone\r\n" + EMPTY, Answer(200), False),
        (b"HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n", Answer(101), False),
        (b"HTTP/1.0 200 OK\r\n" + EMPTY, Answer(200), False),
        (b"HTTP/1.1 100 Continue\r\n\r\n", None, False),
        (OK, None, False),
        (b"+PONG\r\n", None, False),
        (OK + b"content-length: 1\r\ncontent-length: 2\r\n\r\n", None, False),
        (OK + b"transfer-encoding: chunked\r\n\r\nno chunk\r\n", Answer(200), False),
        (b"HTTP/1.1 429 No\r\nretry-after: \xff\r\ncontent-length: 0\r\n\r\n", Answer(429, "ÿ"), True),
    ],
)
def test_of_an_answer_its_status_its_wish_and_the_use_of_its_connection_are_known(
    data: bytes, answer: Answer | None, reusable: bool
) -> None:
    reader = read(data)
    assert (reader.answer, reader.reusable) == (answer, reusable)


def test_one_reader_reads_many_answers() -> None:
    reader = AnswerReader()
    for data in SOUND[:7] * 3:
        assert read(data, reader=reader).reusable
    assert read(SOUND[5], reader=reader).answer == Answer(503, "120")
    assert read(SOUND[0], reader=reader).answer == Answer(200), "no wish of an earlier answer is left"


@pytest.mark.parametrize(
    "more",
    [b"a: b\r\n", b"x", b"HTTP/1.1 100 Continue\r\n\r\n"],
    ids=["headers", "one header", "interim answers"],
)
@pytest.mark.parametrize("piece", [100, 10_000, 1_000_000])
def test_a_head_without_end_is_given_up(more: bytes, piece: int) -> None:
    reader, taken = AnswerReader(), 0
    reader.begin()
    flood = more * (piece // len(more))
    beginning = b"" if more.startswith(b"HTTP") else OK + (b"a: " if more == b"x" else b"")
    assert not reader.feed(beginning)
    while not reader.feed(flood):
        taken += len(flood)
    assert taken <= HEAD_MAX
    assert reader.answer is None


@pytest.mark.parametrize(
    ("head", "more"),
    [
        (b"content-length: 1000000000\r\n\r\n", b"x"),
        (b"\r\n", b"x"),
        (b"transfer-encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (b"transfer-encoding: chunked\r\n\r\n0\r\n", b"a: b\r\n"),
    ],
    ids=["known", "unknown", "chunks", "trailers"],
)
@pytest.mark.parametrize("piece", [100, 10_000, 1_000_000])
def test_of_a_body_without_end_no_more_is_read_than_it_is_worth(head: bytes, more: bytes, piece: int) -> None:
    reader, taken = AnswerReader(), 0
    reader.begin()
    flood = more * (piece // len(more))
    assert not reader.feed(OK + head)
    while not reader.feed(flood):
        taken += len(flood)
    assert taken <= BODY_MAX
    assert (reader.answer, reader.reusable) == (Answer(200), False)


def test_a_sound_answer_up_to_the_limits_leaves_its_connection_for_the_next() -> None:
    header = b"x-large: " + b"a" * (HEAD_MAX // 2) + b"\r\n"
    body = bytes(BODY_MAX - 100)
    reader = read(OK + header + b"content-length: %d\r\n\r\n" % len(body) + body)
    assert (reader.answer, reader.reusable) == (Answer(200), True)


def test_a_body_that_ends_within_one_read_and_is_followed_by_much_more_leaves_no_connection() -> None:
    reader = read(OK + EMPTY + bytes(100_000))
    assert (reader.answer, reader.reusable) == (Answer(200), False)


TOLD = b"content-type: text/plain\r\nX-Request-ID: r-1\r\nset-cookie: canary\r\ncontent-length: 9\r\n\r\nno such x"


@given(st.lists(st.integers(0, 1_000), max_size=8))
def test_what_the_log_keeps_is_told_in_whatever_pieces_it_comes(places: list[int]) -> None:
    reader = read(*split(b"HTTP/1.1 422 No\r\n" + TOLD, places))
    answer = reader.told()
    assert answer is not None
    assert (answer.status, answer.body) == (422, b"no such x")
    assert answer.headers == ((b"content-type", b"text/plain"), (b"x-request-id", b"r-1"))
    again = reader.told()
    assert again is not None
    assert again.body == b"", "an idle connection holds no body"


def test_each_answer_of_a_connection_tells_its_own() -> None:
    reader = read(b"HTTP/1.1 422 No\r\n" + TOLD)
    first, second = reader.told(), read(OK + b"content-length: 2\r\n\r\nok", reader=reader).told()
    assert first is not None
    assert second is not None
    assert (second.headers, second.body) == ((), b"ok")
    assert read(OK + EMPTY, reader=reader).told() == Answer(200)


def test_headers_of_interim_answers_and_trailers_are_not_the_answer_s() -> None:
    hints = b"HTTP/1.1 103 Hints\r\nserver: hint\r\n\r\n"
    trailer = b"transfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nserver: trailer\r\n\r\n"
    answer = read(hints + OK + trailer).told()
    assert answer is not None
    assert (answer.headers, answer.body) == ((), b"ok")


def test_of_a_body_without_an_end_its_beginning_is_told() -> None:
    endless = [OK + b"\r\n" + b"a" * 1_000, *[b"b" * 20_000] * 3]
    answer = read(*endless).told()
    assert answer is not None
    assert (len(answer.body), answer.body[:1_001]) == (BODY_MAX, b"a" * 1_000 + b"b")


def test_where_there_is_no_answer_nothing_is_told() -> None:
    assert read(b"junk").told() is None
