"""/v1/definitions."""

from datetime import datetime
from typing import Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from carewire_contracts.definition import CareFlowDefinition
from carewire_orchestrator.adapters.api.paging import Cursor, Limit, Page, Traceparent, page_of
from carewire_orchestrator.adapters.store.definitions import Definitions, DefinitionSummary, LiveRelease
from carewire_orchestrator.domain.definition_problems import DefinitionProblem
from carewire_orchestrator.domain.given_values import ValueProblem
from carewire_orchestrator.domain.validate import validate
from carewire_orchestrator.errors import InvalidValues
from carewire_runtime.auth import Role, require


class ReleaseView(BaseModel):
    """An immutable release."""

    release_id: str
    version: int
    published_at: datetime


class ReleaseDocument(ReleaseView):
    """A release with what it says."""

    document: CareFlowDefinition


class DefinitionView(BaseModel):
    """A definition; `live` is null until it is published."""

    id: str
    title: str
    updated_at: datetime
    live: ReleaseView | None


class DefinitionDocument(DefinitionView):
    """A definition with its draft."""

    draft: CareFlowDefinition


class ProblemView(BaseModel):
    """What is wrong with which node."""

    code: str
    severity: Literal["ERROR", "WARNING"]
    node_id: str
    message: str


class Validation(BaseModel):
    """All that is wrong; without an ERROR the definition can be published."""

    publishable: bool
    problems: list[ProblemView]


def definitions_router(definitions: Definitions) -> APIRouter:
    """Routes of definitions."""
    router = APIRouter(prefix="/v1/definitions", tags=["definitions"])
    can_read = [Depends(require(Role.VIEWER))]
    can_configure = [Depends(require(Role.ADMIN))]

    @router.get("", summary="List definitions", dependencies=can_read)
    async def page(limit: Limit = 50, cursor: Cursor = None) -> Page[DefinitionView]:
        found = [_view(summary) for summary in await definitions.page(cursor, limit + 1)]
        return page_of(found, limit, lambda definition: definition.id)

    @router.get("/{definition_id}", summary="A definition with its draft", dependencies=can_read)
    async def find(definition_id: str) -> DefinitionDocument:
        summary, draft = await definitions.find(definition_id)
        return DefinitionDocument(**_view(summary).model_dump(), draft=draft)

    @router.put("/{definition_id}", summary="Save a draft, and tell what is wrong with it", dependencies=can_configure)
    async def put(definition_id: str, draft: CareFlowDefinition) -> Validation:
        if draft.id != definition_id:
            raise InvalidValues([ValueProblem("id", "must be the id in the path")])
        await definitions.put_draft(draft)
        return _validation(validate(draft))

    @router.post("/{definition_id}/validate", summary="Tell what is wrong with the draft", dependencies=can_read)
    async def check(definition_id: str) -> Validation:
        _, draft = await definitions.find(definition_id)
        return _validation(validate(draft))

    @router.post(
        "/{definition_id}/publish",
        status_code=201,
        summary="Make an immutable release of the draft and make it live",
        dependencies=can_configure,
    )
    async def publish(definition_id: str, traceparent: Traceparent = None) -> ReleaseView:
        return _release(await definitions.publish(definition_id, traceparent))

    @router.get("/{definition_id}/live", summary="The live release with its document", dependencies=can_read)
    async def live(definition_id: str) -> ReleaseDocument:
        release, document = await definitions.live(definition_id)
        return ReleaseDocument(**_release(release).model_dump(), document=document)

    return router


def _view(summary: DefinitionSummary) -> DefinitionView:
    live = None if summary.live is None else _release(summary.live)
    return DefinitionView(id=summary.id, title=summary.title, updated_at=summary.updated_at, live=live)


def _release(live: LiveRelease) -> ReleaseView:
    return ReleaseView(release_id=live.release_id, version=live.version, published_at=live.published_at)


def _validation(problems: list[DefinitionProblem]) -> Validation:
    found = [
        ProblemView(code=one.code.value, severity=one.severity, node_id=one.node_id, message=one.message)
        for one in problems
    ]
    return Validation(publishable=all(one.severity != "ERROR" for one in problems), problems=found)
