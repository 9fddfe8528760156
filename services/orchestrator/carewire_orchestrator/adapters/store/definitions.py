"""Care-flow definitions: drafts that change, and releases that don't."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from carewire_contracts.catalogue import CatalogueDefinition, CatalogueRelease
from carewire_contracts.definition import CareFlowDefinition
from carewire_contracts.wire import decode, encode
from carewire_orchestrator.adapters.outbox_records import Publishing
from carewire_orchestrator.adapters.store.queries import QUERIES
from carewire_orchestrator.domain.validate import validate
from carewire_orchestrator.errors import NotFound, NotPublishable
from carewire_runtime.clock import Clock
from carewire_runtime.ids import new_id
from carewire_runtime.postgres import outbox
from carewire_runtime.postgres.pool import Database
from carewire_runtime.postgres.relay import Relay
from carewire_runtime.telemetry.tracing import span


@dataclass(frozen=True, slots=True)
class LiveRelease:
    """The release that new care flows get."""

    release_id: str
    version: int
    published_at: datetime


@dataclass(frozen=True, slots=True)
class DefinitionSummary:
    """A definition without its document."""

    id: str
    title: str
    updated_at: datetime
    live: LiveRelease | None


class Definitions:
    """The tenant's definitions."""

    def __init__(self, db: Database, publishing: Publishing, relay: Relay, clock: Clock) -> None:
        self._db = db
        self._publishing = publishing
        self._relay = relay
        self._clock = clock

    async def put_draft(self, draft: CareFlowDefinition) -> None:
        """Save a draft. It may be incomplete: problems prevent publishing, not saving."""
        async with self._db.connection() as connection:
            document = encode(draft).decode()
            await connection.execute(QUERIES.put_draft, draft.id, draft.title, document, self._clock.now())

    async def find(self, definition_id: str) -> tuple[DefinitionSummary, CareFlowDefinition]:
        """A definition and its draft. Raises NotFound."""
        async with self._db.connection() as connection:
            row = await connection.fetchrow(QUERIES.definition, definition_id)
        if row is None:
            raise NotFound("there is no such definition")
        return _summary(row), decode(CareFlowDefinition, row["draft"].encode())

    async def page(self, after: str | None, limit: int) -> list[DefinitionSummary]:
        """A page of definitions, by id."""
        async with self._db.connection() as connection:
            return [_summary(row) for row in await connection.fetch(QUERIES.definitions, after, limit)]

    async def publish(self, definition_id: str, traceparent: str | None) -> LiveRelease:
        """Make an immutable release of the draft, make it live, and tell ingress.

        Raises NotFound, NotPublishable, or a DatabaseError.
        """
        now = self._clock.now()
        with span("orchestrator.publish_definition", parent=traceparent) as current:
            async with self._db.transaction() as connection:
                row = await connection.fetchrow(QUERIES.lock_definition, definition_id)
                if row is None:
                    raise NotFound("there is no such definition")
                draft = decode(CareFlowDefinition, row["draft"].encode())
                problems = validate(draft)
                if any(problem.severity == "ERROR" for problem in problems):
                    raise NotPublishable(problems)
                release_id, catalogue_version = new_id(), row["catalogue_version"] + 1
                version = await connection.fetchval(QUERIES.add_release, release_id, definition_id, row["draft"], now)
                await connection.execute(QUERIES.set_live, definition_id, release_id, catalogue_version)
                live = LiveRelease(release_id, version, now)
                entry = _catalogue_entry(draft, live, catalogue_version)
                await outbox.add(connection, [self._publishing.catalogue(entry, now, current.traceparent)])
        self._relay.wake()
        return live

    async def live(self, definition_id: str) -> tuple[LiveRelease, CareFlowDefinition]:
        """The live release with its document. Raises NotFound."""
        async with self._db.connection() as connection:
            release_id = await connection.fetchval(QUERIES.live_release_id, definition_id)
            row = None if release_id is None else await connection.fetchrow(QUERIES.release, release_id)
        if row is None:
            raise NotFound("the definition has no live release; publish it")
        live = LiveRelease(row["release_id"], row["version"], row["published_at"])
        return live, decode(CareFlowDefinition, row["document"].encode())


def _summary(row: Mapping[str, Any]) -> DefinitionSummary:
    release_id = row["live_release_id"]
    live = None if release_id is None else LiveRelease(release_id, row["version"], row["published_at"])
    return DefinitionSummary(row["id"], row["title"], row["updated_at"], live)


def _catalogue_entry(definition: CareFlowDefinition, live: LiveRelease, catalogue_version: int) -> CatalogueDefinition:
    return CatalogueDefinition(
        definition_id=definition.id,
        title=definition.title,
        catalogue_version=catalogue_version,
        live=CatalogueRelease(
            release_id=live.release_id,
            version=live.version,
            published_at=live.published_at,
            data_points=definition.data_points,
        ),
    )
