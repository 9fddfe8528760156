"""The management API of the request log: what was called, what became of it, and why."""

from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from carewire_contracts.statuses import RequestStatus
from carewire_contracts.timestamps import Timestamp
from carewire_ingress.adapters.request_store import RequestStore
from carewire_runtime.auth import Principal, Role, require
from carewire_runtime.http.problem import Problem

_Viewer = Annotated[Principal, Depends(require(Role.VIEWER))]


class RequestSummary(BaseModel):
    """One line of the log."""

    id: str
    webhook_id: str
    webhook_name: str | None
    definition_id: str
    status: RequestStatus
    received_at: Timestamp | None
    care_flow_id: str | None
    patient_id: str | None
    duplicate_of: str | None


class ReachedStatus(BaseModel):
    """A status and when it was reached."""

    status: RequestStatus
    at: Timestamp


class RequestDetails(RequestSummary):
    """Everything known of a request. `payload` is the body as JSON, or as text where it is none."""

    statuses: list[ReachedStatus]
    reasons: list[dict[str, Any]]
    failure_reason: str | None
    failure_message: str | None
    data_points: list[dict[str, Any]]
    content_type: str | None
    payload: Any


class RequestPage(BaseModel):
    """A page of the log; `next_cursor` is null on the last one."""

    items: list[RequestSummary]
    next_cursor: str | None


class RequestApi:
    """The routes under /v1/requests."""

    def __init__(self, store: RequestStore) -> None:
        self._store = store

    def router(self) -> APIRouter:
        """The routes."""
        router = APIRouter(prefix="/v1/requests", tags=["requests"])
        router.add_api_route("", self.list, methods=["GET"], summary="List the log, newest first")
        router.add_api_route("/{request_id}", self.get, methods=["GET"], summary="Get one with all its statuses")
        return router

    async def list(
        self,
        _: _Viewer,
        status: RequestStatus | None = None,
        webhook_id: UUID | None = None,
        limit: Annotated[int, Query(ge=1, le=200, description="how many at most")] = 50,
        cursor: Annotated[UUID | None, Query(description="`next_cursor` of the page before")] = None,
    ) -> RequestPage:
        """List requests by status and webhook, page by page."""
        rows = await self._store.page(
            None if status is None else status.value, _text(webhook_id), _text(cursor), limit + 1
        )
        items = [RequestSummary(**_with_texts(row)) for row in rows[:limit]]
        return RequestPage(items=items, next_cursor=items[-1].id if len(rows) > limit else None)

    async def get(self, request_id: UUID, _: _Viewer) -> RequestDetails:
        """Get payload, mapped data points, reasons, and every status with its time."""
        found = await self._store.get(str(request_id))
        if found is None:
            raise Problem(404, "No such request", "check the id; a request is logged within a second of its call")
        row, statuses = found
        reached = [ReachedStatus(status=status["status"], at=status["reached_at"]) for status in statuses]
        lists = {"reasons": row["reasons"] or [], "data_points": row["data_points"] or []}
        return RequestDetails(
            **{**_with_texts(row), **lists, "payload": _payload(row["payload"])},
            statuses=sorted(reached, key=lambda step: (step.status.rank, step.at)),
        )


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)


def _with_texts(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "id": str(row["id"]), "webhook_id": str(row["webhook_id"])}


def _payload(body: bytes | None) -> Any:
    if body is None:
        return None
    try:
        return orjson.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")
