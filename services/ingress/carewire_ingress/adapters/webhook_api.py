"""The management API of incoming webhooks: Settings > Incoming webhooks."""

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Query, Response

from carewire_ingress.adapters import webhook_store
from carewire_ingress.adapters.catalogue_table import CatalogueTable
from carewire_ingress.adapters.sealed_secrets import missing_ones_told
from carewire_ingress.adapters.webhook_forms import (
    CreateWebhook,
    MissingDataPoint,
    RotateToken,
    UpdateWebhook,
    Webhook,
    WebhookPage,
    WebhookQuery,
)
from carewire_ingress.adapters.webhook_store import StoredWebhook, WebhookStore
from carewire_ingress.domain.configuration import Configuration
from carewire_ingress.domain.configuration_faults import Fault, faults
from carewire_ingress.domain.webhook_state import Standing, standing
from carewire_runtime.auth import Principal, Role, require
from carewire_runtime.http.problem import Problem
from carewire_runtime.http.traced import traced

_Viewer = Annotated[Principal, Depends(require(Role.VIEWER))]
_Admin = Annotated[Principal, Depends(require(Role.ADMIN))]
_A_DAY = RotateToken()
_MOST_READ = 10
"""Pages read for one of a state, which Postgres does not know: a list by state may take several calls."""


class WebhookApi:
    """The routes. Viewers read, admins configure; the URL, being a credential, is shown to operators and admins."""

    def __init__(self, store: WebhookStore, catalogue: CatalogueTable, public_url: str) -> None:
        self._store = store
        self._catalogue = catalogue
        self._public_url = public_url.rstrip("/")

    def router(self) -> APIRouter:
        """The routes under /v1/incoming-webhooks."""
        router = APIRouter(prefix="/v1/incoming-webhooks", tags=["incoming webhooks"], dependencies=[Depends(traced)])
        one = "/{webhook_id}"
        router.add_api_route("", self.create, methods=["POST"], status_code=201, summary="Create, disabled")
        router.add_api_route("", self.list, methods=["GET"], summary="List, newest first")
        router.add_api_route(one, self.get, methods=["GET"], summary="Get one with its URL")
        router.add_api_route(one, self.update, methods=["PATCH"], summary="Change name, mapping and the like")
        router.add_api_route(one, self.delete, methods=["DELETE"], status_code=204, summary="Delete")
        router.add_api_route(one + "/enable", self.enable, methods=["POST"], summary="Let calls start care flows")
        router.add_api_route(one + "/disable", self.disable, methods=["POST"], summary="Refuse calls")
        router.add_api_route(one + "/rotate-token", self.rotate, methods=["POST"], summary="Replace the URL")
        router.add_api_route(one + "/end-rotation", self.end_rotation, methods=["POST"], summary="End the old URL now")
        return router

    async def create(self, wanted: Annotated[CreateWebhook, Body()], caller: _Admin) -> Webhook:
        """Create a webhook. It is born disabled: map the required data points, test it, enable it."""
        configuration = wanted.configuration()
        self._raise_for_faults(configuration, enabled=False)
        with missing_ones_told():
            stored = await self._store.create(configuration, caller)
        return self._shown(stored, caller)

    async def list(self, asked: Annotated[WebhookQuery, Query()], caller: _Viewer) -> WebhookPage:
        """List webhooks by any of the filters together, page by page; go on while there is a `next_cursor`."""
        after = None if asked.cursor is None else str(asked.cursor)
        found: list[StoredWebhook] = []
        for _ in range(1 if asked.state is None else _MOST_READ):
            rows = await self._store.page(
                after, asked.limit + 1, enabled=asked.enabled, definition_id=asked.definition_id
            )
            found += [row for row in rows if asked.state in {None, self._standing(row).state}]
            if len(found) > asked.limit:
                return self._page(found[: asked.limit], caller, found[asked.limit - 1].id)
            if len(rows) <= asked.limit:
                return self._page(found, caller, None)
            after = rows[-1].id
        return self._page(found, caller, after)

    def _page(self, found: Sequence[StoredWebhook], caller: Principal, cursor: str | None) -> WebhookPage:
        return WebhookPage(items=[self._shown(stored, caller) for stored in found], next_cursor=cursor)

    def _standing(self, stored: StoredWebhook) -> Standing:
        definition = self._catalogue.definition(stored.configuration.definition_id)
        return standing(stored.configuration, definition, enabled=stored.enabled)

    async def get(self, webhook_id: UUID, caller: _Viewer) -> Webhook:
        """Get one webhook."""
        stored = await self._store.get(str(webhook_id))
        if stored is None:
            raise _not_found()
        return self._shown(stored, caller)

    async def update(self, webhook_id: UUID, wanted: Annotated[UpdateWebhook, Body()], caller: _Admin) -> Webhook:
        """Change what is given; a mapping is replaced as a whole. An enabled webhook must stay complete."""

        def changed(stored: StoredWebhook) -> StoredWebhook:
            configuration = wanted.applied_to(stored.configuration)
            self._raise_for_faults(configuration, enabled=stored.enabled)
            return replace(stored, configuration=configuration)

        return await self._change(webhook_id, changed, webhook_store.UPDATE, caller)

    async def enable(self, webhook_id: UUID, caller: _Admin) -> Webhook:
        """Enable; every required data point of the live release has to be mapped."""

        def changed(stored: StoredWebhook) -> StoredWebhook:
            self._raise_for_faults(stored.configuration, enabled=True)
            return replace(stored, enabled=True)

        return await self._change(webhook_id, changed, webhook_store.ENABLE, caller)

    async def disable(self, webhook_id: UUID, caller: _Admin) -> Webhook:
        """Disable; calls are refused and kept in the log, tests still work."""
        off = webhook_store.DISABLE
        return await self._change(webhook_id, lambda stored: replace(stored, enabled=False), off, caller)

    async def rotate(
        self, webhook_id: UUID, wanted: Annotated[RotateToken, Body()] = _A_DAY, *, caller: _Admin
    ) -> Webhook:
        """Give the webhook another URL. The old one answers for a day, or as long as is said; one before it ends."""
        overlap = timedelta(seconds=wanted.overlap_seconds)

        def changed(stored: StoredWebhook) -> StoredWebhook:
            return self._store.with_new_token(stored, overlap)

        return await self._change(webhook_id, changed, webhook_store.ROTATE, caller)

    async def end_rotation(self, webhook_id: UUID, caller: _Admin) -> Webhook:
        """Have the URL before the last rotation end now; without one, nothing changes."""
        end = webhook_store.END_ROTATION
        return await self._change(webhook_id, lambda stored: replace(stored, previous=None), end, caller)

    async def delete(self, webhook_id: UUID, caller: _Admin) -> Response:
        """Delete; its requests stay in the log."""
        if not await self._store.delete(str(webhook_id), caller):
            raise _not_found()
        return Response(status_code=204)

    async def _change(
        self, webhook_id: UUID, changed: Callable[[StoredWebhook], StoredWebhook], action: str, caller: Principal
    ) -> Webhook:
        with missing_ones_told():
            stored = await self._store.change(str(webhook_id), changed, action, caller)
        if stored is None:
            raise _not_found()
        return self._shown(stored, caller)

    def _raise_for_faults(self, configuration: Configuration, *, enabled: bool) -> None:
        if (pending := self._catalogue.table.not_ready()) is not None:
            raise Problem(503, "Not ready", pending, retry_after_s=2)
        definition = self._catalogue.definition(configuration.definition_id)
        found = faults(configuration, definition, self._catalogue.systems, enabled=enabled)
        if found:
            raise Problem(422, "Invalid webhook", "nothing was changed", errors=_listed(found))

    def _shown(self, stored: StoredWebhook, caller: Principal) -> Webhook:
        url = None
        if caller.role.rank >= Role.OPERATOR.rank:
            url = f"{self._public_url}/hooks/{self._store.token(stored)}"
        stands = self._standing(stored)
        configured = {part.name: getattr(stored.configuration, part.name) for part in fields(Configuration)}
        return Webhook(
            **configured,
            id=stored.id,
            enabled=stored.enabled,
            state=stands.state,
            missing_data_points=[MissingDataPoint.model_validate(one, from_attributes=True) for one in stands.missing],
            sender_secret_count=self._store.secret_count(stored),
            url=url,
            test_url=None if url is None else f"{url}/test",
            previous_url_until=self._store.ending(stored),
            created_at=stored.created_at,
            updated_at=stored.updated_at,
        )


def _not_found() -> Problem:
    return Problem(404, "No such incoming webhook", "check the id; it may have been deleted")


def _listed(found: list[Fault]) -> list[dict[str, Any]]:
    return [{"field": fault.field, "message": fault.message} for fault in found]
