"""`/v1/dead-records`: records that could not be processed, and the way back for them. Their content is never shown."""

import re
from typing import Annotated, Final, Self

from fastapi import APIRouter, Body, Depends, Path, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from carewire_contracts.timestamps import Timestamp
from carewire_dispatcher.adapters.dead_records import DeadRecord, DeadRecords, Place, id_of
from carewire_dispatcher.errors import DeadRecordNotFound
from carewire_runtime.auth import Principal, Role, require
from carewire_runtime.http.problem import Problem
from carewire_runtime.http.traced import traced

_Viewer = Annotated[Principal, Depends(require(Role.VIEWER))]
_Operator = Annotated[Principal, Depends(require(Role.OPERATOR))]

_ID: Final = re.compile(r"[0-9]{1,6}-[0-9]{1,18}")
_BEGIN: Final = (0, 0)


def _known(text: str) -> str:
    if _ID.fullmatch(text) is None:
        raise ValueError("take the id, or `next_cursor`, of a list, unchanged")
    return text


_Id = Annotated[str, AfterValidator(_known)]
_Limit = Annotated[int, Query(ge=1, le=200, description="entries on a page")]
_Reason = Annotated[str, Field(min_length=1, max_length=100, description="why they were set aside, as the list says")]


class DeadRecordView(BaseModel):
    """A record that was set aside, and where it stood. `redriven_at` is set once it was sent back."""

    id: str
    reason: str
    at: Timestamp | None
    topic: str
    partition: int
    offset: int
    redriven_at: Timestamp | None

    @classmethod
    def of(cls, dead: DeadRecord) -> Self:
        """Show it without its content."""
        return cls(
            id=id_of(dead.place),
            reason=dead.reason,
            at=dead.at,
            topic=dead.topic,
            partition=dead.partition,
            offset=dead.offset,
            redriven_at=dead.redriven_at,
        )


class DeadRecordPage(BaseModel):
    """Some of them; `next_cursor` leads to more, null at the end. A page may be empty and lead on."""

    items: list[DeadRecordView]
    next_cursor: str | None


class RedriveAll(BaseModel):
    """Which records to send back."""

    model_config = ConfigDict(extra="forbid")

    reason: _Reason
    limit: int = Field(200, ge=1, le=1000, description="how many at most")
    cursor: _Id | None = Field(None, description="`next_cursor` of the answer before")


class Redriven(BaseModel):
    """How many were sent back; where `next_cursor` is not null there may be more."""

    count: int
    next_cursor: str | None


def dead_record_router(dead: DeadRecords) -> APIRouter:
    """Build the routes."""
    router = APIRouter(prefix="/v1/dead-records", tags=["dead records"], dependencies=[Depends(traced)])

    @router.get("", summary="List records that could not be processed")
    async def page(
        _: _Viewer,
        reason: Annotated[str | None, Query(max_length=100)] = None,
        limit: _Limit = 50,
        cursor: Annotated[_Id | None, Query(description="`next_cursor` of the page before")] = None,
    ) -> DeadRecordPage:
        found, following = await dead.page(reason, _place(cursor), limit)
        return DeadRecordPage(items=[DeadRecordView.of(one) for one in found], next_cursor=_cursor(following))

    @router.post("/redrive", summary="Send all records of a reason back to where they came from")
    async def redrive_all(asked: Annotated[RedriveAll, Body()], caller: _Operator) -> Redriven:
        count, following = await dead.redrive_all(asked.reason, _place(asked.cursor), asked.limit, caller)
        return Redriven(count=count, next_cursor=_cursor(following))

    @router.post("/{dead_record_id}/redrive", summary="Send a record back to where it came from")
    async def redrive(dead_record_id: Annotated[_Id, Path()], caller: _Operator) -> DeadRecordView:
        try:
            return DeadRecordView.of(await dead.redrive(_place(dead_record_id), caller))
        except DeadRecordNotFound as missing:
            raise Problem(404, "Not found", str(missing)) from None

    return router


def _place(text: str | None) -> Place:
    if text is None:
        return _BEGIN
    partition, _, offset = text.partition("-")
    return int(partition), int(offset)


def _cursor(place: Place | None) -> str | None:
    return None if place is None else id_of(place)
