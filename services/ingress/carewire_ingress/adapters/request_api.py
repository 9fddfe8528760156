"""The management API of the request log: what was called, what became of it, and why."""

from collections.abc import AsyncIterator, Mapping
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse

from carewire_ingress.adapters.catalogue_table import CatalogueTable
from carewire_ingress.adapters.request_export import MEDIA_TYPE, export_lines
from carewire_ingress.adapters.request_forms import ExportQuery, ListQuery, RequestDetails, RequestPage, RequestSummary
from carewire_ingress.adapters.request_reader import RequestReader
from carewire_ingress.adapters.request_view import details_of
from carewire_runtime.auth import Principal, Role, require
from carewire_runtime.http.cursor import cursor_after
from carewire_runtime.http.problem import Problem
from carewire_runtime.http.traced import traced

_Viewer = Annotated[Principal, Depends(require(Role.VIEWER))]
_Operator = Annotated[Principal, Depends(require(Role.OPERATOR))]
_WithPayload = Annotated[
    bool, Query(alias="payload", description="with payload and mapped values; each look is recorded in the audit")
]


class RequestApi:
    """The routes under /v1/requests that read."""

    def __init__(self, reader: RequestReader, catalogue: CatalogueTable) -> None:
        self._reader = reader
        self._catalogue = catalogue

    def router(self) -> APIRouter:
        """The routes."""
        router = APIRouter(prefix="/v1/requests", tags=["requests"], dependencies=[Depends(traced)])
        router.add_api_route("", self.list, methods=["GET"], summary="List the log, newest first")
        router.add_api_route(
            "/export",
            self.export,
            methods=["GET"],
            summary="Export the log as JSON lines",
            response_class=StreamingResponse,
            responses={200: {"content": {MEDIA_TYPE: {"schema": {"type": "string"}}}}},
        )
        router.add_api_route("/{request_id}", self.get, methods=["GET"], summary="Get one with all its statuses")
        return router

    async def list(self, asked: Annotated[ListQuery, Query()], _: _Viewer) -> RequestPage:
        """List requests by any of the filters together, page by page."""
        after = None if asked.cursor is None else str(asked.cursor)
        rows = await self._reader.page(asked.wanted(), after, asked.limit + 1)
        items = [RequestSummary(**row) for row in rows[: asked.limit]]
        return RequestPage(items=items, next_cursor=cursor_after(items[-1].id) if len(rows) > asked.limit else None)

    async def export(self, asked: Annotated[ExportQuery, Query()], caller: _Operator) -> StreamingResponse:
        """Export what the filters find, newest first, one request a line."""
        lines = export_lines(self._reader, self._keys_of, asked.wanted(), caller if asked.payload else None)
        # The first page before the answer begins, so that what keeps it from being read is still said as a problem.
        first = await anext(lines, b"")
        return StreamingResponse(_followed(first, lines), media_type=MEDIA_TYPE)

    async def get(self, request_id: UUID, caller: _Viewer, with_payload: _WithPayload = True) -> RequestDetails:
        """Get payload, mapped data points, reasons, and every status with its time and what was done."""
        found = await self._reader.details([str(request_id)], caller if with_payload else None)
        if not found:
            raise Problem(404, "No such request", "check the id; a request is logged within a second of its call")
        return details_of(found[0], self._keys_of, with_values=with_payload)

    def _keys_of(self, definition_id: str) -> Mapping[str, str]:
        definition = self._catalogue.definition(definition_id)
        live = None if definition is None else definition.live
        return {} if live is None else {point.id: point.key for point in live.data_points}


async def _followed(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for page in rest:
        yield page
