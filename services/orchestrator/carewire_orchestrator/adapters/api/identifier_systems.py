"""/v1/identifier-systems."""

import re
from dataclasses import asdict
from datetime import datetime
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends
from pydantic import AfterValidator, BaseModel, Field

from carewire_orchestrator.adapters.api.paging import Cursor, Limit, Page, Traceparent, page_of
from carewire_orchestrator.adapters.store.identifier_systems import IdentifierSystem, IdentifierSystems
from carewire_runtime.auth import Role, require


def _absolute_url(text: str) -> str:
    if not urlsplit(text).scheme or re.search(r"\s", text):
        raise ValueError("must be an absolute URL, such as https://clinic.example/mrn")
    return text


def _regular_expression(text: str) -> str:
    try:
        re.compile(text)
    except re.error:
        raise ValueError("is no regular expression") from None
    return text


class NewIdentifierSystem(BaseModel):
    """What is registered; system and name are unique."""

    system: Annotated[str, Field(min_length=1, max_length=512), AfterValidator(_absolute_url)]
    name: Annotated[str, Field(min_length=1, max_length=128)]
    display_name: Annotated[str, Field(min_length=1, max_length=256)]
    placeholder_pattern: Annotated[str, Field(max_length=512), AfterValidator(_regular_expression)] | None = None


class IdentifierSystemView(NewIdentifierSystem):
    """A registered system."""

    created_at: datetime


def identifier_systems_router(systems: IdentifierSystems) -> APIRouter:
    """Routes of identifier systems."""
    router = APIRouter(prefix="/v1/identifier-systems", tags=["identifier systems"])

    @router.post(
        "",
        status_code=201,
        summary="Register an identifier system",
        dependencies=[Depends(require(Role.ADMIN))],
    )
    async def register(body: NewIdentifierSystem, traceparent: Traceparent = None) -> IdentifierSystemView:
        registered = await systems.register(
            body.system, body.name, body.display_name, body.placeholder_pattern, traceparent
        )
        return _view(registered)

    @router.get("", summary="List identifier systems", dependencies=[Depends(require(Role.VIEWER))])
    async def page(limit: Limit = 50, cursor: Cursor = None) -> Page[IdentifierSystemView]:
        found = [_view(system) for system in await systems.page(cursor, limit + 1)]
        return page_of(found, limit, lambda system: system.system)

    return router


def _view(system: IdentifierSystem) -> IdentifierSystemView:
    return IdentifierSystemView(**asdict(system))
