"""`/v1/endpoints`: who gets which events. A change is effective within a second."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from carewire_contracts.rules import Rule
from carewire_dispatcher.adapters.endpoint_models import (
    EndpointChange,
    EndpointPage,
    EndpointView,
    EndpointWithSecret,
    NewEndpoint,
)
from carewire_dispatcher.adapters.endpoint_store import EndpointStore
from carewire_dispatcher.domain.endpoint import DisabledBecause
from carewire_dispatcher.domain.endpoint_url import UrlPolicy
from carewire_dispatcher.domain.event_filter import filter_faults
from carewire_dispatcher.errors import EndpointNotFound
from carewire_runtime.auth import Role, require
from carewire_runtime.http.problem import Problem

_VIEWER = [Depends(require(Role.VIEWER))]
_OPERATOR = [Depends(require(Role.OPERATOR))]
_ADMIN = [Depends(require(Role.ADMIN))]

Limit = Annotated[int, Query(ge=1, le=200, description="entries on a page")]


def endpoint_router(store: EndpointStore, policy: UrlPolicy) -> APIRouter:
    """Build the routes."""
    router = APIRouter(prefix="/v1/endpoints", tags=["endpoints"])

    @router.post("", status_code=201, dependencies=_ADMIN, summary="Create an endpoint")
    async def create(new: NewEndpoint) -> EndpointWithSecret:
        _raise_for_faults(policy, new.fields())
        stored, secret = await store.create(new.fields())
        return EndpointWithSecret.with_secret(stored, secret)

    @router.get("", dependencies=_VIEWER, summary="List endpoints in the order of their creation")
    async def page(limit: Limit = 50, cursor: UUID | None = None) -> EndpointPage:
        found = await store.page(str(cursor) if cursor else None, limit + 1)
        shown = [EndpointView.of(stored) for stored in found[:limit]]
        return EndpointPage(items=shown, next_cursor=shown[-1].id if len(found) > limit else None)

    @router.get("/{endpoint_id}", dependencies=_VIEWER, summary="Get an endpoint")
    async def get(endpoint_id: UUID) -> EndpointView:
        return EndpointView.of(await _found(store.get(str(endpoint_id))))

    @router.patch("/{endpoint_id}", dependencies=_ADMIN, summary="Change some fields of an endpoint")
    async def change(endpoint_id: UUID, changed: EndpointChange) -> EndpointView:
        fields = changed.fields()
        _raise_for_faults(policy, fields)
        return EndpointView.of(await _found(store.change(str(endpoint_id), fields)))

    @router.delete("/{endpoint_id}", status_code=204, dependencies=_ADMIN, summary="Delete an endpoint")
    async def delete(endpoint_id: UUID) -> Response:
        await _found(store.delete(str(endpoint_id)))
        return Response(status_code=204)

    @router.post("/{endpoint_id}/enable", dependencies=_OPERATOR, summary="Send events again")
    async def enable(endpoint_id: UUID) -> EndpointView:
        return EndpointView.of(await _found(store.enable(str(endpoint_id))))

    @router.post("/{endpoint_id}/disable", dependencies=_OPERATOR, summary="Stop sending events")
    async def disable(endpoint_id: UUID) -> EndpointView:
        return EndpointView.of(await _found(store.disable(str(endpoint_id), DisabledBecause.OPERATOR)))

    _add_secret_routes(router, store)
    return router


def _add_secret_routes(router: APIRouter, store: EndpointStore) -> None:
    @router.post(
        "/{endpoint_id}/rotate-secret",
        dependencies=_ADMIN,
        summary="Sign with a new secret too; the old one goes on until it is retired",
    )
    async def rotate(endpoint_id: UUID) -> EndpointWithSecret:
        stored, secret = await _found(store.rotate_secret(str(endpoint_id)))
        return EndpointWithSecret.with_secret(stored, secret)

    @router.post("/{endpoint_id}/retire-secret", dependencies=_ADMIN, summary="Stop signing with the old secret")
    async def retire(endpoint_id: UUID) -> EndpointView:
        return EndpointView.of(await _found(store.retire_old_secret(str(endpoint_id))))


async def _found(answer: Any) -> Any:
    try:
        return await answer
    except EndpointNotFound:
        raise Problem(404, "Not found", "no endpoint has this id") from None


def _raise_for_faults(policy: UrlPolicy, fields: dict[str, Any]) -> None:
    """Refuse what the form alone cannot tell, all at once."""
    errors: list[dict[str, str]] = []
    wrong = policy.problem(fields["url"]) if "url" in fields else None
    if wrong is not None:
        errors.append({"field": "url", "message": wrong})
    if fields.get("filter") is not None:
        faults = filter_faults(Rule.model_validate(fields["filter"]))
        errors += [{"field": f"filter.{place}", "message": message} for place, message in faults]
    if errors:
        raise Problem(422, "Invalid request", "the endpoint cannot be used", errors=errors)
