"""/v1/definitions: drafts, what is wrong with them, and publishing."""

from fastapi import APIRouter, Depends, Request, Response

from carewire_contracts.wire import encode
from carewire_orchestrator.adapters.api.callers import Admin, Viewer
from carewire_orchestrator.adapters.api.definition_files import MOST_BYTES
from carewire_orchestrator.adapters.api.definition_views import (
    DefinitionDocument,
    DefinitionView,
    LiveChoice,
    PublishedRelease,
    ReleaseDocument,
    ReleaseView,
    SavedDraft,
    Validation,
    validation,
)
from carewire_orchestrator.adapters.api.paging import Cursor, Limit, Page, page_of
from carewire_orchestrator.adapters.api.preconditions import Given
from carewire_orchestrator.adapters.api.unknown_fields import refuse_unknown_fields
from carewire_orchestrator.adapters.store.definition_reading import LIVE, DefinitionReading
from carewire_orchestrator.adapters.store.definitions import Definitions
from carewire_orchestrator.domain.definition_draft import DraftDefinition
from carewire_orchestrator.domain.given_values import ValueProblem
from carewire_orchestrator.errors import InvalidValues, NotFound
from carewire_runtime.http.problem import Problem
from carewire_runtime.http.traced import traced


class DefinitionApi:
    """The routes. Viewers read, admins design and publish."""

    def __init__(self, definitions: Definitions, reading: DefinitionReading) -> None:
        self._definitions = definitions
        self._reading = reading

    def router(self) -> APIRouter:
        """The routes under /v1/definitions."""
        router = APIRouter(prefix="/v1/definitions", tags=["definitions"], dependencies=[Depends(traced)])
        one = "/{definition_id}"
        router.add_api_route("", self.page, methods=["GET"], summary="List definitions, by id")
        router.add_api_route(one, self.find, methods=["GET"], summary="A definition with its draft")
        router.add_api_route(one, self.put, methods=["PUT"], summary="Save a draft, and tell what is wrong with it")
        router.add_api_route(one, self.discard, methods=["DELETE"], status_code=204, summary="Discard the draft")
        router.add_api_route(
            one + "/validate", self.check, methods=["POST"], summary="Tell what is wrong with the draft"
        )
        router.add_api_route(
            one + "/publish",
            self.publish,
            methods=["POST"],
            status_code=201,
            summary="Make a release, and make it live",
        )
        router.add_api_route(one + "/live", self.live, methods=["GET"], summary="The live release with its document")
        router.add_api_route(one + "/live", self.make_live, methods=["PUT"], summary="Make another release live")
        return router

    async def page(self, _: Viewer, limit: Limit = 50, cursor: Cursor = None) -> Page[DefinitionView]:
        """List definitions page by page; go on while there is a `next_cursor`."""
        found = [DefinitionView.of(summary) for summary in await self._reading.page(cursor, limit + 1)]
        return page_of(found, limit, lambda definition: definition.id)

    async def find(self, definition_id: str, response: Response, _: Viewer) -> DefinitionDocument:
        """Get a definition. The header `ETag` names the state of its draft."""
        summary, draft = await self._reading.find(definition_id)
        if draft is not None:
            response.headers["etag"] = draft.etag
        view = DefinitionView.of(summary)
        return DefinitionDocument(**dict(view), draft=None if draft is None else draft.document)

    async def put(
        self, definition_id: str, draft: DraftDefinition, given: Given, request: Request, response: Response, by: Admin
    ) -> SavedDraft:
        """Save a working copy; releases stay as they are. It may be incomplete: its problems are told.

        With `If-Match`, only while the draft is the one that you have seen.
        """
        if draft.id != definition_id:
            raise InvalidValues([ValueProblem("id", "must be the id in the path")])
        refuse_unknown_fields(await request.json(), draft)
        if len(encode(draft)) > MOST_BYTES:
            raise Problem(413, "Too large", f"a definition has at most {MOST_BYTES} bytes")
        saved = await self._definitions.put_draft(draft, given, by)
        response.headers["etag"] = saved.etag
        return SavedDraft(id=draft.id, revision=saved.revision, **validation(await self._reading.problems(draft)))

    async def discard(self, definition_id: str, given: Given, by: Admin) -> Response:
        """Discard the working copy. A definition that was never published is gone; else its releases stay."""
        await self._definitions.discard_draft(definition_id, given, by)
        return Response(status_code=204)

    async def check(self, definition_id: str, _: Viewer) -> Validation:
        """Tell everything at once that prevents publishing, or that a designer should look at."""
        _summary, draft = await self._reading.find(definition_id)
        if draft is None:
            raise NotFound("the definition has no draft")
        return Validation(**validation(await self._reading.problems(draft.document)))

    async def publish(self, definition_id: str, given: Given, by: Admin) -> PublishedRelease:
        """Make an immutable release of the draft. New care flows get it; those that run keep theirs."""
        release, problems = await self._definitions.publish(definition_id, given, by)
        return PublishedRelease(**dict(ReleaseView.of(release)), problems=validation(problems)["problems"])

    async def live(self, definition_id: str, _: Viewer) -> ReleaseDocument:
        """Get the release that new care flows get."""
        release, document = await self._reading.release(definition_id, LIVE)
        return ReleaseDocument(**dict(ReleaseView.of(release)), document=document)

    async def make_live(self, definition_id: str, wanted: LiveChoice, by: Admin) -> ReleaseView:
        """Have new care flows get another release, such as the one before; those that run keep theirs."""
        return ReleaseView.of(await self._definitions.make_live(definition_id, wanted.release_id, by))
