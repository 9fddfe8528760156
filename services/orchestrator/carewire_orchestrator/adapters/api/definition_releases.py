"""/v1/definitions/{definition_id}/releases: what was published, as documents, files, pictures and catalogues.

Where a release is asked for by id, the words `live` and `draft` stand for the live release and the working copy.
"""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Path, Query, Response

from carewire_contracts.definition import definition_schema
from carewire_orchestrator.adapters.api.callers import Viewer
from carewire_orchestrator.adapters.api.definition_files import FileFormat, write_file
from carewire_orchestrator.adapters.api.definition_views import (
    DataPointCatalogue,
    DataPointView,
    Diff,
    ReleaseDocument,
    ReleaseView,
)
from carewire_orchestrator.adapters.api.paging import Cursor, Limit, Page, page_of
from carewire_orchestrator.adapters.store.definition_reading import DRAFT, LIVE, DefinitionReading
from carewire_orchestrator.domain.definition_data_points import data_points_of
from carewire_orchestrator.domain.definition_diff import diff
from carewire_orchestrator.domain.definition_graph import graph_of
from carewire_orchestrator.domain.definition_mermaid import mermaid
from carewire_orchestrator.domain.definition_svg import svg
from carewire_runtime.http.problem import Problem
from carewire_runtime.http.traced import traced

Which = Annotated[str, Path(description="id of a release, or `live`, or `draft`")]
Compared = Annotated[str, Query(max_length=128, description="id of a release, or `live`, or `draft`")]

SVG: Final = "image/svg+xml"
_FILES: Final = {"json": "application/json", "yaml": "application/yaml"}
_NOTHING_RUNS: Final = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
    "x-content-type-options": "nosniff",
}
"""A picture that is opened by itself runs nothing and loads nothing, whatever a title may hold."""


def _described(types: dict[str, str]) -> dict[int | str, dict[str, Any]]:
    return {200: {"content": {media_type: {"schema": {"type": kind}} for media_type, kind in types.items()}}}


class ReleaseApi:
    """The routes, all for viewers: nothing is changed here."""

    def __init__(self, reading: DefinitionReading) -> None:
        self._reading = reading
        self._schema = definition_schema()

    def router(self) -> APIRouter:
        """The routes of releases, of what differs between them, and of the schema of them all."""
        router = APIRouter(prefix="/v1", tags=["definitions"], dependencies=[Depends(traced)])
        releases = "/definitions/{definition_id}/releases"
        one = releases + "/{release_id}"
        router.add_api_route(releases, self.page, methods=["GET"], summary="List releases, newest first")
        router.add_api_route(one, self.find, methods=["GET"], summary="A release with its document")
        router.add_api_route(
            one + "/export",
            self.export,
            methods=["GET"],
            summary="A release as a file",
            response_class=Response,
            responses=_described({_FILES["yaml"]: "object", _FILES["json"]: "object"}),
        )
        router.add_api_route(
            one + "/graph",
            self.graph,
            methods=["GET"],
            summary="A picture of a release",
            response_class=Response,
            responses=_described({SVG: "string", "text/plain": "string"}),
        )
        router.add_api_route(one + "/data-points", self.data_points, methods=["GET"], summary="All data points")
        router.add_api_route(
            "/definitions/{definition_id}/diff", self.diff, methods=["GET"], summary="What differs between two releases"
        )
        router.add_api_route(
            "/definition-schema",
            self.schema,
            methods=["GET"],
            summary="The JSON Schema of definitions, for editors",
        )
        return router

    async def page(self, definition_id: str, _: Viewer, limit: Limit = 50, cursor: Cursor = None) -> Page[ReleaseView]:
        """List releases page by page; go on while there is a `next_cursor`."""
        found = await self._reading.releases(definition_id, _version(cursor), limit + 1)
        return page_of(list(map(ReleaseView.of, found)), limit, lambda release: str(release.version))

    async def find(self, definition_id: str, release_id: str, _: Viewer) -> ReleaseDocument:
        """Get a release; the word `live` stands for the live one."""
        release, document = await self._reading.release(definition_id, release_id)
        return ReleaseDocument(**dict(ReleaseView.of(release)), document=document)

    async def export(
        self,
        definition_id: str,
        release_id: Which,
        _: Viewer,
        file_format: Annotated[FileFormat, Query(alias="format")] = "yaml",
    ) -> Response:
        """Get a definition as a file, as `POST /v1/definitions/import` takes it."""
        document = await self._reading.document(definition_id, release_id)
        headers = {"content-disposition": f'attachment; filename="{document.id}.{file_format}"'}
        return Response(write_file(document, file_format), headers=headers, media_type=_FILES[file_format])

    async def graph(
        self,
        definition_id: str,
        release_id: Which,
        _: Viewer,
        picture: Annotated[Literal["mermaid", "svg"], Query(alias="format")] = "svg",
    ) -> Response:
        """Get a picture of tracks, steps, timers and transitions: SVG, or text for Mermaid."""
        document = await self._reading.document(definition_id, release_id)
        graph = graph_of(document)
        if picture == "svg":
            return Response(svg(document.title, graph), headers=_NOTHING_RUNS, media_type=SVG)
        return Response(mermaid(graph), headers=_NOTHING_RUNS, media_type="text/plain; charset=utf-8")

    async def data_points(self, definition_id: str, release_id: Which, _: Viewer) -> DataPointCatalogue:
        """Get every data point: declared ones, answers, dates of tracks and steps, the patient's profile."""
        document = await self._reading.document(definition_id, release_id)
        return DataPointCatalogue(items=list(map(DataPointView.of, data_points_of(document))))

    async def diff(self, definition_id: str, _: Viewer, before: Compared = LIVE, after: Compared = DRAFT) -> Diff:
        """Tell which nodes were added, removed or changed, and which of their fields."""
        old = await self._reading.document(definition_id, before)
        new = await self._reading.document(definition_id, after)
        return Diff.of(before, after, diff(old, new))

    async def schema(self, _: Viewer) -> dict[str, Any]:
        """Get the JSON Schema (2020-12) of the document that drafts are put as."""
        return self._schema


def _version(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if not cursor.isascii() or not cursor.isdecimal() or len(cursor) > 9:
        errors = [{"field": "cursor", "message": "take `next_cursor` of the page before, unchanged"}]
        raise Problem(422, "Invalid request", "the cursor is none of ours", errors=errors)
    return int(cursor)
