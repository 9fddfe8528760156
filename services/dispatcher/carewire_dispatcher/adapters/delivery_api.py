"""`/v1/deliveries`: what was sent to whom, what came of it, and what either side said."""

from collections.abc import AsyncIterator
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import StreamingResponse

from carewire_dispatcher.adapters.delivery_cursor import cursor_of, place_of
from carewire_dispatcher.adapters.delivery_models import (
    AttemptPage,
    AttemptQuery,
    AttemptView,
    AttemptWithBodies,
    DeliveryDetails,
    DeliveryFilters,
    DeliveryPage,
    DeliveryQuery,
    DeliveryView,
    LoggedAttempt,
)
from carewire_dispatcher.adapters.delivery_store import DeliveryStore, place_after
from carewire_dispatcher.adapters.exchange_reader import ExchangeReader
from carewire_dispatcher.domain.delivery_filter import DeliveryFilter
from carewire_dispatcher.errors import DeliveryNotFound
from carewire_runtime.audit import Audit
from carewire_runtime.auth import Principal, Role, require
from carewire_runtime.http.problem import Problem
from carewire_runtime.http.traced import traced

JSON_LINES: Final = "application/x-ndjson"
_EXPORTED: Final = 500
"""Deliveries that are in memory at a time, however long the log and slow the reader."""

_Viewer = Annotated[Principal, Depends(require(Role.VIEWER))]
_Operator = Annotated[Principal, Depends(require(Role.OPERATOR))]


class DeliveryApi:
    """The routes that read the log, and the one that erases of it."""

    def __init__(self, store: DeliveryStore, exchanges: ExchangeReader, audit: Audit) -> None:
        self._store = store
        self._exchanges = exchanges
        self._audit = audit

    def router(self) -> APIRouter:
        """Build the routes."""
        router = APIRouter(prefix="/v1", tags=["deliveries"], dependencies=[Depends(traced)])
        gets = (
            ("/deliveries", self.page, "List deliveries that were tried or ended, newest event first"),
            ("/deliveries/{delivery_id}", self.get, "Get a delivery with its attempts"),
            ("/deliveries/{delivery_id}/attempts/{attempt_id}", self.look, "Get an attempt with the bodies"),
            ("/endpoints/{endpoint_id}/attempts", self.attempts, "List the attempts of an endpoint, newest first"),
        )
        router.add_api_route(
            "/deliveries/export",
            self.export,
            methods=["GET"],
            summary="Export deliveries as JSON lines",
            response_class=StreamingResponse,
            responses={200: {"content": {JSON_LINES: {"schema": {"type": "string"}}}}},
        )
        for path, route, summary in gets:
            router.add_api_route(path, route, methods=["GET"], summary=summary)
        router.add_api_route(
            "/deliveries/{delivery_id}/answers",
            self.erase,
            methods=["DELETE"],
            status_code=204,
            summary="Erase what receivers answered",
        )
        return router

    async def page(self, asked: Annotated[DeliveryQuery, Query()], _: _Viewer) -> DeliveryPage:
        """List deliveries by any of the filters together; go on at `next_cursor`."""
        rows = await self._store.page(asked.wanted(), place_of(asked.cursor), asked.limit + 1)
        items = [DeliveryView(**row) for row in rows[: asked.limit]]
        return DeliveryPage(
            items=items, next_cursor=cursor_of(rows[asked.limit - 1]) if len(rows) > asked.limit else None
        )

    async def export(self, asked: Annotated[DeliveryFilters, Query()], _: _Operator) -> StreamingResponse:
        """Export what the filters find, newest event first, one delivery a line."""
        pages = self._exported(asked.wanted())
        # The first page before the answer begins, so that what keeps it from being read is still said as a problem.
        first = await anext(pages, b"")
        return StreamingResponse(_followed(first, pages), media_type=JSON_LINES)

    async def get(self, delivery_id: UUID, _: _Viewer) -> DeliveryDetails:
        """Get what was sent and answered at each attempt, but for the bodies."""
        try:
            row, attempts = await self._store.get(str(delivery_id))
        except DeliveryNotFound as missing:
            raise _not_found(missing) from None
        return DeliveryDetails(**row, attempt_log=[LoggedAttempt.of(one, row["event_id"]) for one in attempts])

    async def look(self, delivery_id: UUID, attempt_id: UUID, caller: _Viewer) -> AttemptWithBodies:
        """Get what was sent and what was answered, bodies included. The look is recorded in the audit."""
        try:
            return AttemptWithBodies.looked_at(await self._exchanges.look(str(delivery_id), str(attempt_id), caller))
        except DeliveryNotFound as missing:
            raise _not_found(missing) from None

    async def erase(self, delivery_id: UUID, caller: _Operator) -> Response:
        """Erase the answers of a delivery from the log, as where a receiver repeats what it was sent."""
        try:
            await self._store.erase_answers(str(delivery_id), caller, self._audit)
        except DeliveryNotFound as missing:
            raise _not_found(missing) from None
        return Response(status_code=204)

    async def attempts(self, endpoint_id: UUID, asked: Annotated[AttemptQuery, Query()], _: _Viewer) -> AttemptPage:
        """List the attempts by any of the filters together; go on at `next_cursor`."""
        rows = await self._store.attempts(asked.wanted(endpoint_id), place_of(asked.cursor), asked.limit + 1)
        items = [AttemptView(**row) for row in rows[: asked.limit]]
        last = rows[asked.limit - 1] if len(rows) > asked.limit else None
        return AttemptPage(items=items, next_cursor=None if last is None else cursor_of(last, "started_at"))

    async def _exported(self, wanted: DeliveryFilter) -> AsyncIterator[bytes]:
        after = None
        while rows := await self._store.page(wanted, after, _EXPORTED):
            after = place_after(rows[-1], "event_at")
            yield b"".join([DeliveryView(**row).model_dump_json().encode() + b"\n" for row in rows])
            if len(rows) < _EXPORTED:
                return


async def _followed(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for page in rest:
        yield page


def _not_found(missing: DeliveryNotFound) -> Problem:
    return Problem(404, "Not found", str(missing))
