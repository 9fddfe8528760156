"""Calls as an enemy, or a broken sender, makes them: answered or hung up on, counted or logged, and survived.

The server is a process of its own, and the calls are bytes in a socket: no library mends what is wrong with them.
"""

import gzip
import json
import random
import socket
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest
from hypothesis import given
from hypothesis import settings as examples_settings
from hypothesis import strategies as st

from carewire_ingress.settings import IngressSettings
from carewire_testing.free_ports import free_port
from carewire_testing_ingress.raw_http import RawAnswer, chunked, exchange, leave, post
from carewire_testing_ingress.samples import DEFINITION_ID, MRN, PATHS, PAYLOAD
from carewire_testing_ingress.served import Served, served

READ_SECONDS = 1.0
SETTLED_WITHIN_S = 20.0
SLOW_CALLERS = 300
LAWFUL = {200, 202, 400, 401, 404, 405, 408, 409, 413, 415, 422, 429, 431, 503}
MOST_GROWTH = 128 * 1024 * 1024
"""Bytes of memory by which all hostile calls together may make the process grow: what a busy process holds."""

FORM = b"application/x-www-form-urlencoded"
MIB = 1_048_576


class Attack:
    """The server, its webhook, and every answer that was given."""

    def __init__(self, server: Served, webhook: Any) -> None:
        self.server = server
        self.path = urlsplit(webhook["url"]).path.encode()
        self.webhook_id = webhook["id"]
        self.answers: list[RawAnswer] = []
        self.unanswered = 0
        """Exchanges without an answer of the receiver: where the bytes after a call are no HTTP, or remain unread,
        the line may be cut before that answer has got through."""
        self.left = 0
        """Calls whose sender hung up before there was an answer."""
        self.first_memory = server.memory

    def send(self, *parts: bytes, **how: Any) -> list[RawAnswer]:
        """Send parts over one connection; no answer may be one that the reference of answers does not name."""
        answers = exchange(self.server.port, *parts, **how)
        self.answers += answers
        self.unanswered += not any(answer.is_ours for answer in answers)
        assert {answer.status for answer in answers} <= LAWFUL
        return answers

    def status(self, *parts: bytes, **how: Any) -> int | None:
        """The status of the one answer; None where the line was cut without any."""
        return next((answer.status for answer in self.send(*parts, **how)), None)

    def logged(self) -> int:
        """How many requests of the webhook are in the log."""
        count, query = 0, {"webhook_id": self.webhook_id, "limit": "200"}
        while True:
            page = self.server.admin.get("/v1/requests", params=query).raise_for_status().json()
            count += len(page["items"])
            if page["next_cursor"] is None:
                return count
            query["cursor"] = page["next_cursor"]


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for what the other process does in its own time."""
    end = time.monotonic() + SETTLED_WITHIN_S
    while not condition():
        assert time.monotonic() < end, "it never came to be so"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def attack(settings: IngressSettings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attack]:
    log: Path = tmp_path_factory.mktemp("hostile") / "ingress.log"
    impatient = dict.fromkeys(("CAREWIRE_BODY_READ_SECONDS", "CAREWIRE_HEAD_READ_SECONDS"), str(READ_SECONDS))
    with served(settings, free_port(), log, **impatient) as server:
        body = {"name": "Target", "definition_id": DEFINITION_ID, "mapping": PATHS}
        webhook = server.admin.post("/v1/incoming-webhooks", json=body).raise_for_status().json()
        server.admin.post(f"/v1/incoming-webhooks/{webhook['id']}/enable").raise_for_status()
        under_attack = Attack(server, webhook)
        while under_attack.status(post(under_attack.path, orjson.dumps(PAYLOAD))) != 202:
            pass
        yield under_attack


def changed(**fields: bytes) -> bytes:
    """The good payload with some fields as raw JSON."""
    raw = {name: orjson.dumps(value) for name, value in PAYLOAD.items()} | fields
    return b"{" + b",".join(b'"%b":%b' % (name.encode(), value) for name, value in raw.items()) + b"}"


GOOD = orjson.dumps(PAYLOAD)
NOT_JSON = {
    "nothing": b"",
    "a blank": b" ",
    "an open brace": b"{",
    "an open list": b"[1,",
    "cut in a string": GOOD[: GOOD.index(b"Ada") + 2],
    "cut before the last byte": GOOD[:-1],
    "one byte too many": GOOD + b"}",
    "two documents": GOOD + GOOD,
    "a missing value": b'{"a":}',
    "a trailing comma": b'{"a":1,}',
    "a bare key": b"{a:1}",
    "single quotes": b"{'a':1}",
    "a comment": b'{"a":1} // yes',
    "NaN": changed(pain=b"NaN"),
    "Infinity": changed(pain=b"-Infinity"),
    "a plus sign": changed(pain=b"+4"),
    "a leading zero": changed(pain=b"04"),
    "hexadecimal": changed(pain=b"0x4"),
    "a NUL byte in a string": changed(patient=b'{"name":"A\x00B"}'),
    "a NUL byte after it": GOOD + b"\x00",
    "only NUL bytes": bytes(1_000),
    "a line break in a string": changed(patient=b'{"name":"A\nB"}'),
    "a lone surrogate": changed(patient=b'{"name":"\\ud800"}'),
    "a cut escape": changed(patient=b'{"name":"\\u12"}'),
    "an unknown escape": changed(patient=b'{"name":"\\x41"}'),
    "Latin-1": changed(patient='{"name":"Zoë"}'.encode("latin-1")),
    "an overlong slash": changed(patient=b'{"name":"\xc0\xaf"}'),
    "a surrogate in UTF-8": changed(patient=b'{"name":"\xed\xa0\x80"}'),
    "beyond Unicode": changed(patient=b'{"name":"\xf5\x80\x80\x80"}'),
    "cut in a character": changed(patient=b'{"name":"\xe2\x82"}'),
    "UTF-8 with a BOM": b"\xef\xbb\xbf" + GOOD,
    "UTF-16 with a BOM": GOOD.decode().encode("utf-16"),
    "UTF-16 without": GOOD.decode().encode("utf-16-le"),
    "UTF-32": GOOD.decode().encode("utf-32"),
    "gzip": gzip.compress(GOOD),
    "100,000 open lists": b"[" * 100_000,
    "100,000 open objects": b'{"a":' * 100_000,
    "100,000 lists": b"[" * 100_000 + b"]" * 100_000,
    "100,000 objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "XML": b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
    "pickle": b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x8c\x07payload\x94.",
}


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON)
def test_what_is_no_json_is_rejected_with_its_reason(attack: Attack, body: bytes) -> None:
    (answer,) = attack.send(post(attack.path, body))
    assert answer.status == 422
    assert orjson.loads(answer.body)["reasons"]
    assert answer.request_id is not None


WRONG_VALUES = {
    "null": b"null",
    "a number": b"1",
    "a string": b'"x"',
    "a list": b"[]",
    "an empty object": b"{}",
    "a number beyond all": changed(pain=b"1e999"),
    "a number below all": changed(pain=b"-1e999"),
    "a number of 10,000 digits": changed(pain=b"9" * 10_000),
    "a number of 100,000 digits": changed(pain=b"1" + b"0" * 100_000),
    "one more than 64 bits": changed(pain=b"18446744073709551616"),
    "an exponent of 20 digits": changed(pain=b"1e99999999999999999999"),
    "a duplicate key whose last value is wrong": changed(pain=b'4,"pain":99'),
    "an escaped NUL in an identifier": changed(
        patient_identifier=b'{"system":"%b","value":"N\\u0000C"}' % MRN.encode()
    ),
    "an identifier of a megabyte": changed(
        patient_identifier=b'{"system":"%b","value":"%b"}' % (MRN.encode(), b"9" * 900_000)
    ),
    "an identifier of blanks": changed(patient_identifier=b'{"system":"%b","value":"\\u2003 "}' % MRN.encode()),
    "an unknown system": changed(patient_identifier=b'{"system":"javascript:alert(1)","value":"1"}'),
    "a list for an object": changed(surgery=b"[[[[]]]]"),
    "a date of the year 99999": changed(surgery=b'{"date":"99999-01-01"}'),
    "a date that is no day": changed(surgery=b'{"date":"2026-02-30"}'),
    "an object for a string": changed(patient=b'{"name":{"__proto__":{"admin":true}}}'),
}


@pytest.mark.parametrize("body", WRONG_VALUES.values(), ids=WRONG_VALUES)
def test_wrong_values_are_rejected_with_their_reasons(attack: Attack, body: bytes) -> None:
    assert attack.status(post(attack.path, body)) == 422


STRANGE_BUT_GOOD = {
    "a duplicate key whose last value is good": changed(pain=b'99,"pain":4'),
    "50,000 further keys": changed(**{f"k{number}": b"0" for number in range(50_000)}),
    "a string of 900,000 characters nobody asked for": changed(more=b'"%b"' % (b"x" * 900_000)),
    "escaped everything": changed(patient=b'{"name":"%b"}' % b"".join(b"\\u%04x" % ord(one) for one in "Ada 🦄"[:4])),
    "blanks around it": b"\r\n\t " * 1_000 + GOOD + b" " * 1_000,
    "keys of JavaScript": changed(__proto__=b'{"admin":true}', constructor=b"1"),
    "a number in another notation": changed(pain=b"40000000000e-10"),
}


@pytest.mark.parametrize("body", STRANGE_BUT_GOOD.values(), ids=STRANGE_BUT_GOOD)
def test_what_is_strange_but_good_is_accepted_or_refused_with_a_reason(attack: Attack, body: bytes) -> None:
    assert attack.status(post(attack.path, body)) in (202, 422)


FORMS = {
    "100,000 fields": b"&".join(b"f%d=1" % number for number in range(100_000)),
    "one field 100,000 times": b"&".join([b"f=1"] * 100_000),
    "a megabyte of ampersands": b"&" * MIB,
    "a megabyte of equals signs": b"=" * MIB,
    "invalid UTF-8": b"name=\xff\xfe",
    "invalid UTF-8, escaped": b"name=%ff%fe",
    "cut escapes": b"name=%&other=%4&third=%zz",
    "NUL": b"name=%00&%00=1",
    "brackets without end": b"a" + b"[a]" * 50_000 + b"=1",
    "JSON": GOOD,
    "nothing": b"",
}


@pytest.mark.parametrize("body", FORMS.values(), ids=FORMS)
def test_hostile_forms_are_rejected(attack: Attack, body: bytes) -> None:
    assert attack.status(post(attack.path, body, FORM)) == 422


@pytest.mark.parametrize(
    "content_type",
    [
        b"text/plain",
        b"text/xml",
        b"application/xml",
        b"application/octet-stream",
        b"application/x-protobuf",
        b"application/gzip",
        b"multipart/form-data; boundary=x",
        b"image/svg+xml",
        b"application/json, text/xml",
        b"application/jsonp",
        b"\xff\xfe\xfd",
        b"x" * 4_000,
    ],
)
def test_other_content_types_are_not_read(attack: Attack, content_type: bytes) -> None:
    assert attack.status(post(attack.path, GOOD, content_type)) == 415


@cache
def deflated() -> bytes:
    return zlib.compress(bytes(200 * MIB), 9)


@cache
def gzipped() -> bytes:
    return gzip.compress(bytes(64 * MIB), 9)


@pytest.mark.parametrize("encoding", [b"gzip", b"deflate", b"br", b"zstd", b"GZIP", b"gzip, gzip", b"x-unknown"])
def test_compressed_bodies_are_not_unpacked(attack: Attack, encoding: bytes) -> None:
    bomb = deflated() if encoding == b"deflate" else gzipped()
    assert len(bomb) < MIB
    before = attack.server.memory
    assert attack.status(post(attack.path, bomb, b"application/json", b"Content-Encoding: " + encoding)) == 415
    assert attack.server.memory - before < 16 * MIB


def test_a_gzip_bomb_that_calls_itself_json_is_no_json(attack: Attack) -> None:
    assert attack.status(post(attack.path, gzip.compress(bytes(64 * MIB), 9))) == 422


def test_a_body_that_drips_is_given_up(attack: Attack) -> None:
    drops = [GOOD[at : at + 1] for at in range(30)]
    assert attack.status(*chunked(attack.path, *drops, end=b""), pause_s=READ_SECONDS / 20) == 408


def test_a_body_that_never_comes_is_given_up(attack: Attack) -> None:
    assert attack.status(post(attack.path, GOOD)[:-10]) == 408


@pytest.mark.parametrize("size", [1, 1_000, 65_536, 4 * MIB])
def test_chunks_without_end_are_cut_at_the_cap(attack: Attack, size: int) -> None:
    count = 3 * MIB // size if size >= 1_000 else 50_000
    before = attack.server.memory
    status = attack.status(*chunked(attack.path, b"".join([b" "] * size), *[b" " * size] * count, end=b""))
    assert status in ((413, None) if size >= 1_000 else (408, 413))
    assert attack.server.memory - before < 48 * MIB


WRONG_FRAMING = {
    "a length that is no number": b"POST {path} HTTP/1.1\r\nHost: t\r\nContent-Length: many\r\n\r\n{}",
    "a negative length": b"POST {path} HTTP/1.1\r\nHost: t\r\nContent-Length: -1\r\n\r\n{}",
    "a length of 40 digits": b"POST {path} HTTP/1.1\r\nHost: t\r\nContent-Length: " + b"9" * 40 + b"\r\n\r\n{}",
    "two lengths": b"POST {path} HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\nContent-Length: 4\r\n\r\n{}{}",
    "length and chunks": b"POST {path} HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    "a chunk that is no number": b"POST {path} HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n{}\r\n",
    "a chunk of 2^64 bytes": b"POST {path} HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
    + b"f" * 17
    + b"\r\n{}\r\n",
    "a header without a name": b"POST {path} HTTP/1.1\r\nHost: t\r\n: value\r\n\r\n",
    "a NUL in a header": b"POST {path} HTTP/1.1\r\nHost: t\r\nX-A: a\x00b\r\n\r\n",
    "a line break in a header": b"POST {path} HTTP/1.1\r\nHost: t\r\nX-A: a\rX-B: b\r\n\r\n",
    "a NUL in the path": b"POST {path}\x00 HTTP/1.1\r\nHost: t\r\n\r\n",
    "no version": b"POST {path}\r\n\r\n",
    "version 9": b"POST {path} HTTP/9.9\r\nHost: t\r\n\r\n",
    "an unknown method": b"BREW {path} HTTP/1.1\r\nHost: t\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(100),
    "noise": random.Random(5).randbytes(4_096),
}


@pytest.mark.parametrize("raw", WRONG_FRAMING.values(), ids=WRONG_FRAMING)
def test_what_is_no_http_is_refused_or_cut(attack: Attack, raw: bytes) -> None:
    answers = attack.send(raw.replace(b"{path}", attack.path), answers=3, ends_writing=True)
    assert not {answer.status for answer in answers} & {200, 202}


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_are_not_allowed(attack: Attack, method: str) -> None:
    assert attack.status(b"%b %b HTTP/1.1\r\nHost: t\r\n\r\n" % (method.encode(), attack.path)) == 405


@pytest.mark.parametrize(
    "path",
    [b"/hooks/", b"/hooks/%00", b"/hooks/%2e%2e/v1", b"/hooks/..;/", b"/hooks/x/test/test", b"/hooks/" + b"a" * 60_000],
    ids=["empty", "NUL", "dots", "semicolon", "test of a test", "60,000 characters"],
)
def test_paths_of_nobody_are_unknown(attack: Attack, path: bytes) -> None:
    assert attack.status(post(path, GOOD)) in (404, 431, 400, None)


FLOODS = {
    "1,000 headers": [b"X-%d: %b\r\n" % (number, b"a" * 1_000) for number in range(1_000)],
    "a header of 8 MiB": [b"X-A: ", *[b"a" * 65_536] * 128],
    "100,000 tiny headers": [b"A:b\r\n"] * 100_000,
    "a header name of 1 MiB": [b"X" * MIB, b": a\r\n"],
}


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
def test_floods_of_headers_are_bounded(attack: Attack, flood: list[bytes]) -> None:
    before, head = attack.server.memory, b"POST %b HTTP/1.1\r\nHost: t\r\n" % attack.path
    assert attack.status(head, b"".join(flood), b"Content-Length: 0\r\n\r\n") in (431, None)
    assert attack.server.is_alive
    assert attack.server.memory - before < 64 * MIB


def test_hundreds_who_never_finish_keep_nobody_waiting_and_are_cut(attack: Attack) -> None:
    with ExitStack() as lines:
        slow = [
            lines.enter_context(closing(socket.create_connection(("127.0.0.1", attack.server.port), timeout=20)))
            for _ in range(SLOW_CALLERS)
        ]
        for number, line in enumerate(slow):
            line.sendall([b"", b"POST /hooks/x HTTP/1.1\r\nX-A: ", b"P"][number % 3])
        assert attack.status(post(attack.path, GOOD)) == 202
        for line in slow:
            while line.recv(65_536):
                pass


def test_pipelined_calls_are_answered_each_in_turn(attack: Attack) -> None:
    calls = [post(attack.path, GOOD), post(attack.path, b"{"), post(attack.path, b"", b"text/xml")] * 20
    answers = attack.send(b"".join(calls), answers=len(calls))
    assert [answer.status for answer in answers] == [202, 422, 415] * 20


def test_a_body_longer_than_it_says_begins_another_call(attack: Attack) -> None:
    answers = attack.send(post(attack.path, GOOD) + b"surplus\r\n\r\n", answers=2, ends_writing=True)
    assert [answer.status for answer in answers] in ([202], [202, 400], [400], [])


NAMES = st.sampled_from([*PAYLOAD, "date", "name", "system", "value", "of nobody"])
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=20,
)
ANY_BODY = st.one_of(
    st.binary(max_size=2_000),
    ANY_JSON.map(lambda value: json.dumps(value).encode()),
    st.builds(
        lambda at, damage: GOOD[:at] + damage + GOOD[at + 1 :],
        st.integers(0, len(GOOD) - 1),
        st.binary(min_size=1, max_size=3),
    ),
)
ANY_TYPE = st.sampled_from([b"application/json", b"application/fhir+json", FORM, b"", b"text/plain"])


@examples_settings(max_examples=200, deadline=None)
@given(body=ANY_BODY, content_type=ANY_TYPE)
def test_any_bytes_at_all_get_a_lawful_answer(attack: Attack, body: bytes, content_type: bytes) -> None:
    assert attack.status(post(attack.path, body, content_type)) in (202, 415, 422)


def test_a_caller_that_hangs_up_within_its_body_is_counted(attack: Attack) -> None:
    before = attack.server.total("carewire_requests")
    for _ in range(20):
        leave(attack.server.port, post(attack.path, GOOD)[:-10])
        attack.left += 1
    wait_until(lambda: attack.server.total("carewire_requests") == before + 20)


def test_after_all_this_the_process_lives_and_every_call_was_counted_or_logged(attack: Attack) -> None:
    """Runs last: it is the sum of all that stands above."""
    server = attack.server
    assert server.is_alive
    assert server.memory - attack.first_memory < MOST_GROWTH
    ours = [answer for answer in attack.answers if answer.is_ours]
    gone = server.total("carewire_requests", 'status="caller_gone"')
    assert gone >= attack.left
    assert 0 <= server.total("carewire_requests") - gone - len(ours) <= attack.unanswered
    assert server.total("carewire_http_refused") >= len(attack.answers) - len(ours)
    named = {answer.request_id for answer in ours if answer.request_id is not None}
    assert len(named) > 100
    not_logged = server.total("carewire_refused_not_logged")
    wait_until(lambda: 0 <= attack.logged() + not_logged - len(named) <= attack.unanswered)
    assert attack.status(post(attack.path, GOOD)) == 202
