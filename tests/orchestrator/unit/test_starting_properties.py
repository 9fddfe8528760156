"""Requests in any order, cut into any batches, read again at any point: what becomes of each stays the same."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import pairwise

import orjson
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.identifiers import Identifier
from carewire_contracts.requests import AcceptedRequest, DataPointValue, EnrolmentGuard
from carewire_contracts.statuses import FailureReason, decode_status_event
from carewire_contracts.wire import encode
from carewire_orchestrator.domain.enrolment import Enrolment, PatientAndDefinition
from carewire_orchestrator.domain.identity import Fingerprint, IdentityConflict, KnownPatient, NewPatient, identify
from carewire_orchestrator.domain.request_outcome import (
    FAILURE_MESSAGES,
    AlreadyEnded,
    Duplicate,
    Failed,
    FirstCall,
    Succeeded,
    is_expired,
)
from carewire_orchestrator.domain.request_statuses import ended, taken
from carewire_orchestrator.domain.starting import (
    Call,
    Intake,
    Outcome,
    Skipped,
    StartedCareFlow,
    guarded_patients,
)
from carewire_testing_orchestrator.calls import accepted, mrn
from carewire_testing_orchestrator.definitions import release
from carewire_testing_orchestrator.playing import NOW

RELEASE = release()
SOUND = (DataPointValue("dp_surgery", "date", "2026-03-01T00:00:00.000Z"),)
STOPPED_AT_ONCE = (*SOUND, DataPointValue("dp_age", "number", 12))

OF_THE_KEY = {FailureReason.RELEASE_NOT_FOUND, FailureReason.IDENTITY_CONFLICT, FailureReason.INVALID_BASELINE}
"""Failures of a first call, which its key keeps. The others say that a call was not the first, or none at all."""


@dataclass
class Known:
    """What Postgres knows between two batches."""

    first_calls: dict[str, FirstCall] = field(default_factory=dict)
    owners: dict[Fingerprint, str] = field(default_factory=dict)
    identifiers: dict[str, tuple[Identifier, ...]] = field(default_factory=dict)
    enrolments: dict[PatientAndDefinition, Enrolment] = field(default_factory=dict)

    def intake(self, calls: list[Call]) -> Intake:
        """No more than the store reads: of enrolments those that a guard of the batch may ask about."""
        asked = guarded_patients(calls, self.owners)
        enrolments = {whose: one for whose, one in self.enrolments.items() if whose[0] in asked}
        return Intake({RELEASE.release_id: RELEASE}, self.first_calls, self.owners, self.identifiers, enrolments)

    def keep(self, request: AcceptedRequest, outcome: Outcome) -> None:
        """Write down what the store writes down."""
        if isinstance(outcome, StartedCareFlow | Skipped):
            patient_id = outcome.patient_id
            reason = outcome.reason if isinstance(outcome, Skipped) else None
            self._claim(request, Succeeded(outcome.care_flow_id, patient_id, reason))
            if isinstance(outcome, StartedCareFlow):
                self._enrol(outcome)
            self.owners.update((fingerprint, patient_id) for fingerprint, _ in outcome.new_identifiers)
            self.identifiers[patient_id] = outcome.identifiers
        elif isinstance(outcome, Failed) and outcome.reason in OF_THE_KEY:
            self.first_calls.setdefault(request.start_key, self._first(request, outcome))

    def _claim(self, request: AcceptedRequest, outcome: Succeeded) -> None:
        assert request.start_key not in self.first_calls, "a start key starts one care flow"
        self.first_calls[request.start_key] = self._first(request, outcome)

    def _enrol(self, started: StartedCareFlow) -> None:
        """What a query would find: the newest active care flow, else the newest."""
        whose, active = (started.patient_id, started.release.definition.id), not started.care_flow.status.is_final
        if active or whose not in self.enrolments or not self.enrolments[whose].is_active:
            self.enrolments[whose] = Enrolment(started.care_flow_id, active)

    @staticmethod
    def _first(request: AcceptedRequest, outcome: Succeeded | Failed) -> FirstCall:
        return FirstCall(request.request_id, request.body_digest, outcome)


def call(request: AcceptedRequest) -> Call:
    prints = tuple((identifier.system, identifier.value.encode()) for identifier in request.identifiers)
    name = request.request_id
    return Call(request, NOW, prints, f"care-flow-of-{name}", f"patient-of-{name}")


def run(batches: list[list[AcceptedRequest]], known: Known | None = None) -> list[Outcome]:
    """Decide batch after batch, each with no more than what the ones before wrote down."""
    known = Known() if known is None else known
    outcomes: list[Outcome] = []
    for batch in batches:
        calls = [call(request) for request in batch]
        intake = known.intake(calls)
        decided = [intake.decide(one, NOW) for one in calls]
        for request, outcome in zip(batch, decided, strict=True):
            known.keep(request, outcome)
        outcomes += decided
    return outcomes


def cut(requests: list[AcceptedRequest], places: set[int]) -> list[list[AcceptedRequest]]:
    edges = [0, *sorted(place for place in places if 0 < place < len(requests)), len(requests)]
    return [requests[start:end] for start, end in pairwise(edges)]


@st.composite
def requests(draw: st.DrawFn, *, identifiers: int = 2, sound: bool = False) -> list[AcceptedRequest]:
    """Up to ten requests that share start keys, bodies and identifiers, under any guard, with all that may be wrong.

    Sound ones have nothing wrong, and no guard.
    """
    made = []
    for number in range(draw(st.integers(1, 10))):
        values = draw(st.sets(st.integers(0, 3), max_size=identifiers))
        request = accepted(
            RELEASE.definition.id,
            RELEASE.release_id,
            request_id=f"request-{number}",
            start_key=f"key-{draw(st.integers(0, 3))}",
            identifiers=tuple(mrn(str(value)) for value in sorted(values)),
            expires_at=NOW,
            data_points=SOUND,
        )
        made.append(request if sound else draw(_mishaps(_guarded(request, draw(st.sampled_from(EnrolmentGuard))))))
    return made


def _guarded(request: AcceptedRequest, guard: EnrolmentGuard) -> AcceptedRequest:
    return replace(request, enrolment_guard=guard)


def _mishaps(request: AcceptedRequest) -> st.SearchStrategy[AcceptedRequest]:
    return st.sampled_from(
        [
            request,
            replace(request, body_digest="1" * 64),
            replace(request, expires_at=NOW - timedelta(milliseconds=1)),
            replace(request, release_id="nobody's"),
            replace(request, data_points=()),
            replace(request, data_points=STOPPED_AT_ONCE),
        ]
    )


@given(requests(), st.sets(st.integers(1, 9)))
def test_how_requests_are_cut_into_batches_changes_nothing(sent: list[AcceptedRequest], places: set[int]) -> None:
    one_by_one = run([[request] for request in sent])
    assert run(cut(sent, places)) == one_by_one
    assert run([sent]) == one_by_one


@given(requests(), st.integers(0, 9))
def test_a_batch_that_is_read_again_after_a_crash_starts_nothing(sent: list[AcceptedRequest], place: int) -> None:
    known = Known()
    first = run([sent], known)
    for request, before, again in zip(sent[place:], first[place:], run([sent[place:]], known), strict=True):
        if isinstance(before, StartedCareFlow | Skipped):
            assert again == AlreadyEnded()
            assert ended(request, again, NOW) is None, "its end was told before"
        elif isinstance(before, Failed) and known.first_calls.get(request.start_key, None) is not None:
            assert again in (before, AlreadyEnded())
        else:
            assert again == before


@given(requests(identifiers=1, sound=True))
def test_in_any_order_each_key_starts_one_care_flow_and_each_identifier_stands_for_one_patient(
    sent: list[AcceptedRequest],
) -> None:
    keys = {request.start_key for request in sent}
    for order in (sent, sent[::-1], sorted(sent, key=lambda request: request.start_key)):
        outcomes = run([order])
        started = [outcome for outcome in outcomes if isinstance(outcome, StartedCareFlow)]
        assert len(started) == len(keys)
        assert len(outcomes) - len(started) == sum(isinstance(outcome, Duplicate) for outcome in outcomes)
        new = [outcome for outcome in started if outcome.is_new_patient and outcome.identifiers]
        told = [identifier for outcome in new for identifier in outcome.new_identifiers]
        assert len(set(told)) == len(told) == len(new)


@given(requests())
def test_a_duplicate_repeats_the_outcome_of_the_first_of_its_key(sent: list[AcceptedRequest]) -> None:
    by_request = dict(zip((request.request_id for request in sent), run([sent]), strict=True))
    for request in sent:
        outcome = by_request[request.request_id]
        if isinstance(outcome, Duplicate):
            first = by_request[outcome.request_id]
            assert isinstance(first, StartedCareFlow | Skipped)
            assert (first.care_flow_id, first.patient_id) == (outcome.care_flow_id, outcome.patient_id)
            assert outcome.skip_reason == (first.reason if isinstance(first, Skipped) else None)
            (earlier,) = (one for one in sent if one.request_id == outcome.request_id)
            assert (earlier.start_key, earlier.body_digest) == (request.start_key, request.body_digest)
            assert sent.index(earlier) < sent.index(request)


@given(requests())
def test_what_was_answered_503_starts_nothing_and_leaves_no_trace(sent: list[AcceptedRequest]) -> None:
    outcomes = run([sent])
    in_time = [not is_expired(request, NOW) for request in sent]
    for outcome, counts in zip(outcomes, in_time, strict=True):
        assert (outcome == Failed(FailureReason.NOT_ACKNOWLEDGED)) is not counts
    without = run([[request for request, counts in zip(sent, in_time, strict=True) if counts]])
    assert without == [outcome for outcome, counts in zip(outcomes, in_time, strict=True) if counts]


@given(requests())
def test_a_failed_call_makes_no_patient(sent: list[AcceptedRequest]) -> None:
    known = Known()
    outcomes = run([sent], known)
    started = {outcome.care_flow.patient_id for outcome in outcomes if isinstance(outcome, StartedCareFlow)}
    assert set(known.owners.values()) <= started


@given(requests())
def test_whatever_is_told_of_a_patient_is_told_with_all_identifiers_of_its_patient(sent: list[AcceptedRequest]) -> None:
    known: dict[str, set[Identifier]] = {}
    for request, outcome in zip(sent, run([sent]), strict=True):
        if isinstance(outcome, StartedCareFlow | Skipped):
            patient = known.setdefault(outcome.patient_id, set())
            is_new = isinstance(outcome, StartedCareFlow) and outcome.is_new_patient
            assert is_new is (outcome.patient_id == f"patient-of-{request.request_id}")
            assert {identifier for _, identifier in outcome.new_identifiers} == {*request.identifiers} - patient
            patient.update(request.identifiers)
            assert set(outcome.identifiers) == patient
            assert len(outcome.identifiers) == len(patient), "each of them once"


@given(requests())
def test_every_request_is_told_of_from_its_schedule_to_one_end(sent: list[AcceptedRequest]) -> None:
    for request, outcome in zip(sent, run([sent]), strict=True):
        last = ended(request, outcome, NOW)
        assert last is not None
        statuses = [*taken(request, NOW, NOW), last]
        assert [event["status"] for event in statuses][:2] == ["SCHEDULED", "PROCESSING"]
        assert {event["request_id"] for event in statuses} == {request.request_id}
        if isinstance(outcome, Failed):
            assert (last["status"], last["reason"]) == ("FAILED", outcome.reason.value)
            assert last["message"] == FAILURE_MESSAGES[outcome.reason]
        else:
            assert last["status"] == "SUCCESS"


@given(requests())
def test_every_status_is_byte_for_byte_what_the_contract_writes(sent: list[AcceptedRequest]) -> None:
    for request, outcome in zip(sent, run([sent]), strict=True):
        last = ended(request, outcome, NOW)
        assert last is not None
        for told in (*taken(request, NOW, NOW), last):
            written = orjson.dumps(told)
            assert encode(decode_status_event(written)) == written


@given(requests(), st.sets(st.integers(1, 9)))
def test_a_guard_lets_nobody_have_what_it_forbids(sent: list[AcceptedRequest], places: set[int]) -> None:
    had: dict[str, list[StartedCareFlow]] = {}
    outcomes = run(cut(sent, places))
    for request, outcome in zip(sent, outcomes, strict=True):
        if isinstance(outcome, StartedCareFlow):
            before = had.setdefault(outcome.patient_id, [])
            active = [one for one in before if not one.care_flow.status.is_final]
            assert not (request.enrolment_guard is EnrolmentGuard.SKIP_WHEN_EVER_ENROLLED and before)
            assert not (request.enrolment_guard is EnrolmentGuard.SKIP_WHEN_ACTIVE and active)
            before.append(outcome)
        elif isinstance(outcome, Skipped):
            assert request.enrolment_guard.may_skip
            assert request.identifiers, "nobody knows whether an anonymous patient was here before"
            assert outcome.care_flow_id in {one.care_flow_id for one in had[outcome.patient_id]}


fingerprints = st.tuples(st.sampled_from(["mrn", "ssn"]), st.sampled_from([b"1", b"2", b"3"]))


@given(st.lists(fingerprints, max_size=6), st.dictionaries(fingerprints, st.sampled_from(["a", "b"])))
def test_whom_identifiers_stand_for(given_ones: list[Fingerprint], owners: dict[Fingerprint, str]) -> None:
    found = identify(given_ones, owners)
    patients = {owners[one] for one in given_ones if one in owners}
    match found:
        case IdentityConflict():
            assert len(patients) > 1
        case KnownPatient():
            assert patients == {found.patient_id}
        case NewPatient():
            assert patients == set()
    if not isinstance(found, IdentityConflict):
        assert set(found.missing) == {one for one in given_ones if one not in owners}
        assert len(set(found.missing)) == len(found.missing), "each becomes theirs once"


@given(st.permutations([("mrn", b"1"), ("ssn", b"2"), ("mrn", b"3")]))
def test_the_order_of_identifiers_does_not_choose_the_patient(order: list[Fingerprint]) -> None:
    owners = {("ssn", b"2"): "patient"}
    found = identify(order, owners)
    assert isinstance(found, KnownPatient)
    assert found.patient_id == "patient"


def test_every_failure_says_the_cause_and_a_cure() -> None:
    assert FAILURE_MESSAGES.keys() == set(FailureReason)
    for message in FAILURE_MESSAGES.values():
        assert message.endswith(".")
