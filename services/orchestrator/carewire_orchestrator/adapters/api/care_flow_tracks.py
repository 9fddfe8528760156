"""/v1/care-flows/{care_flow_id}/tracks and /timeline: tracks by hand, and everything that happened."""

from typing import Final

from fastapi import APIRouter, Depends

from carewire_orchestrator.adapters.api.accesses import Accesses
from carewire_orchestrator.adapters.api.callers import Operator, Viewer
from carewire_orchestrator.adapters.api.care_flow_views import (
    ChangeView,
    KnownTrack,
    ScheduleBody,
    TrackBody,
    known_tracks,
    view_change,
)
from carewire_orchestrator.adapters.api.paging import Cursor, Limit, Page
from carewire_orchestrator.adapters.store.people import People
from carewire_orchestrator.adapters.store.reading import Reading
from carewire_orchestrator.adapters.store.timeline import Timeline
from carewire_orchestrator.domain.events import TrackAdded, TrackEvent, TrackScheduled, TrackStopped, TrackUnscheduled
from carewire_orchestrator.domain.given_values import ValueProblem
from carewire_orchestrator.errors import InvalidValues
from carewire_runtime.auth import Principal
from carewire_runtime.http.traced import traced

_POSITION_DIGITS: Final = 18
"""What a bigint holds in any case."""


class TrackApi:
    """The routes. Viewers read, operators add, schedule and stop."""

    def __init__(self, people: People, reading: Reading, timeline: Timeline, accesses: Accesses) -> None:
        self._people = people
        self._reading = reading
        self._timeline = timeline
        self._accesses = accesses

    def router(self) -> APIRouter:
        """The routes under /v1/care-flows/{care_flow_id}."""
        router = APIRouter(prefix="/v1/care-flows/{care_flow_id}", tags=["care flows"], dependencies=[Depends(traced)])
        get, post = ["GET"], ["POST"]
        one = "/tracks/{track_id}"
        router.add_api_route("/tracks", self.tracks, methods=get, summary="All tracks of a care flow's release")
        router.add_api_route(one + "/add", self.add, methods=post, summary="Start a track by hand")
        router.add_api_route(one + "/schedule", self.schedule, methods=post, summary="Have a track start later")
        router.add_api_route(one + "/stop", self.stop, methods=post, summary="Stop an active track")
        router.add_api_route(
            "/scheduled-tracks/{timer_id}/cancel",
            self.unschedule,
            methods=post,
            summary="Take back that a track is to start",
        )
        router.add_api_route(
            "/timeline", self.timeline, methods=get, summary="Everything that happened, with its cause, oldest first"
        )
        return router

    async def tracks(self, care_flow_id: str, by: Viewer) -> list[KnownTrack]:
        """List all tracks of the release that a care flow runs, and how it stands with each."""
        release, care_flow = await self._reading.care_flow(care_flow_id)
        await self._accesses.note(by, "care_flow.view", [care_flow.patient_id])
        return known_tracks(release, care_flow)

    async def add(self, care_flow_id: str, track_id: str, body: TrackBody, by: Operator) -> list[KnownTrack]:
        """Start a track now: one with a trigger of type `ad_hoc` whose rule holds, or with `any_track` whichever."""
        return await self._let(care_flow_id, TrackAdded(track_id, body.any_track), by)

    async def schedule(self, care_flow_id: str, track_id: str, body: ScheduleBody, by: Operator) -> list[KnownTrack]:
        """Have a track start at a moment. `cancel_scheduled` takes back what was scheduled of it before."""
        event = TrackScheduled(track_id, body.at, body.any_track, body.cancel_scheduled)
        return await self._let(care_flow_id, event, by)

    async def unschedule(self, care_flow_id: str, timer_id: str, by: Operator) -> list[KnownTrack]:
        """Take back that a track is to start at a moment."""
        return await self._let(care_flow_id, TrackUnscheduled(timer_id), by)

    async def stop(self, care_flow_id: str, track_id: str, by: Operator) -> list[KnownTrack]:
        """Stop a track: what is open in it is canceled; the others go on."""
        return await self._let(care_flow_id, TrackStopped(track_id), by)

    async def timeline(
        self, care_flow_id: str, by: Viewer, limit: Limit = 50, cursor: Cursor = None
    ) -> Page[ChangeView]:
        """List what happened to a care flow page by page, each with its cause and the domain events that followed."""
        _, care_flow = await self._reading.care_flow(care_flow_id)
        await self._accesses.note(by, "timeline.view", [care_flow.patient_id])
        found = await self._timeline.page(care_flow_id, _position(cursor), limit + 1)
        items = found[:limit]
        more = str(items[-1].position) if len(found) > limit else None
        return Page(items=[view_change(one) for one in items], next_cursor=more)

    async def _let(self, care_flow_id: str, event: TrackEvent, by: Principal) -> list[KnownTrack]:
        changed = await self._people.let(care_flow_id, event, by)
        return known_tracks(changed.release, changed.care_flow)


def _position(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= _POSITION_DIGITS):
        raise InvalidValues([ValueProblem("cursor", "no page of this list ended so; give next_cursor as answered")])
    return int(cursor)
