"""`/v1/endpoints`: who gets which events. A change is effective within a second."""

from collections.abc import Awaitable
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Query, Response

from carewire_contracts.rules import Rule
from carewire_dispatcher.adapters.endpoint_models import (
    EndpointChange,
    NewEndpoint,
    Retirement,
    Rotation,
)
from carewire_dispatcher.adapters.endpoint_store import EndpointStore, StoredEndpoint
from carewire_dispatcher.adapters.endpoint_view import EndpointPage, EndpointView, EndpointWithSecret
from carewire_dispatcher.adapters.ownership import Ownership
from carewire_dispatcher.domain.endpoint_url import UrlPolicy
from carewire_dispatcher.domain.event_filter import filter_faults
from carewire_dispatcher.domain.redaction import path_faults
from carewire_dispatcher.domain.sharding import places_fault
from carewire_dispatcher.errors import EndpointChanged, EndpointImpossible, EndpointNotFound
from carewire_runtime.auth import Principal, Role, require
from carewire_runtime.clock import Clock
from carewire_runtime.http.problem import Problem
from carewire_runtime.http.traced import traced

Viewer = Annotated[Principal, Depends(require(Role.VIEWER))]
Operator = Annotated[Principal, Depends(require(Role.OPERATOR))]
Admin = Annotated[Principal, Depends(require(Role.ADMIN))]
_Limit = Annotated[int, Query(ge=1, le=200, description="entries on a page")]
_A_DAY = Rotation()
_OLD_SECRET = Retirement()

T = TypeVar("T")


class EndpointApi:
    """The routes. Viewers read, operators switch on and off, admins configure.

    With `ownership`, an endpoint is sent events only after its receiver echoed a challenge.
    """

    def __init__(
        self, store: EndpointStore, policy: UrlPolicy, clock: Clock, ownership: Ownership | None = None
    ) -> None:
        self._store = store
        self._policy = policy
        self._clock = clock
        self._ownership = ownership

    def router(self) -> APIRouter:
        """The routes under /v1/endpoints."""
        router = APIRouter(prefix="/v1/endpoints", tags=["endpoints"], dependencies=[Depends(traced)])
        one = "/{endpoint_id}"
        router.add_api_route("", self.create, methods=["POST"], status_code=201, summary="Create an endpoint")
        router.add_api_route("", self.page, methods=["GET"], summary="List in the order of creation")
        router.add_api_route(one, self.get, methods=["GET"], summary="Get an endpoint")
        router.add_api_route(one, self.change, methods=["PATCH"], summary="Change some fields")
        router.add_api_route(one, self.delete, methods=["DELETE"], status_code=204, summary="Delete an endpoint")
        router.add_api_route(one + "/enable", self.enable, methods=["POST"], summary="Send events again")
        router.add_api_route(one + "/disable", self.disable, methods=["POST"], summary="Send and collect no events")
        router.add_api_route(one + "/pause", self.pause, methods=["POST"], summary="Hold events for later")
        router.add_api_route(one + "/resume", self.resume, methods=["POST"], summary="Go on, with what was held")
        router.add_api_route(one + "/rotate-secret", self.rotate, methods=["POST"], summary="Sign with a new key too")
        router.add_api_route(one + "/retire-secret", self.retire, methods=["POST"], summary="End the old key now")
        return router

    async def create(self, new: Annotated[NewEndpoint, Body()], caller: Admin) -> EndpointWithSecret:
        """Create an endpoint. Its signing secret is shown in this answer alone."""
        fields = new.fields()
        self._raise_for_faults(fields, places_fault(new.concurrency, new.shards))
        asked = self._ownership is not None and fields["enabled"]
        stored, secret = await self._store.create(fields | ({"enabled": False} if asked else {}), caller)
        if asked:
            stored = await self._enabled_if_owned(stored, caller, secret)
        return self._with_secret(stored, secret)

    async def page(self, _: Viewer, limit: _Limit = 50, cursor: UUID | None = None) -> EndpointPage:
        """List endpoints, page by page; go on while there is a `next_cursor`."""
        found = await self._store.page(str(cursor) if cursor else None, limit + 1)
        shown = [self._shown(stored) for stored in found[:limit]]
        return EndpointPage(items=shown, next_cursor=shown[-1].id if len(found) > limit else None)

    async def get(self, endpoint_id: UUID, _: Viewer) -> EndpointView:
        """Get one endpoint, without what is secret of it."""
        return self._shown(await found(self._store.get(str(endpoint_id))))

    async def change(
        self, endpoint_id: UUID, changed: Annotated[EndpointChange, Body()], caller: Admin
    ) -> EndpointView:
        """Change what is given; lists and headers are replaced as a whole. Deliveries under way heed it as well."""
        fields = changed.fields()
        self._raise_for_faults(fields)
        proved = True
        if self._ownership is not None and "url" in fields:
            proved = await self._is_proved(self._ownership, str(endpoint_id), fields)
        saved = self._store.change(str(endpoint_id), fields, caller, only_disabled=not proved)
        return self._shown(await found(saved))

    async def delete(self, endpoint_id: UUID, caller: Admin) -> Response:
        """Delete an endpoint; its deliveries stay in the log."""
        await found(self._store.delete(str(endpoint_id), caller))
        return Response(status_code=204)

    async def enable(self, endpoint_id: UUID, caller: Operator) -> EndpointView:
        """Send events again, and what was held for it."""
        if self._ownership is not None:
            present = await found(self._store.get(str(endpoint_id)))
            return self._shown(await self._enabled_if_owned(present, caller))
        return self._shown(await found(self._store.enable(str(endpoint_id), caller)))

    async def disable(self, endpoint_id: UUID, caller: Operator) -> EndpointView:
        """Send no events: those of meanwhile are never made deliveries. To have them held, pause."""
        return self._shown(await found(self._store.disable(str(endpoint_id), caller)))

    async def pause(self, endpoint_id: UUID, caller: Operator) -> EndpointView:
        """Hold events, such as while a receiver is being repaired."""
        return self._shown(await found(self._store.pause(str(endpoint_id), caller)))

    async def resume(self, endpoint_id: UUID, caller: Operator) -> EndpointView:
        """Go on sending, beginning with what was held."""
        return self._shown(await found(self._store.resume(str(endpoint_id), caller)))

    async def rotate(
        self, endpoint_id: UUID, wanted: Annotated[Rotation, Body()] = _A_DAY, *, caller: Admin
    ) -> EndpointWithSecret:
        """Sign with a new key; the old one signs too for a day, or as long as is said. One before it ends."""
        present = await found(self._store.get(str(endpoint_id)))
        if wanted.scheme not in present.record.signing:
            errors = [{"field": "scheme", "message": "the endpoint does not sign by it; add it to `signing` first"}]
            raise Problem(422, "Invalid request", "nothing was changed", errors=errors)
        rotated = self._store.rotate(str(endpoint_id), wanted.scheme, wanted.overlap_s, caller)
        return self._with_secret(*await found(rotated))

    async def retire(
        self, endpoint_id: UUID, wanted: Annotated[Retirement, Body()] = _OLD_SECRET, *, caller: Admin
    ) -> EndpointView:
        """Have the key before the last rotation end now; without one, nothing changes."""
        return self._shown(await found(self._store.retire(str(endpoint_id), wanted.scheme, caller)))

    def _shown(self, stored: StoredEndpoint) -> EndpointView:
        return EndpointView.of(stored, self._store.public_keys(stored), self._clock.now())

    def _with_secret(self, stored: StoredEndpoint, secret: str | None) -> EndpointWithSecret:
        return EndpointWithSecret.of(stored, self._store.public_keys(stored), self._clock.now(), secret=secret)

    def _raise_for_faults(self, fields: dict[str, Any], shards_fault: str | None = None) -> None:
        """Refuse what the form alone cannot tell, all at once."""
        errors = [] if shards_fault is None else [{"field": "shards", "message": shards_fault}]
        wrong = self._policy.problem(fields["url"]) if "url" in fields else None
        if wrong is not None:
            errors.append({"field": "url", "message": wrong})
        if fields.get("filter") is not None:
            faults = filter_faults(Rule.model_validate(fields["filter"]))
            errors += [{"field": f"filter.{place}", "message": message} for place, message in faults]
        wrong_paths = path_faults(fields.get("redacted", ()))
        errors += [{"field": f"redacted.{number}", "message": message} for number, message in wrong_paths]
        if errors:
            raise Problem(422, "Invalid request", "nothing was changed", errors=errors)

    async def _enabled_if_owned(
        self, stored: StoredEndpoint, caller: Principal, secret: str | None = None
    ) -> StoredEndpoint:
        """Enable an endpoint whose receiver echoes a challenge; of a new one the refusal has to show the secret."""
        fault = None if self._ownership is None else await self._ownership.fault(self._store.opened(stored))
        if fault is None:
            return await found(self._store.enable(stored.record.id, caller, at=stored.record))
        more: dict[str, Any] = {}
        if secret is not None:
            more["endpoint"] = self._with_secret(stored, secret).model_dump(mode="json")
        raise _not_owned(fault, "it is stored and disabled; mend the receiver and enable it", **more)

    async def _is_proved(self, ownership: Ownership, endpoint_id: str, fields: dict[str, Any]) -> bool:
        """Ask the receiver at a new address; that of an endpoint which is disabled is asked once it is enabled."""
        present = await found(self._store.get(endpoint_id))
        if not present.record.enabled:
            return False
        headers = fields.get("headers")
        fault = await ownership.fault(self._store.opened(present), fields["url"], headers)
        if fault is not None:
            raise _not_owned(fault, "nothing was changed; mend the receiver and try again")
        return True


async def found(answer: Awaitable[T]) -> T:
    """Wait for an answer about an endpoint.

    Raises Problem 404 where there is none, 409 where it changed meanwhile, 422 where it cannot be as asked.
    """
    try:
        return await answer
    except EndpointNotFound:
        raise Problem(404, "Not found", "no endpoint has this id") from None
    except EndpointChanged as error:
        raise Problem(409, "Changed meanwhile", f"{error}; look at the endpoint and try again") from None
    except EndpointImpossible as error:
        errors = [{"field": error.field, "message": str(error)}]
        raise Problem(422, "Invalid request", "nothing was changed", errors=errors) from None


def _not_owned(fault: str, detail: str, **more: Any) -> Problem:
    errors = [{"field": "url", "message": fault}]
    return Problem(422, "Endpoint not verified", detail, errors=errors, **more)
