"""/v1/identifier-systems."""

import re
from dataclasses import asdict
from datetime import datetime
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends
from pydantic import AfterValidator, BaseModel, Field

from carewire_orchestrator.adapters.api.callers import Admin, Viewer
from carewire_orchestrator.adapters.api.paging import Cursor, Limit, Page, page_of
from carewire_orchestrator.adapters.store.identifier_systems import IdentifierSystem, IdentifierSystems
from carewire_runtime.http.traced import traced


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


class IdentifierSystemApi:
    """The routes. Viewers read, admins register."""

    def __init__(self, systems: IdentifierSystems) -> None:
        self._systems = systems

    def router(self) -> APIRouter:
        """The routes under /v1/identifier-systems."""
        router = APIRouter(prefix="/v1/identifier-systems", tags=["identifier systems"], dependencies=[Depends(traced)])
        router.add_api_route(
            "", self.register, methods=["POST"], status_code=201, summary="Register an identifier system"
        )
        router.add_api_route("", self.page, methods=["GET"], summary="List identifier systems")
        return router

    async def register(self, body: NewIdentifierSystem, by: Admin) -> IdentifierSystemView:
        """Have identifiers of a system be accepted. Its name stays, since identifiers are known by it."""
        pattern = body.placeholder_pattern
        return _view(await self._systems.register(body.system, body.name, body.display_name, pattern, by))

    async def page(self, _: Viewer, limit: Limit = 50, cursor: Cursor = None) -> Page[IdentifierSystemView]:
        """List identifier systems page by page."""
        found = [_view(system) for system in await self._systems.page(cursor, limit + 1)]
        return page_of(found, limit, lambda system: system.system)


def _view(system: IdentifierSystem) -> IdentifierSystemView:
    return IdentifierSystemView(**asdict(system))
