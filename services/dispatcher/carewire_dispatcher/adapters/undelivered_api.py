"""`/v1/undelivered`: what has not reached its receiver, how much of it there is, and how old it is."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from carewire_contracts.timestamps import Timestamp
from carewire_dispatcher.adapters.delivery_cursor import cursor_of, place_of
from carewire_dispatcher.adapters.undelivered_store import Row, UndeliveredFilter, UndeliveredStore
from carewire_dispatcher.domain.log_entry import DeliveryStatus
from carewire_runtime.auth import Principal, Role, require
from carewire_runtime.clock import Clock
from carewire_runtime.http.cursor import Cursor, cursor_after

_Viewer = Annotated[Principal, Depends(require(Role.VIEWER))]
_Undelivered = Literal[DeliveryStatus.RETRYING, DeliveryStatus.FAILED, DeliveryStatus.HELD]
_Begin = Annotated[Timestamp | None, Field(alias="from", description="events from this moment on (RFC 3339)")]
_End = Annotated[Timestamp | None, Field(alias="to", description="events before this moment (RFC 3339)")]


class EndpointsQuery(BaseModel):
    """What is asked for; all conditions hold together."""

    model_config = ConfigDict(extra="forbid")

    event_type: str | None = None
    care_flow_id: UUID | None = None
    status: list[_Undelivered] | None = None
    begin: _Begin = None
    end: _End = None
    limit: int = Field(50, ge=1, le=200, description="entries on a page")

    def wanted(self, endpoint_id: UUID | None = None) -> UndeliveredFilter:
        """Return it as the store takes it."""
        return UndeliveredFilter(
            None if endpoint_id is None else str(endpoint_id),
            self.event_type,
            None if self.care_flow_id is None else str(self.care_flow_id),
            self.status,
            self.begin,
            self.end,
        )


class EndpointsPageQuery(EndpointsQuery):
    """The same, and where to go on."""

    cursor: Cursor | None = None


class UndeliveredQuery(EndpointsQuery):
    """The same, of one endpoint or all."""

    endpoint_id: UUID | None = None
    cursor: str | None = Field(None, description="`next_cursor` of the page before")


class Counts(BaseModel):
    """How much is not delivered, and since when."""

    retrying: int = Field(description="still tried")
    failed: int = Field(description="given up; can be sent again")
    held: int = Field(description="kept back for endpoints that took nothing; sent once they do")
    oldest_event_at: Timestamp | None
    oldest_age_s: float | None = Field(description="seconds since the oldest event")

    @classmethod
    def of(cls, row: Row, now: datetime) -> Self:
        """Show counts."""
        oldest: datetime | None = row["oldest_event_at"]
        return cls(**row, oldest_age_s=None if oldest is None else round((now - oldest).total_seconds(), 3))


class UndeliveredView(BaseModel):
    """A delivery that has not reached its receiver."""

    id: str
    endpoint_id: str
    event_id: str
    event_type: str
    care_flow_id: str | None
    event_at: Timestamp
    status: DeliveryStatus
    reason: str | None
    attempts: int
    next_attempt_at: Timestamp | None


class UndeliveredPage(Counts):
    """All of it counted, and some of it, oldest first; `next_cursor` leads to more, null at the end."""

    items: list[UndeliveredView]
    next_cursor: str | None


class EndpointCounts(Counts):
    """What is not delivered to one endpoint."""

    endpoint_id: str


class EndpointCountsPage(BaseModel):
    """Endpoints with undelivered events; `next_cursor` leads to more, null at the end."""

    items: list[EndpointCounts]
    next_cursor: str | None


def undelivered_router(store: UndeliveredStore, clock: Clock) -> APIRouter:
    """Build the routes."""
    router = APIRouter(prefix="/v1/undelivered", tags=["deliveries"])

    @router.get("", summary="List what has not reached its receiver, oldest first, with counts and the oldest's age")
    async def page(asked: Annotated[UndeliveredQuery, Query()], _: _Viewer) -> UndeliveredPage:
        wanted = asked.wanted(asked.endpoint_id)
        place = place_of(asked.cursor)
        counts = Counts.of(await store.counts(wanted), clock.now())
        rows = await store.page(wanted, place, asked.limit + 1)
        items = [UndeliveredView(**{name: row[name] for name in UndeliveredView.model_fields}) for row in rows]
        following = cursor_of(rows[asked.limit - 1]) if len(rows) > asked.limit else None
        return UndeliveredPage(**counts.model_dump(), items=items[: asked.limit], next_cursor=following)

    @router.get("/by-endpoint", summary="Count for each endpoint what has not reached it")
    async def by_endpoint(asked: Annotated[EndpointsPageQuery, Query()], _: _Viewer) -> EndpointCountsPage:
        after, now = None if asked.cursor is None else str(asked.cursor), clock.now()
        rows = await store.by_endpoint(asked.wanted(), after, asked.limit + 1)
        items = [EndpointCounts.of(row, now) for row in rows[: asked.limit]]
        following = cursor_after(items[-1].endpoint_id) if len(rows) > asked.limit else None
        return EndpointCountsPage(items=items, next_cursor=following)

    return router
