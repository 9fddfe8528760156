"""What the routes of care flows take and answer."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from carewire_contracts.requests import EnrolmentGuard
from carewire_contracts.timestamps import Timestamp
from carewire_orchestrator.adapters.api.activity_view import ActivityView, view_activity
from carewire_orchestrator.adapters.api.patient_forms import IdentifierBody
from carewire_orchestrator.adapters.store.lifecycle import Whom
from carewire_orchestrator.adapters.store.reading import CollectedDataPoint
from carewire_orchestrator.adapters.store.timeline import CauseKind, Change
from carewire_orchestrator.domain.by_hand import is_scheduled
from carewire_orchestrator.domain.care_flow import CareFlow, TrackStatus
from carewire_orchestrator.domain.given_values import ValueProblem
from carewire_orchestrator.domain.release import Release
from carewire_orchestrator.errors import InvalidValues

Reason = Annotated[str, Field(max_length=2000)]


class GivenDataPoint(BaseModel):
    """A baseline value, as native JSON or in the reference's string form."""

    model_config = ConfigDict(hide_input_in_errors=True)

    data_point_definition_id: str
    value: Annotated[Any, Field(repr=False)]


class StartBody(BaseModel):
    """What to start for whom: a patient by id or by identifier; with neither, an anonymous one."""

    model_config = ConfigDict(hide_input_in_errors=True)

    definition_id: str
    release_id: str | None = None
    patient_id: str | None = None
    patient_identifier: IdentifierBody | None = None
    create_patient: bool = False
    data_points: Annotated[list[GivenDataPoint], Field(max_length=1000)] = []
    enrolment_guard: EnrolmentGuard = EnrolmentGuard.START_ANOTHER

    @model_validator(mode="after")
    def _one_way_to_say_whom(self) -> "StartBody":
        if self.patient_id is not None and self.patient_identifier is not None:
            raise ValueError("give patient_id or patient_identifier, not both")
        return self

    def whom(self) -> Whom:
        """Whose care flow it will be."""
        identifier = None if self.patient_identifier is None else self.patient_identifier.identifier()
        return Whom(self.patient_id, identifier, self.create_patient)


class BaselineBody(BaseModel):
    """New values of baseline data points; those that are not named keep theirs."""

    model_config = ConfigDict(hide_input_in_errors=True)

    data_points: Annotated[list[GivenDataPoint], Field(min_length=1, max_length=1000)]


class StopBody(BaseModel):
    """Why a care flow is stopped; downstream teams read it."""

    reason: Reason | None = None


class PauseBody(BaseModel):
    """Why a care flow is paused."""

    reason: Reason | None = None


class TrackBody(BaseModel):
    """How a track is added: with `any_track`, also one that the definition does not let people add."""

    any_track: bool = False


class ScheduleBody(TrackBody):
    """When a track is to start; a moment that has passed means at once."""

    at: Timestamp
    cancel_scheduled: bool = False


class CareFlowView(BaseModel):
    """A care flow in a list."""

    id: str
    patient_id: str
    definition_id: str
    release_id: str
    status: str
    started_at: datetime | None
    ended_at: datetime | None


class TrackView(BaseModel):
    """A track that has started."""

    id: str
    title: str
    status: str


class ScheduledTrack(BaseModel):
    """That somebody has a track start at a moment; `timer_id` takes it back."""

    timer_id: str
    at: datetime


class KnownTrack(BaseModel):
    """A track of the release; `status` is null until it has started. `ad_hoc`: people may add it."""

    id: str
    title: str
    status: TrackStatus | None
    ad_hoc: bool
    scheduled: list[ScheduledTrack]


class StepView(BaseModel):
    """A step that was reached."""

    id: str
    title: str
    status: str


class CareFlowDetails(CareFlowView):
    """A care flow with all that has happened in it."""

    title: str
    version: int
    stop_reason: str | None
    pause_reason: str | None = None
    tracks: list[TrackView]
    steps: list[StepView]
    activities: list[ActivityView]


class DataPointView(BaseModel):
    """A value that was collected. The key is that of the definition, with its form's where it is an answer."""

    id: str
    definition_id: str
    key: str
    category: str
    value_type: str
    value: Any
    collected_at: datetime


class CauseView(BaseModel):
    """Who or what made something happen.

    `principal`: the holder of an API key, by name. `request`: a call of an incoming webhook. `timer`, `api_call`,
    `session`: one of these of the care flow.
    """

    kind: CauseKind
    id: str | None
    name: str | None


class ToldView(BaseModel):
    """A domain event. `subject_id` is the track, activity, data point or session that it is about."""

    sequence: int
    event_type: str
    subject_id: str | None


class ChangeView(BaseModel):
    """What happened to a care flow, why, and every domain event that followed, in order."""

    at: datetime
    what: str
    cause: CauseView
    events: list[ToldView]


def details(release: Release, care_flow: CareFlow) -> CareFlowDetails:
    """Show a care flow that runs this release."""
    return CareFlowDetails(
        id=care_flow.id,
        patient_id=care_flow.patient_id,
        definition_id=release.definition.id,
        release_id=care_flow.release_id,
        status=care_flow.status.value,
        started_at=care_flow.started_at,
        ended_at=care_flow.ended_at,
        title=release.definition.title,
        version=release.version,
        stop_reason=care_flow.stop_reason,
        pause_reason=care_flow.pause_reason,
        tracks=[
            TrackView(id=track_id, title=release.tracks[track_id].title, status=status.value)
            for track_id, status in care_flow.tracks.items()
        ],
        steps=[
            StepView(id=step_id, title=_node_title(release, step_id), status=status.value)
            for step_id, status in care_flow.steps.items()
        ],
        activities=[view_activity(release, care_flow, one) for one in care_flow.activities.values()],
    )


def _node_title(release: Release, node_id: str) -> str:
    """The title of a step, or of a timer of a track, which is reached like one."""
    return release.steps[node_id].title if node_id in release.steps else release.timers[node_id].title


def known_tracks(release: Release, care_flow: CareFlow) -> list[KnownTrack]:
    """Show all tracks of a release, and how this care flow stands with them."""
    ad_hoc = {trigger.target_id for trigger in release.triggers.get(("ad_hoc", None), ())}
    return [
        KnownTrack(
            id=track.id,
            title=track.title,
            status=care_flow.tracks.get(track.id),
            ad_hoc=track.id in ad_hoc,
            scheduled=[
                ScheduledTrack(timer_id=timer.id, at=timer.due_at)
                for timer in care_flow.timers.values()
                if is_scheduled(timer, track.id) and timer.due_at is not None
            ],
        )
        for track in release.tracks.values()
    ]


def view_data_point(release: Release, point: CollectedDataPoint) -> DataPointView:
    """Show a value that a care flow collected."""
    key, category = release.data_point_keys[point.definition_id]
    return DataPointView(
        id=point.id,
        definition_id=point.definition_id,
        key=key,
        category=category,
        value_type=point.value_type,
        value=point.value.reveal(),
        collected_at=point.collected_at,
    )


def view_change(change: Change) -> ChangeView:
    """Show what happened."""
    return ChangeView(
        at=change.happened_at,
        what=change.what,
        cause=CauseView(kind=change.cause.kind, id=change.cause.id, name=change.cause.name),
        events=[
            ToldView(sequence=number, event_type=told.event_type, subject_id=told.subject_id or None)
            for number, told in enumerate(change.events, change.first_sequence)
        ],
    )


def each_once(data_points: list[GivenDataPoint]) -> dict[str, Any]:
    """Values by data point. Raises InvalidValues where one is given twice: which of them is meant, nobody knows."""
    given: dict[str, Any] = {}
    repeated: list[ValueProblem] = []
    for place, one in enumerate(data_points):
        if one.data_point_definition_id in given:
            repeated.append(ValueProblem(f"data_points.{place}", "this data point was given before; give it once"))
        given[one.data_point_definition_id] = one.value
    if repeated:
        raise InvalidValues(repeated)
    return given
