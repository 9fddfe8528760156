"""/v1/activities: work lists, and what can be done with an activity."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from carewire_orchestrator.adapters.api.accesses import Accesses
from carewire_orchestrator.adapters.api.activity_view import ActivityView, view_activity
from carewire_orchestrator.adapters.api.callers import Operator, Viewer
from carewire_orchestrator.adapters.api.paging import Cursor, Limit, Page, page_of
from carewire_orchestrator.adapters.store.activity_lists import ActivityFilter, ActivityLists
from carewire_orchestrator.adapters.store.changes import Changed
from carewire_orchestrator.adapters.store.people import People
from carewire_orchestrator.adapters.store.reading import Reading
from carewire_orchestrator.domain.care_flow import ActivityKind, ActivityStatus
from carewire_orchestrator.domain.events import (
    ActivityExpired,
    ActivityReassigned,
    ActivityRetried,
    ChecklistCompleted,
    MessageRead,
    Resumed,
    TimerSkipped,
)
from carewire_runtime.http.traced import traced

Id = Annotated[str, Field(min_length=1, max_length=128)]


class AnswersBody(BaseModel):
    """Answers by the key or the id of their question, as native JSON or in the reference's string form."""

    model_config = ConfigDict(hide_input_in_errors=True)

    answers: Annotated[dict[str, Any], Field(max_length=1000, repr=False)]


class ReassignBody(BaseModel):
    """To whom an activity is given: stakeholders of the definition; nobody of them means the patient."""

    stakeholder_definition_ids: Annotated[list[Id], Field(max_length=100)]


class ActivityQuery(BaseModel):
    """Which activities are asked for; all conditions hold together."""

    model_config = ConfigDict(extra="forbid")

    status: list[ActivityStatus] | None = Field(None, description="these statuses only")
    kind: list[ActivityKind] | None = Field(None, description="these kinds only")
    care_flow_id: Id | None = Field(None, description="of this care flow")
    patient_id: Id | None = Field(None, description="of this patient")
    stakeholder: Id | None = Field(None, description="for this stakeholder of the definition, or for the `patient`")
    limit: Limit = 50
    cursor: Cursor = None

    def wanted(self) -> ActivityFilter:
        """The conditions."""
        return ActivityFilter(self.status, self.kind, self.care_flow_id, self.patient_id, self.stakeholder)


class DoneView(BaseModel):
    """What became of the activity, and of its care flow."""

    activity: ActivityView
    care_flow_status: str


class ActivityApi:
    """The routes. Viewers read, operators act."""

    def __init__(self, people: People, reading: Reading, lists: ActivityLists, accesses: Accesses) -> None:
        self._people = people
        self._reading = reading
        self._lists = lists
        self._accesses = accesses

    def router(self) -> APIRouter:
        """The routes under /v1/activities."""
        router = APIRouter(prefix="/v1/activities", tags=["activities"], dependencies=[Depends(traced)])
        one = "/{activity_id}"
        post = ["POST"]
        router.add_api_route("", self.page, methods=["GET"], summary="List activities, newest first")
        router.add_api_route(one, self.find, methods=["GET"], summary="An activity")
        router.add_api_route(one + "/submit", self.submit, methods=post, summary="Answer the form of an activity")
        router.add_api_route(one + "/complete", self.complete, methods=post, summary="Complete a checklist")
        router.add_api_route(one + "/read", self.read, methods=post, summary="Mark a message as read")
        router.add_api_route(one + "/skip", self.skip, methods=post, summary="End the wait of a timer")
        router.add_api_route(one + "/resume", self.resume, methods=post, summary="Go on where a rule cannot be decided")
        router.add_api_route(one + "/expire", self.expire, methods=post, summary="Give an activity up")
        router.add_api_route(one + "/retry", self.retry, methods=post, summary="Try again what has failed")
        router.add_api_route(one + "/reassign", self.reassign, methods=post, summary="Give an activity to others")
        return router

    async def page(self, asked: Annotated[ActivityQuery, Query()], by: Viewer) -> Page[ActivityView]:
        """List activities page by page: those of the newest care flow first."""
        found = await self._lists.page(asked.wanted(), asked.cursor, asked.limit + 1)
        page = page_of(found, asked.limit, lambda one: one.activity.id)
        await self._accesses.note(by, "activity.list", (one.care_flow.patient_id for one in page.items))
        views = [view_activity(one.release, one.care_flow, one.activity) for one in page.items]
        return Page(items=views, next_cursor=page.next_cursor)

    async def find(self, activity_id: str, by: Viewer) -> ActivityView:
        """Get an activity with what it asks."""
        release, care_flow = await self._reading.care_flow_of_activity(activity_id)
        await self._accesses.note(by, "activity.view", [care_flow.patient_id])
        return view_activity(release, care_flow, care_flow.activities[activity_id])

    async def submit(self, activity_id: str, body: AnswersBody, by: Operator) -> DoneView:
        """Answer all questions of a form at once; answers that do not fit are told all at once, and nothing is done."""
        return _done(activity_id, await self._people.submit_form(activity_id, body.answers, by))

    async def complete(self, activity_id: str, by: Operator) -> DoneView:
        """Say that every item of a checklist is done."""
        return _done(activity_id, await self._people.do(activity_id, ChecklistCompleted(activity_id), by))

    async def read(self, activity_id: str, by: Operator) -> DoneView:
        """Say that a message was read."""
        return _done(activity_id, await self._people.do(activity_id, MessageRead(activity_id), by))

    async def skip(self, activity_id: str, by: Operator) -> DoneView:
        """Go on without waiting for a timer, where its definition lets people do so."""
        return _done(activity_id, await self._people.do(activity_id, TimerSkipped(activity_id), by))

    async def resume(self, activity_id: str, by: Operator) -> DoneView:
        """Decide a rule that waits for a value without it: a condition that meets an empty value does not hold."""
        return _done(activity_id, await self._people.do(activity_id, Resumed(activity_id), by))

    async def expire(self, activity_id: str, by: Operator) -> DoneView:
        """Give an activity up: its step goes on without it."""
        return _done(activity_id, await self._people.do(activity_id, ActivityExpired(activity_id), by))

    async def retry(self, activity_id: str, by: Operator) -> DoneView:
        """Have the system try again. The failed activity stays so; a new one of the same action is made."""
        return _done(activity_id, await self._people.do(activity_id, ActivityRetried(activity_id), by))

    async def reassign(self, activity_id: str, body: ReassignBody, by: Operator) -> DoneView:
        """Give an activity to other stakeholders."""
        named = tuple(dict.fromkeys(body.stakeholder_definition_ids))
        return _done(activity_id, await self._people.do(activity_id, ActivityReassigned(activity_id, named), by))


def _done(activity_id: str, changed: Changed) -> DoneView:
    care_flow = changed.care_flow
    view = view_activity(changed.release, care_flow, care_flow.activities[activity_id])
    return DoneView(activity=view, care_flow_status=care_flow.status.value)
