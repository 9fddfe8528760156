"""From effects to the domain events that other teams receive, in the words of the contracts."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, assert_never

from carewire_contracts.definition import Question
from carewire_contracts.events import (
    ActivityEvent,
    AnyDomainEvent,
    DataPointCollected,
    FormSubmitted,
    PathwayCompleted,
    PathwayStarted,
    PathwayStopped,
    TrackEvent,
)
from carewire_contracts.events.activity import UserContext
from carewire_contracts.events.data_point import DataPoint
from carewire_contracts.events.form import FormQuestion, SubmittedForm
from carewire_contracts.events.pathway import Pathway, PatientIdentifier
from carewire_contracts.events.track import TrackReference
from carewire_contracts.identifiers import Identifier
from carewire_orchestrator.domain import effects as effect
from carewire_orchestrator.domain.activity_details import describe_activity
from carewire_orchestrator.domain.advance import Advanced
from carewire_orchestrator.domain.care_flow import CollectedValue
from carewire_orchestrator.domain.release import Release
from carewire_runtime.ids import derived_id

_TrackEventType = Literal["track.started", "track.completed", "track.stopped"]
_ActivityEventType = Literal["activity.created", "activity.updated", "activity.completed", "activity.expired"]

_NOBODY_OF_STAFF: Final = UserContext(stytch_member_id=None, stytch_member_email=None)


@dataclass(frozen=True, slots=True)
class Announcement:
    """A domain event with its id, which is the same each time that the same effect is told."""

    id: str
    event: AnyDomainEvent


def announce(
    release: Release, advanced: Advanced, *, tenant_id: str, identifiers: Iterable[Identifier]
) -> Iterator[Announcement]:
    """Tell what followed, in order. `identifiers` are all that the patient has."""
    herald = _Herald(release, advanced, tenant_id, identifiers)
    care_flow = advanced.care_flow
    first = care_flow.sequence - len(advanced.effects) + 1
    for number, what in enumerate(advanced.effects, first):
        yield Announcement(derived_id(care_flow.id, "event", str(number)), herald.tell(what))


class _Herald:
    """Tells effects of one care flow; what all of them share is made once.

    The patient's identifiers go only where the reference's documents have them: with `pathway.*` and `track.*`.
    """

    def __init__(self, release: Release, advanced: Advanced, tenant_id: str, identifiers: Iterable[Identifier]) -> None:
        care_flow = advanced.care_flow
        self._release = release
        self._care_flow = care_flow
        self._tenant_id = tenant_id
        self._brief = Pathway(
            id=care_flow.id,
            pathway_definition_id=release.definition.id,
            patient_id=care_flow.patient_id,
            start_date=care_flow.started_at,
        )
        self._titled = self._brief.model_copy(
            update={"tenant_id": tenant_id, "pathway_title": release.definition.title}
        )
        told = tuple(PatientIdentifier(system=i.system, value=i.value) for i in identifiers)
        self._full = self._titled.model_copy(update={"patient_identifiers": told})

    def tell(self, what: effect.Effect) -> AnyDomainEvent:
        match what:
            case effect.CareFlowStarted():
                return PathwayStarted(start_date=what.at, pathway=self._full)
            case effect.CareFlowStopped():
                return PathwayStopped(stop_date=what.at, reason=what.reason, pathway=self._full)
            case effect.CareFlowCompleted():
                return PathwayCompleted(complete_date=what.at, pathway=self._full)
            case effect.TrackMoved():
                return self._track(what)
            case effect.ActivityMoved(move="expired"):
                return self._activity(what)
            case effect.ActivityMoved():
                return self._activity(what).model_copy(update={"user_context": _NOBODY_OF_STAFF})
            case effect.FormAnswered():
                return self._form(what)
            case effect.DataPointCollected():
                return self._data_point(what.value)
            case _:
                assert_never(what)

    def _track(self, what: effect.TrackMoved) -> TrackEvent:
        track = self._release.tracks[what.track_id]
        return TrackEvent(
            event_type=_TRACK_EVENTS[what.move],
            track=TrackReference(id=track.id, title=track.title),
            pathway=self._full,
        )

    def _activity(self, what: effect.ActivityMoved) -> ActivityEvent:
        return ActivityEvent(
            event_type=_ACTIVITY_EVENTS[what.move],
            activity=describe_activity(self._release, self._care_flow, what.activity),
            pathway=self._titled,
            pathway_definition_id=self._release.definition.id,
            pathway_id=self._care_flow.id,
            patient_id=self._care_flow.patient_id,
        )

    def _data_point(self, value: CollectedValue) -> DataPointCollected:
        return DataPointCollected(
            data_point=self._collected(value),
            pathway=self._brief,
            pathway_definition_id=self._release.definition.id,
            pathway_id=self._care_flow.id,
            patient_id=self._care_flow.patient_id,
        )

    def _collected(self, value: CollectedValue) -> DataPoint:
        key, category = self._release.data_point_keys[value.given.definition_id]
        return DataPoint(
            id=value.id,
            tenant_id=self._tenant_id,
            release_id=self._release.release_id,
            data_point_definition_id=value.given.definition_id,
            definition_key=key,
            definition_category=category,
            valueType=value.given.value_type.value,
            value=value.given.value,
            data_set_id=self._care_flow.id,
            date=value.collected_at,
        )

    def _form(self, what: effect.FormAnswered) -> FormSubmitted:
        form = self._release.action_forms[what.activity.action_id]
        return FormSubmitted(
            activity_id=what.activity.id,
            date=what.at,
            response=tuple(self._collected(answer) for answer in what.answers),
            form=SubmittedForm(title=form.title, questions=tuple(_asked(question) for question in form.questions)),
            pathway=self._brief,
        )


def _asked(question: Question) -> FormQuestion:
    return FormQuestion(
        title=question.title,
        key=question.key,
        definition_id=question.id,
        questionType=question.question_type,
        userQuestionType=question.user_question_type,
        titleHtml=question.title if question.question_type == "no_input" else None,
    )


_TRACK_EVENTS: Final[dict[effect.TrackMove, _TrackEventType]] = {
    "started": "track.started",
    "completed": "track.completed",
    "stopped": "track.stopped",
}
_ACTIVITY_EVENTS: Final[dict[effect.ActivityMove, _ActivityEventType]] = {
    "created": "activity.created",
    "updated": "activity.updated",
    "completed": "activity.completed",
    "expired": "activity.expired",
}
