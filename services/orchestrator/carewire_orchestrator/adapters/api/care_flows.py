"""/v1/care-flows."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field, model_validator

from carewire_orchestrator.adapters.api.activity_view import ActivityView, view_activity
from carewire_orchestrator.adapters.api.paging import Cursor, Limit, Page, Traceparent, page_of
from carewire_orchestrator.adapters.api.patient_forms import IdentifierBody
from carewire_orchestrator.adapters.store.lifecycle import Lifecycle, Whom
from carewire_orchestrator.adapters.store.reading import CollectedDataPoint, Reading
from carewire_orchestrator.domain.care_flow import ActivityStatus, CareFlow
from carewire_orchestrator.domain.given_values import ValueProblem
from carewire_orchestrator.domain.release import Release
from carewire_orchestrator.errors import InvalidValues
from carewire_runtime.auth import Role, require


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

    @model_validator(mode="after")
    def _one_way_to_say_whom(self) -> "StartBody":
        if self.patient_id is not None and self.patient_identifier is not None:
            raise ValueError("give patient_id or patient_identifier, not both")
        return self

    def whom(self) -> Whom:
        """Whose care flow it will be."""
        identifier = None if self.patient_identifier is None else self.patient_identifier.identifier()
        return Whom(self.patient_id, identifier, self.create_patient)


class StopBody(BaseModel):
    """Why a care flow is stopped; downstream teams read it."""

    reason: Annotated[str, Field(max_length=2000)] | None = None


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
    tracks: list[TrackView]
    steps: list[StepView]
    activities: list[ActivityView]


class DataPointView(BaseModel):
    """A value that was collected."""

    id: str
    definition_id: str
    value_type: str
    value: Any
    collected_at: datetime


def care_flows_router(lifecycle: Lifecycle, reading: Reading) -> APIRouter:
    """Routes of care flows."""
    router = APIRouter(prefix="/v1/care-flows", tags=["care flows"])
    can_read = [Depends(require(Role.VIEWER))]
    can_act = [Depends(require(Role.OPERATOR))]

    @router.post("", status_code=201, summary="Start a care flow", dependencies=can_act)
    async def start(body: StartBody, traceparent: Traceparent = None) -> CareFlowDetails:
        given = _each_once(body.data_points)
        started = await lifecycle.start(body.definition_id, body.release_id, body.whom(), given, traceparent)
        return _details(started.release, started.care_flow)

    @router.get("", summary="List care flows, newest first", dependencies=can_read)
    async def page(
        patient_id: Annotated[str | None, Query()] = None, limit: Limit = 50, cursor: Cursor = None
    ) -> Page[CareFlowView]:
        found = await reading.care_flows(patient_id, cursor, limit + 1)
        views = [CareFlowView(**asdict(summary)) for summary in found]
        return page_of(views, limit, lambda care_flow: care_flow.id)

    @router.get("/{care_flow_id}", summary="A care flow with tracks, steps and activities", dependencies=can_read)
    async def find(care_flow_id: str) -> CareFlowDetails:
        return _details(*await reading.care_flow(care_flow_id))

    @router.post("/{care_flow_id}/stop", summary="Stop a care flow", dependencies=can_act)
    async def stop(care_flow_id: str, body: StopBody, traceparent: Traceparent = None) -> CareFlowDetails:
        await lifecycle.stop(care_flow_id, body.reason, traceparent)
        return _details(*await reading.care_flow(care_flow_id))

    @router.get("/{care_flow_id}/activities", summary="Activities of a care flow, oldest first", dependencies=can_read)
    async def activities(
        care_flow_id: str,
        status: Annotated[list[ActivityStatus] | None, Query(description="these statuses only")] = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[ActivityView]:
        release, care_flow = await reading.care_flow(care_flow_id)
        views = [view_activity(release, care_flow, one) for one in care_flow.activities.values()]
        wanted = [view for view in _after(cursor, views) if status is None or view.status in status]
        return page_of(wanted, limit, lambda activity: activity.id)

    @router.get(
        "/{care_flow_id}/data-points",
        summary="Every value that a care flow collected, oldest first",
        dependencies=can_act,
    )
    async def data_points(care_flow_id: str) -> list[DataPointView]:
        return [_data_point(one) for one in await reading.data_points(care_flow_id)]

    return router


def _after(cursor: str | None, views: list[ActivityView]) -> list[ActivityView]:
    """What follows the page that ended with `cursor`. Raises InvalidValues where none of these ends one."""
    if cursor is None:
        return views
    ids = [view.id for view in views]
    if cursor not in ids:
        raise InvalidValues([ValueProblem("cursor", "no page of this list ended so; give next_cursor as answered")])
    return views[ids.index(cursor) + 1 :]


def _data_point(point: CollectedDataPoint) -> DataPointView:
    return DataPointView(
        id=point.id,
        definition_id=point.definition_id,
        value_type=point.value_type,
        value=point.value.reveal(),
        collected_at=point.collected_at,
    )


def _each_once(data_points: list[GivenDataPoint]) -> dict[str, Any]:
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


def _details(release: Release, care_flow: CareFlow) -> CareFlowDetails:
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
        tracks=[
            TrackView(id=track_id, title=release.tracks[track_id].title, status=status.value)
            for track_id, status in care_flow.tracks.items()
        ],
        steps=[
            StepView(id=step_id, title=release.steps[step_id].title, status=status.value)
            for step_id, status in care_flow.steps.items()
        ],
        activities=[view_activity(release, care_flow, one) for one in care_flow.activities.values()],
    )
