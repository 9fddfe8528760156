"""POST /v1/definitions/import: a definition from a file becomes a draft."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from carewire_contracts.wire import encode
from carewire_orchestrator.adapters.api.callers import Admin
from carewire_orchestrator.adapters.api.definition_files import MOST_BYTES, FileFormat, read_file
from carewire_orchestrator.adapters.api.definition_views import ImportedDraft, validation
from carewire_orchestrator.adapters.api.preconditions import Given
from carewire_orchestrator.adapters.api.unknown_fields import refuse_unknown_fields
from carewire_orchestrator.adapters.store.definition_reading import DefinitionReading
from carewire_orchestrator.adapters.store.definitions import Definitions
from carewire_orchestrator.domain.definition_draft import DraftDefinition
from carewire_runtime.http.problem import Problem
from carewire_runtime.http.traced import traced

_FORMATS: Final[dict[str, FileFormat]] = {
    "application/json": "json",
    "application/yaml": "yaml",
    "application/x-yaml": "yaml",
    "text/yaml": "yaml",
}
"""What files are sent as: YAML has been registered as `application/yaml` by RFC 9512, and was called otherwise."""

_DOCUMENT: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            media_type: {"schema": {"type": "object"}} for media_type in ("application/json", "application/yaml")
        },
    }
}


class ImportApi:
    """The route, for admins."""

    def __init__(self, definitions: Definitions, reading: DefinitionReading) -> None:
        self._definitions = definitions
        self._reading = reading

    def router(self) -> APIRouter:
        """The route."""
        router = APIRouter(prefix="/v1/definitions", tags=["definitions"], dependencies=[Depends(traced)])
        router.add_api_route(
            "/import",
            self.take,
            methods=["POST"],
            summary="Take a definition from a file as a draft",
            openapi_extra=_DOCUMENT,
        )
        return router

    async def take(
        self,
        request: Request,
        response: Response,
        given: Given,
        by: Admin,
        *,
        dry_run: Annotated[bool, Query(description="only tell what is wrong, and save nothing")] = False,
    ) -> ImportedDraft:
        """Save a definition, JSON or YAML, as the draft of its own id; its problems are told.

        `If-None-Match: *` takes it only where there is no draft yet.
        """
        draft = _read(await _body(request), _format(request))
        problems = validation(await self._reading.problems(draft))
        if dry_run:
            return ImportedDraft(id=draft.id, revision=None, **problems)
        saved = await self._definitions.put_draft(draft, given, by)
        response.headers["etag"] = saved.etag
        return ImportedDraft(id=draft.id, revision=saved.revision, **problems)


def _format(request: Request) -> FileFormat:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in _FORMATS:
        raise Problem(415, "Not a file of ours", f"send it as one of {', '.join(_FORMATS)}")
    return _FORMATS[media_type]


async def _body(request: Request) -> bytes:
    """The body, as far as it may reach."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise _too_large()
    return bytes(body)


def _read(data: bytes, file_format: FileFormat) -> DraftDefinition:
    raw = read_file(data, file_format)
    try:
        draft = DraftDefinition.model_validate(raw)
    except ValidationError as error:
        errors = [
            {**one, "loc": ("body", *one["loc"])}
            for one in error.errors(include_url=False, include_context=False, include_input=False)
        ]
        raise RequestValidationError(errors, body=raw) from None
    refuse_unknown_fields(raw, draft)
    if len(encode(draft)) > MOST_BYTES:
        raise _too_large()
    return draft


def _too_large() -> Problem:
    return Problem(413, "Too large", f"a definition has at most {MOST_BYTES} bytes")
