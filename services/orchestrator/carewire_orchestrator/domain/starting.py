"""How accepted requests become care flows, one after another.

Requests of one batch may share start keys and identifiers, so each is decided with what the earlier ones did in
mind, exactly as if they had come in batches of one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime
from typing import Self, TypeAlias

from carewire_contracts.identifiers import Identifier
from carewire_contracts.record import record
from carewire_contracts.requests import AcceptedRequest
from carewire_contracts.statuses import FailureReason, SkipReason
from carewire_orchestrator.domain.advance import Advanced, Refusal, advance
from carewire_orchestrator.domain.baseline import read_baseline
from carewire_orchestrator.domain.care_flow import CareFlow
from carewire_orchestrator.domain.enrolment import Enrolment, PatientAndDefinition, skip_reason
from carewire_orchestrator.domain.events import Started
from carewire_orchestrator.domain.given_values import ValueProblem
from carewire_orchestrator.domain.identity import (
    Fingerprint,
    IdentityConflict,
    KnownPatient,
    NewPatient,
    identify,
    joined,
)
from carewire_orchestrator.domain.profile import NOTHING_KNOWN, ProfileDocument, lay_out_profile
from carewire_orchestrator.domain.release import Release
from carewire_orchestrator.domain.request_outcome import (
    AlreadyEnded,
    Duplicate,
    Failed,
    FirstCall,
    Start,
    Succeeded,
    judge,
)


@record()
class Call:
    """An accepted request as it was taken from Kafka, with ids at hand for what it may create.

    `fingerprints` belong to the request's identifiers, in their order. `traceparent` continues its trace.
    """

    request: AcceptedRequest
    appended_at: datetime
    fingerprints: tuple[Fingerprint, ...]
    care_flow_id: str
    patient_id: str
    traceparent: str | None = None


@record()
class StartedCareFlow:
    """A care flow that runs now, for a patient who was known or is new with it.

    `identifiers` are all that the patient has; `new_identifiers` are those among them that were missing. `profile` is
    that of a new patient.
    """

    release: Release
    advanced: Advanced
    is_new_patient: bool
    identifiers: tuple[Identifier, ...]
    new_identifiers: tuple[tuple[Fingerprint, Identifier], ...]
    profile: ProfileDocument = field(default_factory=dict, repr=False)

    @property
    def care_flow_id(self) -> str:
        """The id of the care flow."""
        return self.care_flow.id

    @property
    def patient_id(self) -> str:
        """Whose care flow it is."""
        return self.care_flow.patient_id

    @property
    def care_flow(self) -> CareFlow:
        """The care flow as it stands after its start."""
        return self.advanced.care_flow


@record()
class Skipped:
    """Nothing was started: the enrolment guard found this care flow of the patient.

    The call's new identifiers become the patient's all the same. A later call by one of them alone would else make a
    stranger of the patient, and enrol them twice.
    """

    care_flow_id: str
    patient_id: str
    reason: SkipReason
    identifiers: tuple[Identifier, ...]
    new_identifiers: tuple[tuple[Fingerprint, Identifier], ...]


Outcome: TypeAlias = StartedCareFlow | Skipped | Duplicate | Failed | AlreadyEnded


def start_care_flow(
    release: Release,
    care_flow_id: str,
    patient_id: str,
    given: Mapping[str, object],
    now: datetime,
    profile: ProfileDocument = NOTHING_KNOWN,
) -> Advanced | list[ValueProblem]:
    """Start a care flow with the values given for its baseline, or tell all that is wrong with them.

    `profile` is what is known of the patient now; the time zone in it stays that of the care flow.
    """
    baseline = read_baseline(release.definition.data_points, given)
    if isinstance(baseline, list):
        return baseline
    care_flow = CareFlow(id=care_flow_id, release_id=release.release_id, patient_id=patient_id)
    time_zone = str(profile.get("patient_timezone") or "UTC")
    advanced = advance(release, care_flow, Started(baseline, time_zone), now, profile)
    # A care flow that was made a line above has not started yet.
    return [] if isinstance(advanced, Refusal) else advanced


def guarded_patients(calls: Sequence[Call], owners: Mapping[Fingerprint, str]) -> frozenset[str]:
    """Known patients of whom a guard may have to know what they have, whatever the batch's earlier requests do."""
    prints = (call.fingerprints for call in calls if call.request.enrolment_guard.may_skip)
    asked = joined((one for each in prints for one in each), [call.fingerprints for call in calls])
    return frozenset(owners[one] for one in asked if one in owners)


class Intake:
    """What is known while requests are decided: releases, first calls by start key, and who has which identifier.

    `enrolments` are those of `guarded_patients` in the definitions of guarded requests; `profiles` are those of known
    patients, by their ids.
    """

    def __init__(
        self,
        releases: Mapping[str, Release],
        first_calls: Mapping[str, FirstCall],
        owners: Mapping[Fingerprint, str],
        identifiers: Mapping[str, tuple[Identifier, ...]],
        enrolments: Mapping[PatientAndDefinition, Enrolment],
        profiles: Mapping[str, ProfileDocument] | None = None,
    ) -> None:
        self._releases = releases
        self._first_calls = dict(first_calls)
        self._owners = dict(owners)
        self._identifiers = dict(identifiers)
        self._enrolments = dict(enrolments)
        self._profiles = dict(profiles or {})

    def copy(self) -> Self:
        """What is known so far, for a decision that may have to be taken back."""
        return type(self)(
            self._releases, self._first_calls, self._owners, self._identifiers, self._enrolments, self._profiles
        )

    def decide(self, call: Call, now: datetime) -> Outcome:
        """Decide a request and remember what follows for the later ones."""
        verdict = judge(call.request, call.appended_at, self._first_calls.get(call.request.start_key))
        if not isinstance(verdict, Start):
            return verdict
        outcome = self._start(call, now)
        if isinstance(outcome, Failed):
            self.fail(call, outcome)
        else:
            self._remember(call, outcome)
        return outcome

    def fail(self, call: Call, failed: Failed) -> None:
        """Remember that the first call of a key failed."""
        self._first_calls[call.request.start_key] = _first_call(call, failed)

    def _start(self, call: Call, now: datetime) -> StartedCareFlow | Skipped | Failed:
        release = self._releases.get(call.request.release_id)
        if release is None:
            return Failed(FailureReason.RELEASE_NOT_FOUND)
        identity = identify(call.fingerprints, self._owners)
        if isinstance(identity, IdentityConflict):
            return Failed(FailureReason.IDENTITY_CONFLICT)
        is_new = isinstance(identity, NewPatient)
        patient_id = call.patient_id if isinstance(identity, NewPatient) else identity.patient_id
        missing = _values_of(call, identity)
        identifiers = (*self._identifiers.get(patient_id, ()), *(identifier for _, identifier in missing))
        enrolment = self._enrolments.get((patient_id, release.definition.id))
        reason = skip_reason(call.request.enrolment_guard, enrolment)
        if enrolment is not None and reason is not None:
            return Skipped(enrolment.care_flow_id, patient_id, reason, identifiers, missing)
        given = {value.data_point_definition_id: value.value for value in call.request.data_points}
        profile = lay_out_profile(call.request.profile) if is_new else {}
        # That of a patient whom this batch made is remembered; of earlier ones the store tells.
        known = profile if is_new else self._profiles.get(patient_id, NOTHING_KNOWN)
        advanced = start_care_flow(release, call.care_flow_id, patient_id, given, now, known)
        if isinstance(advanced, list):
            return Failed(FailureReason.INVALID_BASELINE)
        return StartedCareFlow(release, advanced, is_new, identifiers, missing, profile)

    def _remember(self, call: Call, outcome: StartedCareFlow | Skipped) -> None:
        patient_id = outcome.patient_id
        reason = outcome.reason if isinstance(outcome, Skipped) else None
        succeeded = Succeeded(outcome.care_flow_id, patient_id, reason)
        self._first_calls[call.request.start_key] = _first_call(call, succeeded)
        self._owners.update((fingerprint, patient_id) for fingerprint, _ in outcome.new_identifiers)
        self._identifiers[patient_id] = outcome.identifiers
        if isinstance(outcome, StartedCareFlow):
            if outcome.is_new_patient:
                self._profiles[patient_id] = outcome.profile
            self._enrol(outcome)

    def _enrol(self, started: StartedCareFlow) -> None:
        whose = (started.patient_id, started.release.definition.id)
        enrolment = Enrolment(started.care_flow_id, is_active=not started.care_flow.status.is_final)
        before = self._enrolments.get(whose)
        self._enrolments[whose] = enrolment if before is None else before.then(enrolment)


def _first_call(call: Call, outcome: Succeeded | Failed) -> FirstCall:
    return FirstCall(call.request.request_id, call.request.body_digest, outcome)


def _values_of(call: Call, identity: KnownPatient | NewPatient) -> tuple[tuple[Fingerprint, Identifier], ...]:
    values = dict(zip(call.fingerprints, call.request.identifiers, strict=True))
    return tuple((fingerprint, values[fingerprint]) for fingerprint in identity.missing)
