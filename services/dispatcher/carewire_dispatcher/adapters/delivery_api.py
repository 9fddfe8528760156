"""`/v1/deliveries`: what was sent to whom, and what came of it."""

import base64
import binascii
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, computed_field

from carewire_contracts.timestamps import Timestamp, format_timestamp, parse_timestamp
from carewire_dispatcher.adapters.delivery_store import DeliveryFilter, DeliveryStore, Row
from carewire_dispatcher.domain.explanation import explanation
from carewire_dispatcher.domain.log_entry import DeliveryStatus
from carewire_dispatcher.errors import DeliveryNotFound
from carewire_runtime.auth import Role, require
from carewire_runtime.http.problem import Problem


class DeliveryView(BaseModel):
    """One event on its way to one endpoint. `next_attempt_at` is null once it ended."""

    id: str
    endpoint_id: str
    event_id: str
    event_type: str
    event_at: Timestamp
    status: DeliveryStatus
    reason: str | None
    attempts: int
    first_attempt_at: Timestamp | None
    next_attempt_at: Timestamp | None
    updated_at: Timestamp


class AttemptView(BaseModel):
    """One HTTP call. Either `status_code` or `failure` is set; `explanation` says in a sentence what it means."""

    id: str
    number: int
    started_at: Timestamp
    duration_ms: int
    status_code: int | None
    failure: str | None
    outcome: str

    @computed_field  # type: ignore[prop-decorator]
    @property
    def explanation(self) -> str:
        """What happened, and where to look."""
        return explanation(self.status_code, self.failure)


class DeliveryDetails(DeliveryView):
    """A delivery with all its attempts, and where its event stands in Kafka."""

    event_topic: str
    event_partition: int
    event_offset: int
    attempt_log: list[AttemptView]


class DeliveryPage(BaseModel):
    """Some deliveries; `next_cursor` leads to the next ones, null at the end."""

    items: list[DeliveryView]
    next_cursor: str | None


def delivery_router(store: DeliveryStore) -> APIRouter:
    """Build the routes."""
    router = APIRouter(prefix="/v1/deliveries", tags=["deliveries"], dependencies=[Depends(require(Role.VIEWER))])

    @router.get("", summary="List deliveries that were tried or ended, newest event first")
    async def page(
        endpoint_id: UUID | None = None,
        event_type: str | None = None,
        status: DeliveryStatus | None = None,
        event_id: str | None = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        cursor: str | None = None,
    ) -> DeliveryPage:
        wanted = DeliveryFilter(str(endpoint_id) if endpoint_id else None, event_type, status, event_id)
        rows = await store.page(wanted, _place(cursor) if cursor else None, limit + 1)
        shown = [DeliveryView(**row) for row in rows[:limit]]
        return DeliveryPage(items=shown, next_cursor=_cursor(rows[limit - 1]) if len(rows) > limit else None)

    @router.get("/{delivery_id}", summary="Get a delivery with its attempts")
    async def get(delivery_id: UUID) -> DeliveryDetails:
        try:
            row, attempts = await store.get(str(delivery_id))
        except DeliveryNotFound as missing:
            raise Problem(404, "Not found", str(missing)) from None
        return DeliveryDetails(**row, attempt_log=[AttemptView(**attempt) for attempt in attempts])

    return router


def _cursor(row: Row) -> str:
    event_at: datetime = row["event_at"]
    return base64.urlsafe_b64encode(f"{format_timestamp(event_at)} {row['id']}".encode()).decode()


def _place(cursor: str) -> tuple[datetime, str]:
    try:
        event_at, _, delivery_id = base64.urlsafe_b64decode(cursor).decode().partition(" ")
        return parse_timestamp(event_at), str(UUID(delivery_id))
    except (binascii.Error, ValueError):
        errors = [{"field": "cursor", "message": "take the next_cursor of the page before"}]
        raise Problem(422, "Invalid request", "the cursor is none of ours", errors=errors) from None
