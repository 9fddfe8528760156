"""Whatever staff click, one call of a third party starts one care flow at most."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.statuses import FailureReason, RequestStatus
from carewire_ingress.domain.request_filter import RequestFilter
from carewire_ingress.domain.resubmission import Obstacle, Sent, obstacle_of, resubmission_key

CALL = Sent("call", "REJECTED", None)
REPEATED = Sent("call", "REJECTED", None, "K")
"""A call whose sender's own key makes the start key K."""


def line(*steps: tuple[str, FailureReason | None]) -> list[Sent]:
    """From the request that is sent again, first, back to the call."""
    return [*(Sent(f"r-{place}", status, reason) for place, (status, reason) in enumerate(steps)), CALL]


CONFLICT = ("FAILED", FailureReason.IDENTITY_CONFLICT)
REJECTED = ("REJECTED", None)

SAME = {
    "the call itself": line(),
    "a refused resubmission": line(REJECTED),
    "refused twice": line(REJECTED, REJECTED),
    "one that expired": line(("FAILED", FailureReason.NOT_ACKNOWLEDGED)),
    "one whose key came with another body": line(("FAILED", FailureReason.IDEMPOTENCY_KEY_REUSED)),
    "one that the log forgot": [Sent("r-0", None, None), CALL],
}


@pytest.mark.parametrize("sent", SAME.values(), ids=SAME.keys())
def test_what_used_no_key_up_is_sent_again_under_the_same(sent: list[Sent]) -> None:
    assert resubmission_key(sent) == resubmission_key([CALL])


@pytest.mark.parametrize(
    "reason", [one for one in FailureReason if one not in {FailureReason.NOT_ACKNOWLEDGED, "idempotency_key_reused"}]
)
def test_what_failed_under_its_key_is_sent_again_under_the_next(reason: FailureReason) -> None:
    failed = line(("FAILED", reason))
    assert resubmission_key(failed) != resubmission_key([CALL])
    assert resubmission_key(line(REJECTED, ("FAILED", reason))) == resubmission_key(failed)


def test_siblings_that_failed_share_their_next_key() -> None:
    one, other = Sent("a", *CONFLICT), Sent("b", *CONFLICT)
    assert resubmission_key([one, CALL]) == resubmission_key([other, CALL])


def test_calls_share_no_keys() -> None:
    assert resubmission_key([Sent("other", "FAILED", "identity_conflict")]) != resubmission_key([CALL])


def test_how_the_call_itself_failed_makes_no_difference() -> None:
    assert resubmission_key([Sent("call", *CONFLICT)]) == resubmission_key([CALL])


ENDS = st.sampled_from(["REJECTED", "not_acknowledged", "identity_conflict", "SUCCESS"])


def test_a_rejected_call_with_a_key_of_its_senders_is_sent_again_under_that_key() -> None:
    assert resubmission_key([REPEATED]) == resubmission_key([Sent("r-0", *REJECTED), REPEATED]) == "K"


def test_calls_that_their_sender_repeated_share_all_keys() -> None:
    failed = Sent("r-0", *CONFLICT)
    later = Sent("call again", "REJECTED", None, "K")
    assert resubmission_key([failed, REPEATED]) == resubmission_key([failed, later]) != "K"


def test_a_failed_call_with_a_key_of_its_senders_shares_the_keys_of_its_repetitions() -> None:
    expired = Sent("call again", "FAILED", FailureReason.NOT_ACKNOWLEDGED, "K")
    assert resubmission_key([expired]) == "K", "its sender was told 503, and repeats it under that key"
    failed = Sent("call again", *CONFLICT, "K")
    assert resubmission_key([failed]) == resubmission_key([Sent("r-0", *CONFLICT), REPEATED]) != "K"


@given(st.lists(st.tuples(st.integers(0, 50), ENDS, st.booleans()), max_size=40))
def test_whatever_staff_and_the_sender_repeat_one_care_flow_starts(steps: list[tuple[int, str, bool]]) -> None:
    """Each step is a repetition by the sender, under its own key, or a click of staff."""
    family: list[list[Sent]] = [[REPEATED]]
    outcomes: dict[str, str] = {}
    for pick, end, is_senders in steps:
        able = [line for line in family if line[0].status in {"REJECTED", "FAILED"}]
        line = [] if is_senders else able[pick % len(able)]
        key = resubmission_key(line) if line else "K"
        outcome = end if end in {"REJECTED", "not_acknowledged"} else outcomes.setdefault(key, end)
        failed = outcome not in {"REJECTED", "SUCCESS"}
        start_key = "K" if is_senders else None
        sent = Sent(f"r-{len(family)}", "FAILED" if failed else outcome, outcome if failed else None, start_key)
        family.append([sent, *line])
    assert list(outcomes.values()).count("SUCCESS") <= 1


@given(st.lists(st.tuples(st.integers(0, 50), ENDS), max_size=40))
def test_however_often_whatever_is_sent_again_one_care_flow_starts(clicks: list[tuple[int, str]]) -> None:
    """Each click picks a request of the family; the key's first outcome is for ever, as the orchestrator keeps it."""
    family: list[tuple[Sent, list[Sent]]] = [(CALL, [CALL])]
    outcomes: dict[str, str] = {}
    for pick, end in clicks:
        able = [history for sent, history in family if sent.status != "SUCCESS"]
        history = able[pick % len(able)]
        key = resubmission_key(history)
        outcome = end if end in {"REJECTED", "not_acknowledged"} else outcomes.setdefault(key, end)
        failed = outcome not in {"REJECTED", "SUCCESS"}
        sent = Sent(f"r-{len(family)}", "FAILED" if failed else outcome, outcome if failed else None)
        family.append((sent, [sent, *history]))
    assert list(outcomes.values()).count("SUCCESS") <= 1


@pytest.mark.parametrize(
    ("status", "size", "exists", "expected"),
    [
        ("REJECTED", 10, True, None),
        ("FAILED", 10, True, None),
        ("REJECTED", 11, True, Obstacle.TOO_LARGE),
        ("REJECTED", 10, False, Obstacle.WEBHOOK_DELETED),
        ("FAILED", None, True, Obstacle.PAYLOAD_NOT_KEPT),
        ("SCHEDULED", 10, True, Obstacle.NOT_RESUBMITTABLE),
        ("PROCESSING", 10, True, Obstacle.NOT_RESUBMITTABLE),
        ("SUCCESS", 10, True, Obstacle.NOT_RESUBMITTABLE),
        ("TEST", None, False, Obstacle.NOT_RESUBMITTABLE),
    ],
)
def test_what_stands_against_sending_again(status: str, size: int | None, exists: bool, expected: Obstacle) -> None:
    assert obstacle_of(status, size, webhook_exists=exists, most_bytes=10) is expected


@pytest.mark.parametrize("obstacle", Obstacle)
def test_each_obstacle_tells_a_remedy(obstacle: Obstacle) -> None:
    assert obstacle.remedy.endswith(".")


@pytest.mark.parametrize(
    ("wanted", "statuses", "demands"),
    [
        (RequestFilter(), list(RequestStatus), False),
        (RequestFilter(statuses=(RequestStatus.TEST, RequestStatus.TEST)), ["TEST"], True),
        (RequestFilter(resubmittable=True), ["FAILED", "REJECTED"], True),
        (RequestFilter().among_resubmittable(), ["FAILED", "REJECTED"], True),
        (RequestFilter(statuses=(RequestStatus.TEST,), resubmittable=True), [], True),
        (RequestFilter(statuses=(RequestStatus.FAILED, RequestStatus.TEST), resubmittable=True), ["FAILED"], True),
    ],
    ids=["any", "twice", "resubmittable", "among", "tests", "failed"],
)
def test_a_filter_wants_statuses(wanted: RequestFilter, statuses: list[str], demands: bool) -> None:
    assert sorted(wanted.wanted_statuses) == sorted(statuses)
    assert wanted.demands_status is demands
