from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_dispatcher.adapters.attempt_log import latest
from carewire_dispatcher.domain.classify import Answer, Failure, Retry, Verdict
from carewire_dispatcher.domain.ending import End, EndReason, EndStatus
from carewire_dispatcher.domain.exchange import KeptAnswer, sent_request
from carewire_dispatcher.domain.log_entry import DeliveryStatus, LogEntry, Tried, UnreadableEntry
from carewire_dispatcher.domain.schedule import Slot
from carewire_testing_dispatcher.deliveries import a_delivery

NOW = 1_700_000_000_000
ATTEMPT_ID = "0190f5d2-8a10-7cc1-9d2b-64d1d0c3d001"
RETRY = Retry(Slot(1, NOW + 2_000))
DELIVERED = End(EndStatus.DELIVERED)
FAILED = End(EndStatus.FAILED, EndReason.EXHAUSTED)
HELD = End(EndStatus.HELD, EndReason.ENDPOINT_DISABLED)
verdicts = st.sampled_from([RETRY, DELIVERED, FAILED])
results = st.sampled_from(Failure) | st.builds(Answer, st.integers(100, 599))


def an_entry(verdict: Verdict, attempt: int = 1, epoch: int = 0, at: int = NOW) -> LogEntry:
    return LogEntry.of(a_delivery(attempt=attempt, epoch=epoch), verdict, at)


@given(verdicts, st.none() | results)
def test_an_entry_survives_the_wire(verdict: Verdict, result: Answer | Failure | None) -> None:
    tried = None if result is None else Tried.of(ATTEMPT_ID, NOW - 5, NOW, result)
    entry = LogEntry.of(a_delivery(attempt=1, first_attempt_at=NOW - 5), verdict, NOW, tried)
    assert LogEntry.decode(entry.encode()) == entry


def test_no_payload_goes_into_the_log() -> None:
    delivery = a_delivery(body=b'{"patient":"canary"}')
    assert b"canary" not in LogEntry.of(delivery, DELIVERED, NOW).encode()


def test_a_retry_says_when_and_an_end_says_why() -> None:
    assert an_entry(RETRY).next_attempt_at == NOW + 2_000
    assert an_entry(RETRY).status is DeliveryStatus.RETRYING
    ended = an_entry(HELD)
    assert (ended.status, ended.reason, ended.next_attempt_at) == ("held", "endpoint_disabled", None)


@pytest.mark.parametrize("value", [None, b"", b"[]", b"{}", b"null", b'{"tried":null,"status":"odd"}'])
def test_anything_else_is_refused(value: bytes | None) -> None:
    with pytest.raises(UnreadableEntry):
        LogEntry.decode(value)


@pytest.mark.parametrize("more", [b"[" * 100_000 + b"]" * 100_000, b'"\xff'], ids=["too deep", "no UTF-8"])
def test_what_a_decoder_chokes_on_is_refused_as_well(more: bytes) -> None:
    with pytest.raises(UnreadableEntry):
        LogEntry.decode(an_entry(RETRY).encode()[:-1] + b',"event_id":' + more + b"}")
    with pytest.raises(UnreadableEntry):
        LogEntry.decode(an_entry(RETRY).encode()[:-1] + b',"more":' + more + b"}")


def on_the_wire(fields: dict[str, Any], tried: dict[str, Any]) -> bytes:
    """An entry with some of its fields, and of its attempt's, written otherwise."""
    entry = LogEntry.of(a_delivery(attempt=1), DELIVERED, NOW, Tried.of(ATTEMPT_ID, NOW - 5, NOW, Answer(200)))
    written = orjson.loads(entry.encode())
    return orjson.dumps(written | fields | {"tried": written["tried"] | tried})


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"delivery_id": "seven"}, id="an id that is no uuid"),
        pytest.param({"endpoint_id": 7}, id="an id that is a number"),
        pytest.param({"event_id": None}, id="no event id"),
        pytest.param({"event_id": "a\0b"}, id="NUL, which no text in Postgres may hold"),
        pytest.param({"event_type": ["pathway.completed"]}, id="a list for a text"),
        pytest.param({"event_topic": {}}, id="an object for a text"),
        pytest.param({"reason": "gone\0"}, id="NUL in a reason"),
        pytest.param({"event_partition": 2**31}, id="a partition beyond its column"),
        pytest.param({"event_offset": -1}, id="a negative offset"),
        pytest.param({"event_offset": 2**63}, id="an offset beyond its column"),
        pytest.param({"event_at": "2026-03-02"}, id="a date as text"),
        pytest.param({"event_at": 253_402_300_800_000}, id="a moment in the year 10000"),
        pytest.param({"at": -1}, id="a moment before 1970"),
        pytest.param({"at": 1.5}, id="a broken millisecond"),
        pytest.param({"epoch": True}, id="a truth for a number"),
        pytest.param({"attempts": "1"}, id="a number as text"),
        pytest.param({"next_attempt_at": "soon"}, id="a next attempt that is no moment"),
        pytest.param({"status": None}, id="no status"),
    ],
)
def test_an_entry_that_the_tables_would_refuse_is_refused_at_once(fields: dict[str, Any]) -> None:
    with pytest.raises(UnreadableEntry):
        LogEntry.decode(on_the_wire(fields, {}))


@pytest.mark.parametrize(
    "tried",
    [
        pytest.param({"id": "first"}, id="an id that is no uuid"),
        pytest.param({"started_at": None}, id="no start"),
        pytest.param({"started_at": 10**18}, id="a start beyond all calendars"),
        pytest.param({"duration": -1}, id="a negative duration"),
        pytest.param({"duration": 2**31}, id="a duration beyond its column"),
        pytest.param({"status_code": "200"}, id="a status as text"),
        pytest.param({"failure": "time\0out"}, id="NUL in a failure"),
    ],
)
def test_so_is_one_whose_attempt_they_would_refuse(tried: dict[str, Any]) -> None:
    with pytest.raises(UnreadableEntry):
        LogEntry.decode(on_the_wire({}, tried))


def test_what_a_newer_release_adds_is_left_alone() -> None:
    assert LogEntry.decode(on_the_wire({"more": 1}, {"more": 1})) == LogEntry.decode(on_the_wire({}, {}))


def test_what_the_tables_can_just_hold_is_taken() -> None:
    edge = {"event_offset": 2**63 - 1, "event_partition": 2**31 - 1, "epoch": 0, "event_at": 0, "reason": None}
    decoded = LogEntry.decode(on_the_wire(edge, {"status_code": None, "failure": "timeout"}))
    assert (decoded.event_offset, decoded.event_at, decoded.tried and decoded.tried.failure) == (
        2**63 - 1,
        0,
        "timeout",
    )


@pytest.mark.parametrize(
    ("later", "earlier"),
    [
        (an_entry(RETRY, attempt=2), an_entry(RETRY, attempt=1)),
        (an_entry(RETRY, attempt=1, at=NOW + 1), an_entry(RETRY, attempt=1)),
        (an_entry(DELIVERED, attempt=1), an_entry(RETRY, attempt=2)),
        (an_entry(RETRY, attempt=1, epoch=1), an_entry(DELIVERED, attempt=3)),
        (an_entry(HELD, attempt=1), an_entry(RETRY, attempt=1, at=NOW + 60_000)),
        (an_entry(HELD, attempt=1), an_entry(RETRY, attempt=2, at=NOW + 60_000)),
        (an_entry(RETRY, attempt=3), an_entry(HELD, attempt=1, at=NOW + 60_000)),
        (an_entry(HELD, attempt=2), an_entry(HELD, attempt=1, at=NOW + 60_000)),
        (an_entry(FAILED, attempt=1), an_entry(RETRY, attempt=1, at=NOW + 60_000)),
        (an_entry(RETRY, attempt=2), an_entry(FAILED, attempt=1, at=NOW + 60_000)),
        (an_entry(RETRY, attempt=1), an_entry(RETRY, attempt=0, at=NOW + 60_000)),
    ],
    ids=[
        "another attempt",
        "the same attempt, made again",
        "delivered, whatever a copy meets",
        "made anew",
        "held after its attempt, by a worker whose clock is behind",
        "held instead of an attempt, of which the log was told before its worker was killed",
        "tried again and again, while a copy was held",
        "held later, by a worker whose clock is behind",
        "given up, by a worker whose clock is behind",
        "tried again, though it had been given up before its worker was killed",
        "tried, by a worker whose clock is behind that of who made it anew",
    ],
)
def test_the_later_state_supersedes_in_any_order(later: LogEntry, earlier: LogEntry) -> None:
    assert later.supersedes(earlier)
    assert not earlier.supersedes(later)
    assert latest([later, earlier]) == latest([earlier, later]) == [later]


states = st.builds(
    an_entry, st.sampled_from([RETRY, DELIVERED, FAILED, HELD]), st.integers(0, 4), st.integers(0, 1), st.integers(0, 3)
)


@given(states, states, states)
def test_of_any_states_one_is_the_last(one: LogEntry, other: LogEntry, third: LogEntry) -> None:
    assert one.supersedes(other) or other.supersedes(one)
    if one.supersedes(other) and other.supersedes(third):
        assert one.supersedes(third)


SENT = sent_request("https://receiver.example/hook", (("X-Key", "v"),), "thin", "flat", "Carewire/0", (1, 0, False), ())


@given(st.booleans(), st.none() | st.builds(KeptAnswer, st.just({"server": "nginx"}), st.none() | st.just("v1.k.x")))
def test_what_was_sent_and_answered_survives_the_wire(in_full: bool, answer: KeptAnswer | None) -> None:
    tried = Tried.of(ATTEMPT_ID, NOW - 5, NOW, Answer(500), SENT.id, SENT if in_full else None, answer)
    entry = LogEntry.of(a_delivery(attempt=1), RETRY, NOW, tried)
    assert LogEntry.decode(entry.encode()) == entry
    assert LogEntry.decode(entry.encode()).tried == tried


@pytest.mark.parametrize(
    "tried",
    [
        pytest.param({"request_id": "first"}, id="a request whose id is no uuid"),
        pytest.param({"request": {}}, id="a request that says nothing"),
        pytest.param({"request": "https://receiver.example/"}, id="a request that is a text"),
        pytest.param({"answer": {"headers": {"server": 7}, "body": None}}, id="a header that is a number"),
        pytest.param({"answer": {"headers": {"server": "a\0"}, "body": None}}, id="NUL in a header"),
        pytest.param({"answer": {"headers": [], "body": None}}, id="headers that are a list"),
        pytest.param({"answer": {"headers": {}, "body": 7}}, id="a body that is a number"),
        pytest.param({"answer": {"headers": {}}}, id="an answer without a body's place"),
    ],
)
def test_what_is_kept_of_an_exchange_is_looked_at_too(tried: dict[str, Any]) -> None:
    with pytest.raises(UnreadableEntry):
        LogEntry.decode(on_the_wire({}, tried))


def test_an_entry_of_a_release_that_kept_nothing_is_read() -> None:
    written = orjson.loads(on_the_wire({}, {}))
    for name in ("request_id", "request", "answer"):
        del written["tried"][name]
    tried = LogEntry.decode(orjson.dumps(written)).tried
    assert tried is not None
    assert (tried.request_id, tried.request, tried.answer) == (None, None, None)


def test_an_end_without_an_attempt_goes_on_telling_what_the_last_one_came_to() -> None:
    tried = Tried.of(ATTEMPT_ID, NOW - 5, NOW, Answer(503))
    refused = LogEntry.of(a_delivery(attempt=1), RETRY, NOW, tried)
    held = an_entry(HELD, at=NOW + 1)
    for entries in ([refused, held], [held, refused]):
        [kept] = latest(entries)
        assert (kept.status, kept.at, kept.tried) == ("held", NOW + 1, tried)
    assert latest([held]) == [held]


def test_what_is_held_goes_on_telling_that_it_was_tried() -> None:
    """A worker told of an attempt, and was killed before it had written the next hop: the record comes again."""
    tried = Tried.of(ATTEMPT_ID, NOW - 5, NOW, Answer(503))
    refused = LogEntry.of(a_delivery(attempt=1, first_attempt_at=NOW - 5), RETRY, NOW, tried)
    held = LogEntry.of(a_delivery(attempt=0), HELD, NOW + 1)
    for entries in ([refused, held], [held, refused]):
        [kept] = latest(entries)
        assert (kept.status, kept.attempts, kept.first_attempt_at, kept.tried) == ("held", 1, NOW - 5, tried)


def test_what_was_made_anew_counts_anew() -> None:
    tried = Tried.of(ATTEMPT_ID, NOW - 5, NOW, Answer(503))
    refused = LogEntry.of(a_delivery(attempt=7, first_attempt_at=NOW - 5), FAILED, NOW, tried)
    held = LogEntry.of(a_delivery(attempt=0, epoch=1), HELD, NOW + 1)
    [kept] = latest([refused, held])
    assert (kept.status, kept.attempts, kept.first_attempt_at, kept.tried) == ("held", 0, None, tried)
