"""Each check of the verdict finds what breaks its promise, and takes nothing lawful for a breach."""

import dataclasses
from typing import Any

import pytest

from carewire_testing_chaos.check import Found
from carewire_testing_chaos.history import (
    Attempt,
    Called,
    CareFlow,
    Delivery,
    Entry,
    Heard,
    History,
    Kind,
    Left,
    Logged,
    Received,
    Rested,
    Searched,
    Status,
    Struck,
    Told,
)
from carewire_testing_chaos.lawful import (
    DEAD,
    GONE,
    HEALTHY,
    LEAK,
    QUIET_AT,
    STRUCK_AT,
    Change,
    again,
    history,
    lawful,
    with_,
    without,
)
from carewire_testing_chaos.lawful import history as changed
from carewire_testing_chaos.verdict import CHECKS, judge, lines

LAST = "cf1-3"
STRUCK = "cf5-3"


def broken(*changes: Change, added: tuple[Entry, ...] = ()) -> set[str]:
    return judge(changed(*changes, added=added)).broken


def test_where_all_is_kept_nothing_is_found() -> None:
    verdict = judge(history())
    assert {name: found.wrong for name, found in verdict.found.items() if not found.holds} == {}
    assert verdict.holds


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_a_check_with_nothing_to_look_at_fails(check: Any) -> None:
    assert not check.ask(History.of([])).holds


BREACHES = {
    "a call without an answer": ("answered", without(Heard, call=1, status=202)),
    "a call with two answers": ("answered", again(Heard, {"request_id": "r1b"}, call=1, status=202)),
    "a call refused that was to be accepted": ("answered", with_(Heard, {"status": 422}, call=1, status=202)),
    "a call without an answer though nothing was struck": ("answered", without(Struck, target="ingress-1")),
    "an error of ours": ("answered", with_(Heard, {"status": 500}, call=1, status=503)),
    "an accepted call that never ended": ("outcomes", without(Status, event_id="r1-3")),
    "an accepted call that ended twice": (
        "outcomes",
        again(Status, {"event_id": "x", "status": "FAILED", "reason": "identity_conflict"}, event_id="r1-3"),
    ),
    "an end told as two events": ("outcomes", again(Status, {"event_id": "x"}, event_id="r1-3")),
    "a failure for no reason of the list": (
        "outcomes",
        with_(Status, {"status": "FAILED", "reason": "tired"}, event_id="r5-3"),
    ),
    "an accepted call that is said to have never been acknowledged": (
        "outcomes",
        with_(Status, {"status": "FAILED", "reason": "not_acknowledged", "care_flow_id": None}, event_id="r5-3"),
    ),
    "a success whose care flow does not exist": ("outcomes", without(CareFlow, id="cf5")),
    "two people who became one": (
        "outcomes",
        with_(Status, {"status": "SUCCESS", "care_flow_id": "cf1", "reason": None}, event_id="r4-3"),
    ),
    "a rejected call that started something": ("outcomes", with_(Status, {"status": "SUCCESS"}, event_id="r6-1")),
    "a repeated call with a care flow of its own": (
        "outcomes",
        with_(Status, {"care_flow_id": "cf5", "patient_id": "patient-p1"}, event_id="r2-3"),
    ),
    "two bodies that had the same key": (
        "outcomes",
        with_(Status, {"status": "SUCCESS", "reason": None, "care_flow_id": "cf1"}, event_id="r3-3"),
    ),
    "two keys that share a care flow": ("outcomes", with_(Status, {"care_flow_id": "cf1"}, event_id="r5-3")),
    "a care flow of nobody": ("care-flows", again(CareFlow, {"id": "cf9"}, id="cf1")),
    "a care flow that hangs": ("care-flows", with_(CareFlow, {"status": "active"}, id="cf1")),
    "an identifier with two patients": ("patients", with_(Status, {"patient_id": "patient-x"}, event_id="r2-3")),
    "a patient with two identifiers": ("patients", with_(Status, {"patient_id": "patient-p1"}, event_id="r5-3")),
    "a patient who was created twice": (
        "patients",
        again(Told, {"event_id": "x"}, event_id="patient-p1-created"),
    ),
    "a patient of whom it was never told": ("patients", without(Told, event_id="patient-p1-created")),
    "a care flow of a patient whom nobody named": ("patients", with_(CareFlow, {"patient_id": "x"}, id="cf1")),
    "a request that was never told to be taken": ("statuses", without(Status, event_id="r1-2")),
    "statuses at falling times": ("statuses", with_(Status, {"date": "T9"}, event_id="r1-2")),
    "a log that says otherwise": ("statuses", with_(Logged, {"status": "FAILED"}, request_id="r1")),
    "a log that lacks a status": ("statuses", with_(Logged, {"statuses": ("SUCCESS",)}, request_id="r1")),
    "a request that is in no log": ("statuses", without(Logged, request_id="r1")),
    "an event that was never told": ("sequences", without(Told, event_id="cf1-2")),
    "a last event that was never told": ("sequences", without(Told, event_id=LAST)),
    "an event that was told too much": (
        "sequences",
        again(Told, {"event_id": "x", "sequence": 4, "offset": 9999}, event_id=LAST),
    ),
    "events in another order": ("sequences", with_(Told, {"offset": 1}, event_id="cf1-2")),
    "events of a care flow that does not exist": ("sequences", without(CareFlow, id="cf1")),
    "an event told again though nothing was struck": ("copies", again(Told, {"offset": 9999}, event_id="cf1-2")),
    "a worker blamed for an event told again": ("copies", again(Told, {"offset": 9999}, event_id="cf5-2")),
    "an event told again in other bytes": (
        "copies",
        again(Told, {"offset": 9999, "digest": "other"}, event_id="cf5-2"),
    ),
    "a delivery that never came": (
        "delivered",
        without(Received, subscriber_id=HEALTHY, webhook_id=LAST),
    ),
    "a delivery of which no log knows": ("delivered", without(Delivery, subscriber_id=HEALTHY, event_id=LAST)),
    "a healthy subscriber given up": (
        "delivered",
        with_(Delivery, {"status": "failed", "reason": "exhausted"}, subscriber_id=HEALTHY, event_id=LAST),
    ),
    "a delivery that is held for no reason": (
        "delivered",
        with_(Delivery, {"status": "held", "reason": "endpoint_deleted"}, subscriber_id=DEAD, event_id=LAST),
    ),
    "a delivery that is tried for ever": (
        "delivered",
        with_(Delivery, {"status": "retrying", "reason": None}, subscriber_id=DEAD, event_id=LAST),
    ),
    "an event for who had not asked for it": (
        "delivered",
        again(Received, {"webhook_id": "cf1-1", "digest": "bytes of cf1-1"}, subscriber_id=HEALTHY, webhook_id=LAST),
    ),
    "other bytes than the event's": (
        "same-bytes",
        with_(Received, {"digest": "other"}, subscriber_id=HEALTHY, webhook_id=LAST),
    ),
    "a call that nobody signed": (
        "same-bytes",
        with_(Received, {"is_signed": False}, subscriber_id=HEALTHY, webhook_id=LAST),
    ),
    "a delivery repeated though nothing was struck": (
        "repeats",
        again(Received, {"at": QUIET_AT + 9, "attempt_second": 1009}, subscriber_id=HEALTHY, webhook_id=LAST),
    ),
    "a delivery repeated long after a kill": (
        "repeats",
        lambda entry: (
            [entry, dataclasses.replace(entry, at=STRUCK_AT + 300), dataclasses.replace(entry, at=STRUCK_AT + 301)]
            if isinstance(entry, Received) and (entry.subscriber_id, entry.webhook_id) == (HEALTHY, STRUCK)
            else [entry]
        ),
    ),
    "a copy of a delivery that lives on": (
        "forks",
        again(Attempt, {"began": QUIET_AT + 3.5}, subscriber_id=DEAD, event_id=LAST, number=3),
    ),
    "a call of which no log knows": ("logged", without(Attempt, subscriber_id=GONE, event_id=LAST)),
    "something left": ("at-rest", with_(Left, {"count": 1})),
    "no rest": ("at-rest", with_(Rested, {"is_quiet": False})),
    "logs that nobody searched": ("silent", without(Searched, place="file worker-1.log")),
    "an empty place that was searched": ("silent", with_(Searched, {"size": 0}, place="metrics of worker-1")),
}


@pytest.mark.parametrize(("check", "change"), BREACHES.values(), ids=BREACHES)
def test_a_breach_is_found(check: str, change: Change) -> None:
    assert check in broken(change)


def test_a_leak_is_found() -> None:
    assert broken(added=(LEAK,)) == {"silent"}


LAWFUL = {
    "a delivery repeated since a worker was killed": again(
        Received, {"at": STRUCK_AT + 9, "attempt_second": 2001}, subscriber_id=HEALTHY, webhook_id=STRUCK
    ),
    "an attempt that was cut short by a kill": without(Attempt, subscriber_id=GONE, event_id=STRUCK),
    "an attempt made twice at a kill": again(
        Attempt, {"began": STRUCK_AT + 8}, subscriber_id=DEAD, event_id=STRUCK, number=1
    ),
    "an end that is told twice, as one event": again(Status, {}, event_id="r1-3"),
    "a delivery held for an endpoint that was disabled": with_(
        Delivery, {"status": "held", "reason": "endpoint_disabled"}, subscriber_id=GONE, event_id=STRUCK
    ),
    "an event told again since an orchestrator was killed": lambda entry: (
        [entry, Struck(2, "kill", "orchestrator-2", QUIET_AT + 1, QUIET_AT + 2)]
        if isinstance(entry, Struck)
        else [entry, dataclasses.replace(entry, offset=9999, at=QUIET_AT + 5)]
        if isinstance(entry, Told) and entry.event_id == "cf1-2"
        else [entry]
    ),
}


@pytest.mark.parametrize("change", LAWFUL.values(), ids=LAWFUL)
def test_what_is_lawful_is_not_taken_for_a_breach(change: Change) -> None:
    assert broken(change) == set()


def test_who_answers_too_late_gets_a_delivery_again() -> None:
    late = again(
        Attempt,
        {"began": QUIET_AT + 1.0, "number": 1, "status_code": None, "failure": "timeout"},
        subscriber_id=HEALTHY,
        event_id=LAST,
    )
    second = again(Received, {"at": QUIET_AT + 2, "attempt_second": 1002}, subscriber_id=HEALTHY, webhook_id=LAST)
    assert "repeats" not in broken(late, second)


def test_a_request_that_nobody_was_told_of_may_fail_for_not_being_acknowledged() -> None:
    untold = (
        Status("u-1", "untold", "FAILED", "T3", "not_acknowledged", None, None, None),
        Logged("untold", "FAILED", None, "not_acknowledged", ("FAILED",)),
    )
    assert broken(added=untold) == set()


def test_a_request_that_nobody_was_told_of_may_not_fail_for_another_reason() -> None:
    untold = (
        Status("u-1", "untold", "FAILED", "T3", "invalid_baseline", None, None, None),
        Logged("untold", "FAILED", None, "invalid_baseline", ("FAILED",)),
    )
    assert broken(added=untold) == {"outcomes"}


def test_a_care_flow_that_only_an_untold_request_names_is_one_too_many() -> None:
    untold = (
        Status("u-1", "untold", "SUCCESS", "T3", None, "cf9", "patient-p1", None),
        Logged("untold", "SUCCESS", "cf9", None, ("SUCCESS",)),
    )
    extra = again(CareFlow, {"id": "cf9"}, id="cf1")
    assert "care-flows" in broken(extra, added=untold)


def beside(latency: float, target: str, quiet: float = 0.05) -> set[str]:
    """Two hundred deliveries in quiet, and as many while something is struck, so late."""
    made: list[Entry] = [entry for entry in lawful() if not isinstance(entry, Struck)]
    made.append(Struck(0, "kill", target, 5000.0, 5100.0))
    for begin, late in ((3000.0, quiet), (5001.0, latency)):
        for number in range(200):
            event, at = f"e{begin}-{number}", begin + number / 10
            made.append(Told(event, "pathway.completed", "cf1", None, "x", "d", 1, number, at))
            made.append(Received(HEALTHY, at + late, event, "x", True, int(at + late), 200))
    return {name for name in judge(History.of(made)).broken if name == "neighbours"}


@pytest.mark.parametrize(
    ("latency", "target", "found"),
    [
        pytest.param(0.1, "ingress-1", False, id="unnoticed"),
        pytest.param(9.0, "ingress-1", True, id="noticed"),
        pytest.param(9.0, "postgres", True, id="deliveries need no Postgres"),
        pytest.param(9.0, "worker-1", False, id="of one's own worker it may be noticed"),
    ],
)
def test_healthy_subscribers_may_not_notice_what_does_not_concern_them(
    latency: float, target: str, found: bool
) -> None:
    assert bool(beside(latency, target)) is found


def test_healthy_subscribers_may_not_notice_bad_neighbours() -> None:
    assert beside(3.0, "ingress-1", quiet=3.0) == {"neighbours"}


def test_the_verdict_names_what_is_broken_and_shows_the_first_breaches() -> None:
    many = tuple(dataclasses.replace(LEAK, what=f"leak {number}") for number in range(7))
    seen = history(added=many)
    text = "\n".join(lines(seen, judge(seen)))
    assert "Seed 1, 2 faults, commit abc" in text
    assert "leak 4" in text
    assert "leak 5" not in text
    assert "and 2 more" in text
    assert text.endswith("BROKEN: silent")


def test_the_verdict_on_a_kept_promise_says_so() -> None:
    seen = history()
    assert "\n".join(lines(seen, judge(seen))).endswith("All promises were kept.")


def test_an_empty_history_shows_nothing() -> None:
    empty = History.of([])
    assert "nothing to look at" in "\n".join(lines(empty, judge(empty)))


def test_every_kind_of_call_has_a_part_in_the_lawful_history() -> None:
    assert {called.kind for called in history().all(Called)} == set(Kind)


def test_what_holds_has_looked_at_something() -> None:
    assert not Found(0, []).holds
    assert Found(1, []).holds
    assert not Found(1, ["wrong"]).holds
