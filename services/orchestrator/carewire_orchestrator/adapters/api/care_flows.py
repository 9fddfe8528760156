"""/v1/care-flows: starting, looking, stopping, pausing, and what a care flow knows."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from carewire_orchestrator.adapters.api.accesses import Accesses
from carewire_orchestrator.adapters.api.activity_view import ActivityView, view_activity
from carewire_orchestrator.adapters.api.callers import Operator, Viewer
from carewire_orchestrator.adapters.api.care_flow_views import (
    BaselineBody,
    CareFlowDetails,
    CareFlowView,
    DataPointView,
    PauseBody,
    StartBody,
    StopBody,
    details,
    each_once,
    view_data_point,
)
from carewire_orchestrator.adapters.api.paging import Cursor, Limit, Page, page_of
from carewire_orchestrator.adapters.store.changes import Changed
from carewire_orchestrator.adapters.store.lifecycle import Lifecycle
from carewire_orchestrator.adapters.store.people import People
from carewire_orchestrator.adapters.store.reading import Reading
from carewire_orchestrator.domain.care_flow import ActivityStatus
from carewire_orchestrator.domain.events import Deleted, Paused, Stopped, Unpaused
from carewire_orchestrator.domain.given_values import ValueProblem
from carewire_orchestrator.errors import InvalidValues
from carewire_runtime.http.traced import traced


class CareFlowApi:
    """The routes. Viewers read, operators act and see values."""

    def __init__(self, lifecycle: Lifecycle, people: People, reading: Reading, accesses: Accesses) -> None:
        self._lifecycle = lifecycle
        self._people = people
        self._reading = reading
        self._accesses = accesses

    def router(self) -> APIRouter:
        """The routes under /v1/care-flows."""
        router = APIRouter(prefix="/v1/care-flows", tags=["care flows"], dependencies=[Depends(traced)])
        one = "/{care_flow_id}"
        get, post = ["GET"], ["POST"]
        router.add_api_route("", self.start, methods=post, status_code=201, summary="Start a care flow")
        router.add_api_route("", self.page, methods=get, summary="List care flows, newest first")
        router.add_api_route(one, self.find, methods=get, summary="A care flow with tracks, steps and activities")
        router.add_api_route(one, self.delete, methods=["DELETE"], status_code=204, summary="Delete a care flow")
        router.add_api_route(one + "/stop", self.stop, methods=post, summary="Stop a care flow")
        router.add_api_route(one + "/pause", self.pause, methods=post, summary="Pause a care flow")
        router.add_api_route(one + "/resume", self.resume, methods=post, summary="Let a paused care flow go on")
        router.add_api_route(
            one + "/activities", self.activities, methods=get, summary="Activities of a care flow, oldest first"
        )
        router.add_api_route(
            one + "/data-points", self.data_points, methods=get, summary="What a care flow collected, oldest first"
        )
        router.add_api_route(
            one + "/baseline", self.baseline, methods=post, summary="Give baseline data points new values"
        )
        return router

    async def start(self, body: StartBody, by: Operator) -> CareFlowDetails:
        """Start a care flow of a release, by default the live one.

        With an `enrolment_guard`, a patient who has one already gets no other; the answer names the one they have.
        """
        given = each_once(body.data_points)
        started = await self._lifecycle.start(
            body.definition_id, body.release_id, body.whom(), given, body.enrolment_guard, by
        )
        return details(started.release, started.care_flow)

    async def page(
        self, by: Viewer, patient_id: Annotated[str | None, Query()] = None, limit: Limit = 50, cursor: Cursor = None
    ) -> Page[CareFlowView]:
        """List care flows page by page: a patient's, or all."""
        found = await self._reading.care_flows(patient_id, cursor, limit + 1)
        views = page_of([CareFlowView(**asdict(summary)) for summary in found], limit, lambda one: one.id)
        await self._accesses.note(by, "care_flow.list", (one.patient_id for one in views.items))
        return views

    async def find(self, care_flow_id: str, by: Viewer) -> CareFlowDetails:
        """Get a care flow."""
        release, care_flow = await self._reading.care_flow(care_flow_id)
        await self._accesses.note(by, "care_flow.view", [care_flow.patient_id])
        return details(release, care_flow)

    async def delete(self, care_flow_id: str, by: Operator) -> Response:
        """Delete a care flow for good, with all that it collected; one that runs is stopped first."""
        await self._people.let(care_flow_id, Deleted(), by)
        return Response(status_code=204)

    async def stop(self, care_flow_id: str, body: StopBody, by: Operator) -> CareFlowDetails:
        """Stop a care flow: what is open is canceled, and nothing happens any more."""
        return _shown(await self._people.let(care_flow_id, Stopped(body.reason), by))

    async def pause(self, care_flow_id: str, body: PauseBody, by: Operator) -> CareFlowDetails:
        """Pause a care flow: nothing moves until it is resumed. Timers keep their clock, and fire then."""
        return _shown(await self._people.let(care_flow_id, Paused(body.reason), by))

    async def resume(self, care_flow_id: str, by: Operator) -> CareFlowDetails:
        """Let a paused care flow go on; timers that were due meanwhile fire now, in their order."""
        return _shown(await self._people.let(care_flow_id, Unpaused(), by))

    async def activities(
        self,
        care_flow_id: str,
        by: Viewer,
        status: Annotated[list[ActivityStatus] | None, Query(description="these statuses only")] = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[ActivityView]:
        """List the activities of one care flow page by page, in the order in which they came."""
        release, care_flow = await self._reading.care_flow(care_flow_id)
        await self._accesses.note(by, "care_flow.view", [care_flow.patient_id])
        views = [view_activity(release, care_flow, one) for one in care_flow.activities.values()]
        wanted = [view for view in _after(cursor, views) if status is None or view.status in status]
        return page_of(wanted, limit, lambda activity: activity.id)

    async def data_points(
        self,
        care_flow_id: str,
        by: Operator,
        definition_id: Annotated[str | None, Query(description="this data point only", max_length=256)] = None,
        latest: Annotated[bool, Query(description="only the last value of each")] = False,
    ) -> list[DataPointView]:
        """List every value that a care flow collected, or the last one of each data point."""
        release, care_flow = await self._reading.care_flow(care_flow_id)
        await self._accesses.note(by, "data_point.view", [care_flow.patient_id])
        found = await self._reading.data_points(care_flow_id, latest=latest)
        return [view_data_point(release, one) for one in found if definition_id in (None, one.definition_id)]

    async def baseline(self, care_flow_id: str, body: BaselineBody, by: Operator) -> list[DataPointView]:
        """Give baseline data points new values; answers the last value of each data point."""
        changed = await self._people.update_baseline(care_flow_id, each_once(body.data_points), by)
        found = await self._reading.data_points(care_flow_id, latest=True)
        return [view_data_point(changed.release, one) for one in found]


def _shown(changed: Changed) -> CareFlowDetails:
    return details(changed.release, changed.care_flow)


def _after(cursor: str | None, views: list[ActivityView]) -> list[ActivityView]:
    """What follows the page that ended with `cursor`. Raises InvalidValues where none of these ends one."""
    if cursor is None:
        return views
    ids = [view.id for view in views]
    if cursor not in ids:
        raise InvalidValues([ValueProblem("cursor", "no page of this list ended so; give next_cursor as answered")])
    return views[ids.index(cursor) + 1 :]
