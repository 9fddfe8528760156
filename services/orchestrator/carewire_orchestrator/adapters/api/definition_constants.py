"""/v1/definitions/{definition_id}/constants: the values of concealed constants, which nothing ever answers."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Response
from pydantic import AfterValidator, BaseModel, Field

from carewire_contracts.definition import CareFlowDefinition, NodeId
from carewire_orchestrator.adapters.api.callers import Admin, Viewer
from carewire_orchestrator.adapters.store.constants import Constants
from carewire_orchestrator.adapters.store.definition_reading import DRAFT, LIVE, DefinitionReading
from carewire_runtime.http.traced import traced

Name = Annotated[NodeId, Path(description="name of the constant in `settings.constants`")]


def _one_line(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        raise ValueError("must be one line without control characters, and without spaces at its ends")
    return text


class ConstantValue(BaseModel):
    """A value, which is not shown again."""

    value: Annotated[str, Field(min_length=1, max_length=4096, repr=False), AfterValidator(_one_line)]


class ConstantView(BaseModel):
    """A concealed constant; `set_at` is null where it has no value here.

    `declared_in` says which of the draft and the live release name it. A care flow that runs may have an older release
    that does.
    """

    name: str
    set_at: datetime | None
    declared_in: list[Literal["draft", "live"]]


class ConstantList(BaseModel):
    """The concealed constants of a definition, by name."""

    items: list[ConstantView]


class ConstantApi:
    """The routes. Viewers see which there are, admins set values."""

    def __init__(self, constants: Constants, reading: DefinitionReading) -> None:
        self._constants = constants
        self._reading = reading

    def router(self) -> APIRouter:
        """The routes under /v1/definitions/{definition_id}/constants."""
        router = APIRouter(prefix="/v1/definitions", tags=["definitions"], dependencies=[Depends(traced)])
        all_of_one = "/{definition_id}/constants"
        one = all_of_one + "/{name}"
        router.add_api_route(
            all_of_one, self.list_, methods=["GET"], summary="List concealed constants, without their values"
        )
        router.add_api_route(one, self.put, methods=["PUT"], summary="Set the value of a concealed constant")
        router.add_api_route(
            one, self.clear, methods=["DELETE"], status_code=204, summary="Take the value of a concealed constant away"
        )
        return router

    async def list_(self, definition_id: str, _: Viewer) -> ConstantList:
        """List the constants that the draft or the live release conceals, and all that have a value."""
        declared = await self._declared(definition_id)
        values_set = await self._constants.all_set(definition_id)
        names = sorted({*values_set, *(name for constants in declared.values() for name in constants)})
        return ConstantList(items=[_view(name, values_set.get(name), declared) for name in names])

    async def put(self, definition_id: str, name: Name, wanted: ConstantValue, by: Admin) -> ConstantView:
        """Set a value in this deployment. API calls have it from now on, those of care flows that run as well."""
        declared = await self._declared(definition_id)
        return _view(name, await self._constants.put(definition_id, name, wanted.value, by), declared)

    async def clear(self, definition_id: str, name: Name, by: Admin) -> Response:
        """Take a value away. API calls that need it fail with `constant_unavailable` from now on."""
        await self._constants.clear(definition_id, name, by)
        return Response(status_code=204)

    async def _declared(self, definition_id: str) -> dict[Literal["draft", "live"], frozenset[str]]:
        """The concealed constants of the draft and of the live release. Raises NotFound."""
        summary, draft = await self._reading.find(definition_id)
        declared: dict[Literal["draft", "live"], frozenset[str]] = {}
        if draft is not None:
            declared[DRAFT] = frozenset(_concealed(draft.document))
        if summary.live is not None:
            _release, live = await self._reading.release(definition_id, summary.live.release_id)
            declared[LIVE] = frozenset(_concealed(live))
        return declared


def _concealed(document: CareFlowDefinition) -> Iterator[str]:
    return (constant.name for constant in document.settings.constants if constant.concealed)


def _view(name: str, set_at: datetime | None, declared: dict[Literal["draft", "live"], frozenset[str]]) -> ConstantView:
    places = [place for place, names in declared.items() if name in names]
    return ConstantView(name=name, set_at=set_at, declared_in=places)
