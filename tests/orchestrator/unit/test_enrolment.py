"""What an enrolment guard lets a request start, table by table."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.identifiers import Identifier
from carewire_contracts.requests import AcceptedRequest, DataPointValue, EnrolmentGuard
from carewire_contracts.statuses import FailureReason, SkipReason, decode_status_event
from carewire_contracts.wire import encode
from carewire_orchestrator.adapters.store import starts
from carewire_orchestrator.domain.enrolment import Enrolment, PatientAndDefinition, skip_reason
from carewire_orchestrator.domain.identity import Fingerprint, joined
from carewire_orchestrator.domain.request_outcome import Duplicate, Failed
from carewire_orchestrator.domain.request_statuses import ended
from carewire_orchestrator.domain.starting import (
    Call,
    Intake,
    Outcome,
    Skipped,
    StartedCareFlow,
    guarded_patients,
)
from carewire_testing_orchestrator.calls import accepted, mrn, ssn
from carewire_testing_orchestrator.definitions import HIP, release
from carewire_testing_orchestrator.playing import NOW

ANOTHER, ACTIVE, EVER = EnrolmentGuard
RELEASE = release()
NEXT_RELEASE = replace(RELEASE, release_id="next", version=2)
OTHER = replace(release({**HIP, "id": "knee-follow-up"}), release_id="knee")
RELEASES = {one.release_id: one for one in (RELEASE, NEXT_RELEASE, OTHER)}
RUNNING = (DataPointValue("dp_surgery", "date", "2026-03-01T00:00:00.000Z"), DataPointValue("dp_age", "number", 64))
STOPPED_AT_ONCE = (RUNNING[0], DataPointValue("dp_age", "number", 12))
WRONG = (DataPointValue("dp_age", "number", -1),)


def fingerprint(identifier: Identifier) -> Fingerprint:
    return identifier.system, identifier.value.encode()


def request(guard: EnrolmentGuard, *identifiers: Identifier, **changes: object) -> AcceptedRequest:
    made = accepted(RELEASE.definition.id, RELEASE.release_id, identifiers=identifiers, expires_at=NOW)
    return replace(made, enrolment_guard=guard, **changes)  # type: ignore[arg-type]


def call(one: AcceptedRequest, number: int) -> Call:
    return Call(one, NOW, tuple(map(fingerprint, one.identifiers)), f"care-flow-{number}", f"patient-{number}")


def decide(
    *requests: AcceptedRequest,
    owners: dict[Fingerprint, str] | None = None,
    enrolments: dict[PatientAndDefinition, Enrolment] | None = None,
) -> list[Outcome]:
    intake = Intake(RELEASES, {}, owners or {}, {}, enrolments or {})
    return [intake.decide(call(one, number), NOW) for number, one in enumerate(requests)]


def told(outcomes: Sequence[Outcome]) -> list[str]:
    """The care flow of each: `started`, `skipped` for it, or why there is none."""
    words = []
    for outcome in outcomes:
        match outcome:
            case StartedCareFlow():
                words.append(f"started {outcome.care_flow_id}")
            case Skipped():
                words.append(f"skipped for {outcome.care_flow_id}")
            case Failed():
                words.append(outcome.reason.value)
            case _:
                words.append(type(outcome).__name__)
    return words


RUNS, ENDED = Enrolment("there", is_active=True), Enrolment("there", is_active=False)


@pytest.mark.parametrize(
    ("guard", "enrolment", "reason"),
    [
        (ANOTHER, None, None),
        (ANOTHER, RUNS, None),
        (ANOTHER, ENDED, None),
        (ACTIVE, None, None),
        (ACTIVE, RUNS, SkipReason.ACTIVE_CARE_FLOW),
        (ACTIVE, ENDED, None),
        (EVER, None, None),
        (EVER, RUNS, SkipReason.EVER_ENROLLED),
        (EVER, ENDED, SkipReason.EVER_ENROLLED),
    ],
)
def test_what_each_guard_says_to_what_a_patient_has(
    guard: EnrolmentGuard, enrolment: Enrolment | None, reason: SkipReason | None
) -> None:
    assert skip_reason(guard, enrolment) is reason


@pytest.mark.parametrize("before", [True, False], ids=["active before", "ended before"])
@pytest.mark.parametrize("later", [True, False], ids=["active later", "ended later"])
def test_the_newest_active_care_flow_speaks_for_all_of_them_and_else_the_newest(before: bool, later: bool) -> None:
    first, second = Enrolment("first", before), Enrolment("second", later)
    assert first.then(second) == (first if before and not later else second)


A, B = mrn("a"), ssn("b")
BATCHES: dict[str, tuple[list[AcceptedRequest], list[str]]] = {
    "a second call of an enrolled patient": (
        [request(ACTIVE, A), request(ACTIVE, A)],
        ["started care-flow-0", "skipped for care-flow-0"],
    ),
    "a start without a guard counts as well": (
        [request(ANOTHER, A), request(ACTIVE, A)],
        ["started care-flow-0", "skipped for care-flow-0"],
    ),
    "without a guard of its own a call always starts": (
        [request(EVER, A), request(ANOTHER, A)],
        ["started care-flow-0", "started care-flow-1"],
    ),
    "a care flow that ended at once keeps nobody from an active one": (
        [request(ACTIVE, A, data_points=STOPPED_AT_ONCE), request(ACTIVE, A)],
        ["started care-flow-0", "started care-flow-1"],
    ),
    "a care flow that ended at once was an enrolment": (
        [request(EVER, A, data_points=STOPPED_AT_ONCE), request(EVER, A)],
        ["started care-flow-0", "skipped for care-flow-0"],
    ),
    "an active one outlives a later one that ended at once": (
        [request(ANOTHER, A), request(ANOTHER, A, data_points=STOPPED_AT_ONCE), request(ACTIVE, A)],
        ["started care-flow-0", "started care-flow-1", "skipped for care-flow-0"],
    ),
    "anonymous patients are strangers to each other": (
        [request(EVER), request(EVER)],
        ["started care-flow-0", "started care-flow-1"],
    ),
    "other patients": (
        [request(EVER, A), request(EVER, B)],
        ["started care-flow-0", "started care-flow-1"],
    ),
    "another definition": (
        [request(EVER, A), request(EVER, A, release_id=OTHER.release_id)],
        ["started care-flow-0", "started care-flow-1"],
    ),
    "another release of the same definition": (
        [request(EVER, A), request(EVER, A, release_id=NEXT_RELEASE.release_id)],
        ["started care-flow-0", "skipped for care-flow-0"],
    ),
    "one patient by another identifier, given earlier": (
        [request(EVER, A, B), request(EVER, B)],
        ["started care-flow-0", "skipped for care-flow-0"],
    ),
    "one patient by another identifier, given by a skipped call": (
        [request(EVER, A), request(EVER, A, B), request(EVER, B)],
        ["started care-flow-0", "skipped for care-flow-0", "skipped for care-flow-0"],
    ),
    "a call that fails enrols nobody": (
        [request(EVER, A, data_points=WRONG), request(EVER, A)],
        ["invalid_baseline", "started care-flow-1"],
    ),
    "a call that came too late enrols nobody": (
        [request(EVER, A, expires_at=NOW - timedelta(milliseconds=1)), request(EVER, A)],
        ["not_acknowledged", "started care-flow-1"],
    ),
    "values of a call that starts nothing are not looked at": (
        [request(EVER, A), request(EVER, A, data_points=WRONG)],
        ["started care-flow-0", "skipped for care-flow-0"],
    ),
    "a release that does not exist is told first": (
        [request(EVER, A), request(EVER, A, release_id="nobody's")],
        ["started care-flow-0", "release_not_found"],
    ),
    "identifiers of two patients are told first": (
        [request(EVER, A), request(ANOTHER, B), request(EVER, A, B)],
        ["started care-flow-0", "started care-flow-1", "identity_conflict"],
    ),
}


@pytest.mark.parametrize("name", BATCHES)
def test_later_requests_see_what_earlier_ones_started(name: str) -> None:
    requests, expected = BATCHES[name]
    assert told(decide(*requests)) == expected


def test_what_was_there_before_the_batch_counts() -> None:
    owners = {fingerprint(A): "known"}
    enrolments = {("known", RELEASE.definition.id): RUNS}
    [skipped, other] = decide(
        request(ACTIVE, A), request(ACTIVE, A, release_id=OTHER.release_id), owners=owners, enrolments=enrolments
    )
    assert skipped == Skipped("there", "known", SkipReason.ACTIVE_CARE_FLOW, (), ())
    assert told([other]) == ["started care-flow-1"]


def test_a_skipped_call_uses_its_key_up_and_a_repeat_says_why_nothing_started() -> None:
    skipped = request(ACTIVE, A)
    again = request(ACTIVE, A, start_key=skipped.start_key)
    changed = request(ACTIVE, A, start_key=skipped.start_key, body_digest="1" * 64)
    outcomes = decide(request(ACTIVE, A), skipped, again, changed)
    assert outcomes[2:] == [
        Duplicate(skipped.request_id, "care-flow-0", "patient-0", SkipReason.ACTIVE_CARE_FLOW),
        Failed(FailureReason.IDEMPOTENCY_KEY_REUSED),
    ]


def test_the_status_of_a_skipped_call_is_success_with_the_care_flow_that_is_there() -> None:
    first, skipped = request(EVER, A), request(EVER, A)
    again = request(EVER, A, start_key=skipped.start_key)
    written = []
    for one, outcome in zip((first, skipped, again), decide(first, skipped, again), strict=True):
        event = ended(one, outcome, NOW)
        assert event is not None
        assert encode(decode_status_event(orjson.dumps(event))) == orjson.dumps(event)
        written.append(event)
    assert {(one["status"], one["care_flow_id"], one["patient_id"]) for one in written} == {
        ("SUCCESS", "care-flow-0", "patient-0")
    }
    assert [one.get("skip_reason") for one in written] == [None, "ever_enrolled", "ever_enrolled"]
    assert [one.get("duplicate_of") for one in written] == [None, None, skipped.request_id]
    assert "skip_reason" not in written[0]


ONE, TWO, THREE, FOUR = (("mrn", bytes([n])) for n in range(4))


@pytest.mark.parametrize(
    ("asked", "requests", "reached"),
    [
        ((), [(ONE, TWO)], set()),
        ((ONE,), [], {ONE}),
        ((ONE,), [(ONE,), (TWO, THREE)], {ONE}),
        ((ONE,), [(ONE, TWO)], {ONE, TWO}),
        ((ONE,), [(THREE, FOUR), (TWO, THREE), (ONE, TWO)], {ONE, TWO, THREE, FOUR}),
    ],
    ids=["nothing asked", "no requests", "apart", "at once", "by way of others, whatever their order"],
)
def test_identifiers_are_joined_by_requests_that_name_them_together(
    asked: tuple[Fingerprint, ...], requests: list[tuple[Fingerprint, ...]], reached: set[Fingerprint]
) -> None:
    assert joined(asked, requests) == reached


some_prints = st.lists(st.sampled_from([ONE, TWO, THREE, FOUR]), max_size=3).map(tuple)


@given(some_prints, st.lists(some_prints, max_size=5))
def test_joined_identifiers_are_closed_under_the_requests(
    asked: tuple[Fingerprint, ...], requests: list[tuple[Fingerprint, ...]]
) -> None:
    reached = joined(asked, requests)
    assert reached.issuperset(asked)
    assert all(reached.isdisjoint(one) or reached.issuperset(one) for one in requests)
    assert joined(reached, requests[::-1]) == reached


def test_patients_of_calls_without_a_guard_are_not_asked_about() -> None:
    owners = {fingerprint(A): "a", fingerprint(B): "b", fingerprint(mrn("c")): "c"}
    calls = [call(request(guard, who), n) for n, (guard, who) in enumerate([(ANOTHER, A), (ACTIVE, B)])]
    assert guarded_patients(calls, owners) == {"b"}
    assert guarded_patients(calls[:1], owners) == frozenset()


def test_a_patient_whom_an_unguarded_call_gives_the_guarded_ones_identifier_is_asked_about() -> None:
    calls = [call(request(ANOTHER, A, B), 0), call(request(EVER, B), 1)]
    assert guarded_patients(calls, {fingerprint(A): "a"}) == {"a"}


class NoConnection:
    """Postgres is not to be asked."""

    def __getattr__(self, name: str) -> None:
        raise AssertionError(name)


@pytest.mark.parametrize(
    "requests",
    [[request(ANOTHER, A)], [request(EVER)], [request(EVER, B)], [request(EVER, A, release_id="nobody's")]],
    ids=["no guard", "an anonymous patient", "a new patient", "a release that does not exist"],
)
async def test_enrolments_are_asked_for_only_where_a_guard_may_skip(requests: list[AcceptedRequest]) -> None:
    calls = [call(one, number) for number, one in enumerate(requests)]
    connection: Any = NoConnection()
    assert await starts._enrolments(connection, calls, RELEASES, {fingerprint(A): "known"}) == {}
