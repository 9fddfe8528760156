"""/v1/activities."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from carewire_orchestrator.adapters.api.activity_view import ActivityView, view_activity
from carewire_orchestrator.adapters.api.paging import Traceparent
from carewire_orchestrator.adapters.store.lifecycle import Lifecycle
from carewire_orchestrator.adapters.store.reading import Reading
from carewire_runtime.auth import Role, require


class AnswersBody(BaseModel):
    """Answers by the key or the id of their question, as native JSON or in the reference's string form."""

    model_config = ConfigDict(hide_input_in_errors=True)

    answers: Annotated[dict[str, Any], Field(max_length=1000, repr=False)]


class DoneView(BaseModel):
    """What became of the activity, and of its care flow."""

    activity: ActivityView
    care_flow_status: str


def activities_router(lifecycle: Lifecycle, reading: Reading) -> APIRouter:
    """Routes of activities."""
    router = APIRouter(prefix="/v1/activities", tags=["activities"])
    can_act = [Depends(require(Role.OPERATOR))]

    @router.get("/{activity_id}", summary="An activity", dependencies=[Depends(require(Role.VIEWER))])
    async def find(activity_id: str) -> ActivityView:
        return (await _done(activity_id)).activity

    @router.post("/{activity_id}/submit", summary="Answer the form of an activity", dependencies=can_act)
    async def submit(activity_id: str, body: AnswersBody, traceparent: Traceparent = None) -> DoneView:
        await lifecycle.submit_form(activity_id, body.answers, traceparent)
        return await _done(activity_id)

    @router.post("/{activity_id}/complete", summary="Complete a checklist", dependencies=can_act)
    async def complete(activity_id: str, traceparent: Traceparent = None) -> DoneView:
        await lifecycle.complete_checklist(activity_id, traceparent)
        return await _done(activity_id)

    @router.post("/{activity_id}/read", summary="Mark a message as read", dependencies=can_act)
    async def read(activity_id: str, traceparent: Traceparent = None) -> DoneView:
        await lifecycle.read_message(activity_id, traceparent)
        return await _done(activity_id)

    async def _done(activity_id: str) -> DoneView:
        release, care_flow = await reading.care_flow_of_activity(activity_id)
        activity = view_activity(release, care_flow, care_flow.activities[activity_id])
        return DoneView(activity=activity, care_flow_status=care_flow.status.value)

    return router
