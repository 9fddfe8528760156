"""From effects to the domain events that other teams receive, in the words of the contracts.

Events are laid out as plain documents, in the order in which the contracts' models write their fields: a start tells
a dozen of them, and making and dumping a model for each would cost more than all the rest of it. That they are byte
for byte what the models write is pinned by a test over any history.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final, Literal, TypeAlias, assert_never

from carewire_contracts.definition import Question
from carewire_contracts.identifiers import Identifier
from carewire_contracts.record import record
from carewire_orchestrator.domain import effects as effect
from carewire_orchestrator.domain.activity_details import Document, describe_activity
from carewire_orchestrator.domain.advance import Advanced
from carewire_orchestrator.domain.care_flow import CollectedValue
from carewire_orchestrator.domain.moments import write_moment
from carewire_orchestrator.domain.profile import ProfileDocument
from carewire_orchestrator.domain.rare_events import tell_note, tell_reminder
from carewire_orchestrator.domain.release import Release
from carewire_runtime.ids import derived_id

EventPayloads: TypeAlias = Literal["full", "ids"]
"""How much is told: all that is known, or ids and nothing that may hold personal data."""

_TrackEventType = Literal["track.started", "track.completed", "track.stopped"]
_ActivityEventType = Literal[
    "activity.created",
    "activity.updated",
    "activity.completed",
    "activity.expired",
    "activity.failed",
    "activity.deleted",
]

_NOBODY_OF_STAFF: Final = {"stytch_member_id": None, "stytch_member_email": None}


@record()
class Announcement:
    """A domain event with its id, which is the same each time that the same effect is told.

    Events of a care flow have the numbers 1, 2, 3 … as their `sequence`; what happens to a patient has none.
    """

    id: str
    event: Document
    sequence: int | None = None

    @property
    def event_type(self) -> str:
        """The type of the event, one of `EVENT_TYPES`."""
        event_type: str = self.event["event_type"]
        return event_type


def announce(
    release: Release, advanced: Advanced, *, tenant_id: str, identifiers: Iterable[Identifier]
) -> Iterator[Announcement]:
    """Tell what followed, in order. `identifiers` are all that the patient has."""
    herald = _Herald(release, advanced, tenant_id, identifiers)
    care_flow = advanced.care_flow
    first = care_flow.sequence - len(advanced.effects) + 1
    for number, what in enumerate(advanced.effects, first):
        event = herald.tell(what)
        event["sequence"] = number
        yield Announcement(derived_id(care_flow.id, "event", str(number)), event, number)


def announce_patient(
    patient_id: str, *, tenant_id: str, identifiers: Iterable[Identifier], profile: ProfileDocument, now: datetime
) -> Announcement:
    """Tell that a patient came into being with these identifiers and this profile."""
    whole = {"identifier": _write_identifiers(identifiers), **profile}
    event = {
        "event_type": "patient.created",
        "patient": {"id": patient_id, "user": {"id": patient_id, "tenant_id": tenant_id}, "profile": whole},
        "tenant_id": tenant_id,
        "date": write_moment(now),
    }
    return Announcement(derived_id(patient_id, "patient.created"), event)


def _write_identifiers(identifiers: Iterable[Identifier]) -> list[Document]:
    return [{"system": identifier.system, "value": identifier.value} for identifier in identifiers]


class _Herald:
    """Tells effects of one care flow; what all of them share is made once.

    The patient's identifiers go only where the reference's documents have them: with `pathway.*` and `track.*`.
    """

    def __init__(self, release: Release, advanced: Advanced, tenant_id: str, identifiers: Iterable[Identifier]) -> None:
        care_flow = advanced.care_flow
        definition = release.definition
        self._release = release
        self._care_flow = care_flow
        self._tenant_id = tenant_id
        self._brief: Document = {
            "id": care_flow.id,
            "pathway_definition_id": definition.id,
            "patient_id": care_flow.patient_id,
            "start_date": None if care_flow.started_at is None else write_moment(care_flow.started_at),
        }
        named = {"tenant_id": tenant_id, "pathway_title": definition.title}
        self._titled = self._brief | named
        self._full = self._brief | {"patient_identifiers": _write_identifiers(identifiers)} | named
        self._whose = {
            "pathway_definition_id": definition.id,
            "pathway_id": care_flow.id,
            "patient_id": care_flow.patient_id,
        }

    def tell(self, what: effect.Effect) -> Document:
        match what:
            case effect.CareFlowStarted():
                return {
                    "event_type": "pathway.started",
                    "start_date": write_moment(what.at),
                    "pathway": self._full,
                }
            case effect.CareFlowStopped():
                return {
                    "event_type": "pathway.stopped",
                    "stop_date": write_moment(what.at),
                    "reason": what.reason,
                    "pathway": self._full,
                }
            case effect.CareFlowCompleted():
                return {
                    "event_type": "pathway.completed",
                    "complete_date": write_moment(what.at),
                    "pathway": self._full,
                }
            case effect.CareFlowDeleted():
                return {
                    "event_type": "pathway.deleted",
                    "delete_date": write_moment(what.at),
                    "title": self._release.definition.title,
                    "patient_id": self._care_flow.patient_id,
                    "pathway": self._full,
                }
            case effect.TrackMoved():
                return self._track(what)
            case effect.ActivityMoved():
                return self._activity(what)
            case effect.FormAnswered():
                return self._form(what)
            case effect.DataPointCollected():
                return {
                    "event_type": "data_point.collected",
                    "data_point": self._collected(what.value),
                    "pathway": self._brief,
                    **self._whose,
                }
            case effect.NoteWritten():
                return tell_note(self._release, what, self._full, self._whose)
            case effect.Reminded():
                return tell_reminder(self._release, what, self._brief)
            case _:
                assert_never(what)

    def _track(self, what: effect.TrackMoved) -> Document:
        track = self._release.tracks[what.track_id]
        return {
            "event_type": _TRACK_EVENTS[what.move],
            "track": {"id": track.id, "title": track.title},
            "pathway": self._full,
        }

    def _activity(self, what: effect.ActivityMoved) -> Document:
        event: Document = {
            "event_type": _ACTIVITY_EVENTS[what.move],
            "activity": describe_activity(self._release, self._care_flow, what.activity),
        }
        if what.move in _TOLD_WITH_USER:
            event["user_context"] = _NOBODY_OF_STAFF
        return {**event, "pathway": self._titled, **self._whose}

    def _collected(self, value: CollectedValue) -> Document:
        key, category = self._release.data_point_keys[value.given.definition_id]
        return {
            "id": value.id,
            "data_point_definition_id": value.given.definition_id,
            "valueType": value.given.value_type.value,
            "value": value.given.value,
            "data_set_id": self._care_flow.id,
            "date": write_moment(value.collected_at),
            "tenant_id": self._tenant_id,
            "release_id": self._release.release_id,
            "definition_key": key,
            "definition_category": category,
        }

    def _form(self, what: effect.FormAnswered) -> Document:
        form = self._release.action_forms[what.activity.action_id]
        return {
            "event_type": "form.submitted",
            "activity_id": what.activity.id,
            "date": write_moment(what.at),
            "response": [self._collected(answer) for answer in what.answers],
            "form": {"title": form.title, "questions": [_asked(question) for question in form.questions]},
            "pathway": self._brief,
        }


def _asked(question: Question) -> Document:
    return {
        "title": question.title,
        "key": question.key,
        "definition_id": question.id,
        "questionType": question.question_type,
        "userQuestionType": question.user_question_type,
        "titleHtml": question.title if question.question_type == "no_input" else None,
    }


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
    "failed": "activity.failed",
    "deleted": "activity.deleted",
}
_TOLD_WITH_USER: Final = frozenset({"created", "updated", "completed"})
