"""The routes that help to map: dry runs of a configuration, and suggestions from the last test payload."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Body, Depends

from carewire_contracts.catalogue import CatalogueDefinition
from carewire_contracts.definition import DataPointDefinition
from carewire_contracts.json_query import JsonQuery
from carewire_contracts.redaction import redacted
from carewire_contracts.requests import Reason
from carewire_contracts.statuses import RequestStatus
from carewire_ingress.adapters.catalogue_table import CatalogueTable
from carewire_ingress.adapters.mapping_forms import (
    ConfigurationFault,
    DryCall,
    DryRunOfNew,
    DryRunOfStored,
    DryRunVerdict,
    FittingDataPoint,
    FoundIdentifier,
    MappingSuggestions,
    SuggestedPath,
)
from carewire_ingress.adapters.request_forms import MappedValue
from carewire_ingress.adapters.request_reader import LoggedRequest, RequestReader
from carewire_ingress.adapters.sealed_secrets import missing_ones_told
from carewire_ingress.adapters.webhook_store import StoredWebhook, WebhookStore
from carewire_ingress.domain.admit import Accepted, Filtered
from carewire_ingress.domain.call import Call
from carewire_ingress.domain.configuration import Configuration
from carewire_ingress.domain.configuration_faults import faults
from carewire_ingress.domain.dry_run import DryRun, dry_run
from carewire_ingress.domain.payload import read_payload
from carewire_ingress.domain.request_filter import RequestFilter
from carewire_ingress.domain.suggestions import Suggestions, suggest
from carewire_runtime.auth import Principal, Role, require
from carewire_runtime.clock import Clock
from carewire_runtime.http.problem import Problem
from carewire_runtime.http.traced import traced
from carewire_runtime.ids import new_id

_Operator = Annotated[Principal, Depends(require(Role.OPERATOR))]

_LATEST_TESTS: Final = 10
"""Tests looked through for one with a payload: those of strangers are logged without."""


class MappingApi:
    """The routes, for operators: they deal with payloads. Nothing here is stored, and nothing is produced."""

    def __init__(
        self,
        store: WebhookStore,
        reader: RequestReader,
        catalogue: CatalogueTable,
        clock: Clock,
        *,
        most_bytes: int,
    ) -> None:
        self._store = store
        self._reader = reader
        self._catalogue = catalogue
        self._clock = clock
        self._most_bytes = most_bytes

    def router(self) -> APIRouter:
        """The routes under /v1/incoming-webhooks."""
        router = APIRouter(prefix="/v1/incoming-webhooks", tags=["mapping"], dependencies=[Depends(traced)])
        router.add_api_route(
            "/dry-run", self.of_new, methods=["POST"], summary="Judge a payload by a configuration that is not saved"
        )
        router.add_api_route(
            "/{webhook_id}/dry-run",
            self.of_stored,
            methods=["POST"],
            summary="Judge a payload by a webhook's configuration with changes that are not saved",
        )
        router.add_api_route(
            "/{webhook_id}/mapping-suggestions",
            self.suggestions,
            methods=["GET"],
            summary="Suggest paths from the last test payload",
        )
        return router

    async def of_new(self, wanted: Annotated[DryRunOfNew, Body()], _: _Operator) -> DryRunVerdict:
        """Tell what would become of a call to a webhook with this configuration, enabled."""
        return await self._judged(wanted, wanted.configuration.configuration(), None)

    async def of_stored(
        self, webhook_id: UUID, wanted: Annotated[DryRunOfStored, Body()], _: _Operator
    ) -> DryRunVerdict:
        """Tell what would become of a call to this webhook, enabled, with changes applied as an update would."""
        stored = await self._webhook(webhook_id)
        return await self._judged(wanted, wanted.configuration.applied_to(stored.configuration), stored)

    async def suggestions(self, webhook_id: UUID, caller: _Operator) -> MappingSuggestions:
        """List every place of the last test payload; the look at it is recorded in the audit."""
        stored = await self._webhook(webhook_id)
        logged = await self._last_test(stored.id, caller)
        content_type = logged.row["content_type"] or ""
        payload = read_payload(content_type, logged.payload or b"")
        if isinstance(payload, Reason):
            raise _no_test(f"The last test payload cannot be read: {payload.message}")
        definition = self._catalogue.definition(stored.configuration.definition_id)
        points = _data_points(definition)
        found = await asyncio.to_thread(_suggested, payload, points, stored.configuration.redacted)
        return MappingSuggestions(
            request_id=logged.id,
            received_at=logged.row["received_at"],
            content_type=content_type,
            paths=_paths(found, {point.id: point.key for point in points}),
            is_cut=found.is_cut,
        )

    async def _judged(self, call: DryCall, configuration: Configuration, stored: StoredWebhook | None) -> DryRunVerdict:
        if (pending := self._catalogue.table.not_ready()) is not None:
            raise Problem(503, "Not ready", pending, retry_after_s=2)
        body = call.body()
        if len(body) > self._most_bytes:
            raise Problem(413, "Payload too large", f"a body may have at most {self._most_bytes} bytes")
        definition = self._catalogue.definition(configuration.definition_id)
        wrong = faults(configuration, definition, self._catalogue.systems, enabled=False)
        if wrong:
            listed = [ConfigurationFault(field=fault.field, message=fault.message) for fault in wrong]
            return DryRunVerdict(verdict="invalid_configuration", configuration_faults=listed)
        with missing_ones_told():
            webhook = self._store.drafted(configuration, stored)
        judged = await asyncio.to_thread(dry_run, webhook, definition, self._catalogue.systems, self._call(call, body))
        return _shown(judged, {point.id: point.key for point in _data_points(definition)})

    def _call(self, call: DryCall, body: bytes) -> Call:
        return Call(
            request_id=new_id(),
            received_ms=int(self._clock.now().timestamp() * 1000),
            content_type=call.media_type(),
            headers=call.lower_headers(),
            body=body,
            is_test=True,
        )

    async def _webhook(self, webhook_id: UUID) -> StoredWebhook:
        stored = await self._store.get(str(webhook_id))
        if stored is None:
            raise Problem(404, "No such incoming webhook", "check the id; it may have been deleted")
        return stored

    async def _last_test(self, webhook_id: str, caller: Principal) -> LoggedRequest:
        wanted = RequestFilter(statuses=(RequestStatus.TEST,), webhook_id=webhook_id)
        rows = await self._reader.page(wanted, None, _LATEST_TESTS)
        tests = await self._reader.details([row["id"] for row in rows], None)
        latest = next((test.id for test in tests if test.row["payload_kept"]), None)
        found = [] if latest is None else await self._reader.details([latest], caller)
        if not found:
            raise _no_test("Send one to the webhook's test URL; it is here within a second.")
        return found[0]


def _no_test(detail: str) -> Problem:
    return Problem(404, "No test payload yet", detail, type="urn:carewire:problem:no_test_payload")


def _data_points(definition: CatalogueDefinition | None) -> tuple[DataPointDefinition, ...]:
    return () if definition is None or definition.live is None else definition.live.data_points


def _suggested(payload: object, points: tuple[DataPointDefinition, ...], hidden: tuple[str, ...]) -> Suggestions:
    """Suggestions of a payload. A code tells a value, so paths by codes that nobody is shown are left out."""
    found = suggest(payload, points)
    if not hidden:
        return found
    visible = redacted(payload, [JsonQuery(path) for path in hidden])
    shown = {one.path: one.by_label for one in suggest(visible, points).found}
    return found.without_labels_but(shown)


def _paths(found: Suggestions, keys: Mapping[str, str]) -> list[SuggestedPath]:
    return [
        SuggestedPath(
            path=one.path,
            by_label=one.by_label,
            kind=one.kind,
            fits=[FittingDataPoint(id=point, key=keys[point]) for point in one.fits],
        )
        for one in found.found
    ]


def _shown(judged: DryRun, keys: Mapping[str, str]) -> DryRunVerdict:
    verdict = judged.verdict
    more: dict[str, Any] = {}
    if isinstance(verdict, Accepted):
        named = [FoundIdentifier(system=one.system, value=one.value) for one in verdict.identifiers]
        more = {"identifiers": named, "profile": dict(verdict.profile)}
    return DryRunVerdict(
        verdict=_word(judged),
        reasons=[reason.as_dict() for reason in verdict.reasons],
        filter=None if verdict.explanation is None else [dict(condition) for condition in verdict.explanation],
        data_points=[
            MappedValue(
                data_point_definition_id=point.data_point_definition_id,
                key=keys.get(point.data_point_definition_id),
                value_type=point.value_type,
                value=point.value,
            )
            for point in verdict.data_points
        ],
        start_key_source=judged.start_key_source,
        **more,
    )


def _word(judged: DryRun) -> Literal["accepted", "filtered", "rejected"]:
    if isinstance(judged.verdict, Accepted):
        return "accepted"
    return "filtered" if isinstance(judged.verdict, Filtered) else "rejected"
