"""The routes by which deliveries are sent again, and those that tell how far that has come."""

from collections.abc import Awaitable
from typing import Annotated, Any, Final, TypeVar
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Header, Query

from carewire_contracts.timestamps import format_timestamp
from carewire_dispatcher.adapters.repair_desk import RepairDesk
from carewire_dispatcher.adapters.repair_models import RangeOfEvents, RepairPage, RepairPreview, RepairView, Replay
from carewire_dispatcher.adapters.repair_wish import Wish
from carewire_dispatcher.domain.repair import Obstacle, RepairKind, RepairState, Which
from carewire_dispatcher.errors import (
    DeliveryNotFound,
    EndpointNotFound,
    KeyReused,
    RepairNotFound,
    RepairOver,
    RepairRefused,
)
from carewire_runtime.auth import Principal, Role, require
from carewire_runtime.http.cursor import Cursor, cursor_after
from carewire_runtime.http.problem import Problem
from carewire_runtime.http.traced import traced

_Operator = Annotated[Principal, Depends(require(Role.OPERATOR))]
_Viewer = Annotated[Principal, Depends(require(Role.VIEWER))]
_RETRY_AFTER_S: Final = 5

_Range = Annotated[RangeOfEvents | None, Body(description="of which events; left out: whenever they came")]
_Limit = Annotated[int, Query(ge=1, le=200, description="entries on a page")]
_States = Annotated[list[RepairState] | None, Query(alias="state", description="only those in one of these states")]

_Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r'^"?[\x21\x23-\x5b\x5d-\x7e]{1,255}"?$',
        description="the same call under the same key begins one repair, and is answered with it again",
    ),
]

T = TypeVar("T")


class RepairApi:
    """The routes."""

    def __init__(self, desk: RepairDesk) -> None:
        self._desk = desk

    def router(self) -> APIRouter:
        """Build them."""
        router = APIRouter(prefix="/v1", tags=["repairs"], dependencies=[Depends(traced)])
        posts: tuple[tuple[str, Any, int, str], ...] = (
            ("/deliveries/{delivery_id}/retry", self.retry_one, 202, "Send a delivery again, whatever became of it"),
            (
                "/endpoints/{endpoint_id}/retry-failed",
                self.retry_endpoint,
                202,
                "Send what failed of an endpoint again",
            ),
            (
                "/endpoints/{endpoint_id}/retry-failed/preview",
                self.preview_endpoint,
                200,
                "Say what a retry would send",
            ),
            (
                "/care-flows/{care_flow_id}/retry-failed",
                self.retry_care_flow,
                202,
                "Send what failed of a care flow again",
            ),
            (
                "/care-flows/{care_flow_id}/retry-failed/preview",
                self.preview_care_flow,
                200,
                "Say what a retry would send",
            ),
            ("/endpoints/{endpoint_id}/replay", self.replay, 202, "Send the events of a range of time again"),
            ("/endpoints/{endpoint_id}/replay/preview", self.preview_replay, 200, "Say what a replay would send"),
            ("/repairs/{repair_id}/cancel", self.cancel, 200, "End a repair; what it has taken goes on"),
        )
        for path, route, status, summary in posts:
            router.add_api_route(path, route, methods=["POST"], status_code=status, summary=summary)
        router.add_api_route("/repairs", self.page, methods=["GET"], summary="List repairs, newest first")
        router.add_api_route("/repairs/{repair_id}", self.get, methods=["GET"], summary="Get a repair and its progress")
        return router

    async def retry_one(self, delivery_id: UUID, caller: _Operator, key: _Key = None) -> RepairView:
        """Begin anew with its schedule. What of it still waits for its next attempt is superseded."""
        return RepairView.of(await _answered(self._desk.retry_one(str(delivery_id), caller, key)))

    async def retry_endpoint(
        self, endpoint_id: UUID, caller: _Operator, asked: _Range = None, key: _Key = None
    ) -> RepairView:
        """Take what ended without success, held deliveries included."""
        wish = _retry(asked, endpoint_id=str(endpoint_id))
        return RepairView.of(await _answered(self._desk.begin(wish, caller, key)))

    async def preview_endpoint(self, endpoint_id: UUID, _: _Operator, asked: _Range = None) -> RepairPreview:
        """Change nothing."""
        return RepairPreview.of(await _answered(self._desk.preview(_retry(asked, endpoint_id=str(endpoint_id)))))

    async def retry_care_flow(
        self, care_flow_id: UUID, caller: _Operator, asked: _Range = None, key: _Key = None
    ) -> RepairView:
        """Take what ended without success; what belongs to endpoints that take nothing now is left alone."""
        wish = _retry(asked, care_flow_id=str(care_flow_id))
        return RepairView.of(await _answered(self._desk.begin(wish, caller, key)))

    async def preview_care_flow(self, care_flow_id: UUID, _: _Operator, asked: _Range = None) -> RepairPreview:
        """Change nothing."""
        return RepairPreview.of(await _answered(self._desk.preview(_retry(asked, care_flow_id=str(care_flow_id)))))

    async def replay(self, endpoint_id: UUID, asked: Replay, caller: _Operator, key: _Key = None) -> RepairView:
        """Take events that the endpoint wants now; receivers who may have seen one are told by `webhook-replay`."""
        return RepairView.of(await _answered(self._desk.begin(_replay(asked, endpoint_id), caller, key)))

    async def preview_replay(self, endpoint_id: UUID, asked: Replay, _: _Operator) -> RepairPreview:
        """Change nothing."""
        return RepairPreview.of(await _answered(self._desk.preview(_replay(asked, endpoint_id))))

    async def cancel(self, repair_id: UUID, caller: _Operator) -> RepairView:
        """Leave what it has not come to as it is."""
        return RepairView.of(await _answered(self._desk.cancel(str(repair_id), caller)))

    async def get(self, repair_id: UUID, _: _Viewer) -> RepairView:
        """Tell how far it has come."""
        return RepairView.of(await _answered(self._desk.get(str(repair_id))))

    async def page(
        self,
        _: _Viewer,
        endpoint_id: UUID | None = None,
        states: _States = None,
        limit: _Limit = 50,
        cursor: Cursor | None = None,
    ) -> RepairPage:
        """Go on at `next_cursor`."""
        wanted, after = None if endpoint_id is None else str(endpoint_id), None if cursor is None else str(cursor)
        found = await self._desk.page(wanted, states, after, limit + 1)
        items = [RepairView.of(repair) for repair in found[:limit]]
        return RepairPage(items=items, next_cursor=cursor_after(items[-1].id) if len(found) > limit else None)


def _retry(asked: RangeOfEvents | None, endpoint_id: str | None = None, care_flow_id: str | None = None) -> Wish:
    span = asked or RangeOfEvents()
    return Wish(
        RepairKind.RETRY_FAILED,
        Which.FAILED,
        endpoint_id,
        care_flow_id,
        event_from=span.begin,
        event_to=span.end,
    )


def _replay(asked: Replay, endpoint_id: UUID) -> Wish:
    which = Which(asked.which)
    return Wish(RepairKind.REPLAY, which, str(endpoint_id), event_from=asked.begin, event_to=asked.end)


async def _answered(answer: Awaitable[T]) -> T:
    """Return the answer, or say as a problem why there is none."""
    try:
        return await answer
    except (DeliveryNotFound, EndpointNotFound, RepairNotFound) as missing:
        raise Problem(404, "Not found", str(missing)) from None
    except KeyReused as reused:
        raise Problem(422, "Key used before", str(reused)) from None
    except RepairOver as over:
        raise Problem(409, "Not cancelled", str(over)) from None
    except RepairRefused as refused:
        more: dict[str, Any] = {"reason": str(refused.obstacle)}
        if refused.readable_from is not None:
            more["readable_from"] = format_timestamp(refused.readable_from)
        wait = _RETRY_AFTER_S if refused.obstacle is Obstacle.LOG_LAGS else None
        raise Problem(409, "Not sent again", str(refused), retry_after_s=wait, **more) from None
