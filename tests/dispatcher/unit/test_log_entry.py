import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_dispatcher.adapters.attempt_log import latest
from carewire_dispatcher.domain.classify import Answer, Failure, Retry, Verdict
from carewire_dispatcher.domain.ending import End, EndReason, EndStatus
from carewire_dispatcher.domain.log_entry import DeliveryStatus, LogEntry, Tried, UnreadableEntry
from carewire_dispatcher.domain.schedule import Slot
from carewire_testing_dispatcher.deliveries import a_delivery

NOW = 1_700_000_000_000
RETRY = Retry(Slot(1, NOW + 2_000))
DELIVERED = End(EndStatus.DELIVERED)
verdicts = st.sampled_from([RETRY, DELIVERED, End(EndStatus.FAILED, EndReason.EXHAUSTED)])
results = st.sampled_from(Failure) | st.builds(Answer, st.integers(100, 599))


def an_entry(verdict: Verdict, attempt: int = 1, epoch: int = 0, at: int = NOW) -> LogEntry:
    return LogEntry.of(a_delivery(attempt=attempt, epoch=epoch), verdict, at)


@given(verdicts, st.none() | results)
def test_an_entry_survives_the_wire(verdict: Verdict, result: Answer | Failure | None) -> None:
    tried = None if result is None else Tried.of("id", NOW - 5, NOW, result)
    entry = LogEntry.of(a_delivery(attempt=1, first_attempt_at=NOW - 5), verdict, NOW, tried)
    assert LogEntry.decode(entry.encode()) == entry


def test_no_payload_goes_into_the_log() -> None:
    delivery = a_delivery(body=b'{"patient":"canary"}')
    assert b"canary" not in LogEntry.of(delivery, DELIVERED, NOW).encode()


def test_a_retry_says_when_and_an_end_says_why() -> None:
    assert an_entry(RETRY).next_attempt_at == NOW + 2_000
    assert an_entry(RETRY).status is DeliveryStatus.RETRYING
    ended = an_entry(End(EndStatus.HELD, EndReason.ENDPOINT_DISABLED))
    assert (ended.status, ended.reason, ended.next_attempt_at) == ("held", "endpoint_disabled", None)


@pytest.mark.parametrize("value", [None, b"", b"[]", b"{}", b"null", b'{"tried":null,"status":"odd"}'])
def test_anything_else_is_refused(value: bytes | None) -> None:
    with pytest.raises(UnreadableEntry):
        LogEntry.decode(value)


@pytest.mark.parametrize(
    ("later", "earlier"),
    [
        (an_entry(RETRY, attempt=2), an_entry(RETRY, attempt=1)),
        (an_entry(RETRY, attempt=1, at=NOW + 1), an_entry(RETRY, attempt=1)),
        (an_entry(DELIVERED, attempt=1), an_entry(RETRY, attempt=2)),
        (an_entry(RETRY, attempt=1, epoch=1), an_entry(DELIVERED, attempt=3)),
    ],
)
def test_the_later_state_supersedes_in_any_order(later: LogEntry, earlier: LogEntry) -> None:
    assert later.supersedes(earlier)
    assert not earlier.supersedes(later)
    assert latest([later, earlier]) == latest([earlier, later]) == [later]
