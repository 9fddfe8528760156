"""Requests of a batch are decided as if each had come alone."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.identifiers import Identifier
from carewire_contracts.requests import AcceptedRequest, DataPointValue
from carewire_contracts.statuses import FailureReason
from carewire_orchestrator.domain.identity import IdentityConflict, KnownPatient, NewPatient, identify
from carewire_orchestrator.domain.request_outcome import (
    AlreadyEnded,
    Duplicate,
    Failed,
    FirstCall,
    Start,
    Succeeded,
    judge,
)
from carewire_orchestrator.domain.request_statuses import ended, taken
from carewire_orchestrator.domain.starting import Call, Intake, Outcome, StartedCareFlow
from carewire_testing_orchestrator.calls import accepted, mrn, ssn
from carewire_testing_orchestrator.definitions import release
from carewire_testing_orchestrator.playing import NOW

RELEASE = release()
REQUEST = replace(accepted(RELEASE.definition.id, RELEASE.release_id), expires_at=NOW)
FIRST = FirstCall("first", REQUEST.body_digest, Succeeded("care-flow", "patient"))


def fingerprint(identifier: Identifier) -> tuple[str, bytes]:
    return identifier.system, identifier.value.encode()


def call(request: AcceptedRequest, number: int = 0) -> Call:
    prints = tuple(fingerprint(identifier) for identifier in request.identifiers)
    return Call(request, NOW, prints, f"care-flow-{number}", f"patient-{number}")


def request(*identifiers: Identifier, **changes: object) -> AcceptedRequest:
    made = accepted(RELEASE.definition.id, RELEASE.release_id, identifiers=identifiers, expires_at=NOW)
    return replace(made, **changes)  # type: ignore[arg-type]


def decide(*requests: AcceptedRequest) -> list[Outcome]:
    intake = Intake({RELEASE.release_id: RELEASE}, {}, {}, {}, {})
    return [intake.decide(call(one, number), NOW) for number, one in enumerate(requests)]


def patient(outcome: Outcome) -> str:
    assert isinstance(outcome, StartedCareFlow)
    return outcome.care_flow.patient_id


@pytest.mark.parametrize(
    ("late_ms", "first", "verdict"),
    [
        (0, None, Start()),
        (1, None, Failed(FailureReason.NOT_ACKNOWLEDGED)),
        (1, FIRST, Failed(FailureReason.NOT_ACKNOWLEDGED)),
        (0, FIRST, Duplicate("first", "care-flow", "patient")),
        (0, replace(FIRST, request_id=REQUEST.request_id), AlreadyEnded()),
        (0, replace(FIRST, body_digest="other"), Failed(FailureReason.IDEMPOTENCY_KEY_REUSED)),
        (
            0,
            replace(FIRST, outcome=Failed(FailureReason.IDENTITY_CONFLICT)),
            Failed(FailureReason.IDENTITY_CONFLICT),
        ),
    ],
)
def test_precedence(late_ms: int, first: FirstCall | None, verdict: object) -> None:
    assert judge(REQUEST, NOW + timedelta(milliseconds=late_ms), first) == verdict


def test_identifiers_find_create_or_conflict() -> None:
    a, b, c = fingerprint(mrn("a")), fingerprint(ssn("b")), fingerprint(ssn("c"))
    owners = {a: "one", b: "one", c: "two"}
    assert identify((), owners) == NewPatient(())
    assert identify((a, b), owners) == KnownPatient("one", ())
    unknown = fingerprint(mrn("new"))
    assert identify((a, unknown, unknown), owners) == KnownPatient("one", (unknown,))
    assert identify((unknown,), owners) == NewPatient((unknown,))
    assert identify((a, c), owners) == IdentityConflict()


def test_later_requests_of_a_batch_know_the_patients_of_earlier_ones() -> None:
    outcomes = decide(request(mrn("a")), request(mrn("a"), ssn("b")), request(ssn("b")), request())
    assert [patient(outcome) for outcome in outcomes] == ["patient-0", "patient-0", "patient-0", "patient-3"]
    last = outcomes[2]
    assert isinstance(last, StartedCareFlow)
    assert last.identifiers == (mrn("a"), ssn("b")), "events tell all identifiers of the patient"
    assert last.new_identifiers == ()


def test_a_failed_first_call_keeps_its_key_and_its_reason() -> None:
    wrong = request(data_points=(DataPointValue("dp_age", "number", -1),))
    outcomes = decide(wrong, request(start_key=wrong.start_key))
    assert outcomes == [Failed(FailureReason.INVALID_BASELINE)] * 2


def test_a_decision_that_is_taken_back_leaves_no_trace() -> None:
    intake = Intake({RELEASE.release_id: RELEASE}, {}, {}, {}, {})
    one = request(mrn("a"))
    intake.copy().decide(call(one), NOW)
    assert isinstance(intake.decide(call(one), NOW), StartedCareFlow)


def test_statuses_say_what_became_of_a_request() -> None:
    one = request()
    assert [event["status"] for event in taken(one, NOW, NOW)] == ["SCHEDULED", "PROCESSING"]
    started, again = decide(one, request(start_key=one.start_key))
    assert isinstance(started, StartedCareFlow)
    told = ended(one, started, NOW)
    assert told is not None
    assert told["status"] == "SUCCESS"
    assert "duplicate_of" not in told
    assert ended(one, AlreadyEnded(), NOW) is None
    repeated = ended(one, again, NOW)
    assert repeated is not None
    assert repeated["duplicate_of"] == one.request_id
    for reason in FailureReason:
        failed = ended(one, Failed(reason), NOW)
        assert failed is not None
        assert failed["reason"] == reason.value


@pytest.mark.parametrize("reason", FailureReason)
def test_a_failure_tells_the_key_that_its_sender_gave_it_unless_that_is_another_calls(reason: FailureReason) -> None:
    def told(one: AcceptedRequest) -> object:
        return (ended(one, Failed(reason), NOW) or {}).get("start_key")

    one = request(start_key="K")
    assert told(one) == (None if reason is FailureReason.IDEMPOTENCY_KEY_REUSED else "K")
    assert told(replace(one, resubmission_of="r")) is None
    assert told(replace(one, start_key=one.request_id)) is None


@given(st.lists(st.tuples(st.integers(0, 2), st.sets(st.integers(0, 3), max_size=2)), max_size=8))
def test_one_care_flow_per_key_and_one_patient_per_identifier(calls: list[tuple[int, set[int]]]) -> None:
    requests = [request(*(mrn(str(value)) for value in sorted(ids)), start_key=f"key-{key}") for key, ids in calls]
    outcomes = decide(*requests)
    started: dict[str, str] = {}
    owners: dict[str, str] = {}
    for one, outcome in zip(requests, outcomes, strict=True):
        if isinstance(outcome, StartedCareFlow):
            assert one.start_key not in started
            started[one.start_key] = outcome.care_flow.id
            for identifier in one.identifiers:
                assert owners.setdefault(identifier.value, outcome.care_flow.patient_id) == patient(outcome)
        elif isinstance(outcome, Duplicate):
            assert outcome.care_flow_id == started[one.start_key]
        else:
            assert outcome == Failed(FailureReason.IDENTITY_CONFLICT)


def zones(intake: Intake, *requests: AcceptedRequest) -> list[str]:
    outcomes = [intake.decide(call(one, number), NOW) for number, one in enumerate(requests)]
    return [one.care_flow.time_zone for one in outcomes if isinstance(one, StartedCareFlow)]


def test_a_care_flow_runs_in_the_time_zone_of_its_patient() -> None:
    there, here = request(mrn("there"), profile={"patient_timezone": "Pacific/Apia"}), request(mrn("here"))
    again = request(mrn("there"), profile={"patient_timezone": "Europe/Brussels"})
    intake = Intake({RELEASE.release_id: RELEASE}, {}, {}, {}, {})
    assert zones(intake, there, here, again) == ["Pacific/Apia", "UTC", "Pacific/Apia"]
    owners, known = {fingerprint(mrn("known")): "patient"}, {"patient": {"patient_timezone": "Asia/Tokyo"}}
    intake = Intake({RELEASE.release_id: RELEASE}, {}, owners, {}, {}, known)
    assert zones(intake.copy(), request(mrn("known"))) == ["Asia/Tokyo"]
