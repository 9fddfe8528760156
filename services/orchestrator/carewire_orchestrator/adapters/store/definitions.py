"""Care-flow definitions as they are changed: drafts are saved and discarded, releases made and made live.

Each change is saved together with what ingress is to hear of it, and with the audit record that tells who made it,
in one transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from carewire_contracts.catalogue import CatalogueDefinition, CatalogueRelease
from carewire_contracts.definition import CareFlowDefinition
from carewire_contracts.wire import decode, encode
from carewire_orchestrator.adapters.outbox_records import Publishing
from carewire_orchestrator.adapters.store.constants import constants_set
from carewire_orchestrator.adapters.store.queries import QUERIES
from carewire_orchestrator.domain.baseline import baseline_points
from carewire_orchestrator.domain.definition_draft import DraftDefinition
from carewire_orchestrator.domain.definition_problems import DefinitionProblem
from carewire_orchestrator.domain.definition_revision import Precondition, entity_tag
from carewire_orchestrator.domain.validate import validate
from carewire_orchestrator.domain.validate_concealed import unset_problems
from carewire_orchestrator.errors import ChangedMeanwhile, NotFound, NotPublishable
from carewire_runtime.audit import Audit, Deed
from carewire_runtime.auth import Principal
from carewire_runtime.clock import Clock
from carewire_runtime.ids import new_id
from carewire_runtime.postgres import outbox
from carewire_runtime.postgres.pool import Connection, Database
from carewire_runtime.postgres.relay import Relay
from carewire_runtime.telemetry.tracing import current_traceparent

SUBJECT: Final = "definition"
SAVE_DRAFT: Final = "definition.save_draft"
DISCARD_DRAFT: Final = "definition.discard_draft"
PUBLISH: Final = "definition.publish"
MAKE_LIVE: Final = "definition.make_live"


@dataclass(frozen=True, slots=True)
class ReleaseName:
    """A release without its document."""

    release_id: str
    version: int
    published_at: datetime


@dataclass(frozen=True, slots=True)
class SavedDraft:
    """What a draft is known by once it is saved."""

    revision: int
    etag: str


class Definitions:
    """Changes of the tenant's definitions."""

    def __init__(self, db: Database, publishing: Publishing, relay: Relay, audit: Audit, clock: Clock) -> None:
        self._db = db
        self._publishing = publishing
        self._relay = relay
        self._audit = audit
        self._clock = clock

    async def put_draft(self, draft: DraftDefinition, given: Precondition, by: Principal) -> SavedDraft:
        """Save a draft. It may be incomplete: problems prevent publishing, not saving. Raises ChangedMeanwhile."""
        document, now = encode(draft).decode(), self._clock.now()
        async with self._db.transaction() as connection:
            await connection.execute(QUERIES.claim_definition, draft.id, now)
            _raise_unless(given, await connection.fetchrow(QUERIES.lock_definition, draft.id))
            revision = await connection.fetchval(QUERIES.put_draft, draft.id, draft.title, document, now)
            await self._audit.add(connection, by, [Deed(SAVE_DRAFT, SUBJECT, draft.id)])
        return SavedDraft(revision, entity_tag(revision, document))

    async def discard_draft(self, definition_id: str, given: Precondition, by: Principal) -> None:
        """Take a draft away; without any release, the definition as well. Raises NotFound or ChangedMeanwhile."""
        async with self._db.transaction() as connection:
            row = await _lock(connection, definition_id)
            _raise_unless(given, row)
            if row["draft"] is None:
                raise NotFound("the definition has no draft")
            if row["live_release_id"] is None:
                await connection.execute(QUERIES.delete_definition, definition_id)
            else:
                live = await connection.fetchrow(QUERIES.release, row["live_release_id"])
                title = _read(live).title
                await connection.execute(QUERIES.discard_draft, definition_id, title, self._clock.now())
            await self._audit.add(connection, by, [Deed(DISCARD_DRAFT, SUBJECT, definition_id)])

    async def publish(
        self, definition_id: str, given: Precondition, by: Principal
    ) -> tuple[ReleaseName, list[DefinitionProblem]]:
        """Make an immutable release of the draft, make it live, and tell ingress; answers what to look at as well.

        Raises NotFound, ChangedMeanwhile, NotPublishable, or a DatabaseError.
        """
        now = self._clock.now()
        async with self._db.transaction() as connection:
            row = await _lock(connection, definition_id)
            _raise_unless(given, row)
            if row["draft"] is None:
                raise NotFound("the definition has no draft; save one")
            draft = decode(DraftDefinition, row["draft"].encode())
            values_set = (await constants_set(connection, definition_id)).keys()
            problems = [*validate(draft), *unset_problems(draft, values_set)]
            if any(problem.severity == "ERROR" for problem in problems):
                raise NotPublishable(problems)
            release_id = new_id()
            version = await connection.fetchval(QUERIES.add_release, release_id, definition_id, row["draft"], now)
            published = ReleaseName(release_id, version, now)
            await self._make_live(connection, draft, published, row["catalogue_version"] + 1)
            await self._audit.add(connection, by, [Deed(PUBLISH, SUBJECT, definition_id)])
        self._relay.wake()
        return published, problems

    async def make_live(self, definition_id: str, release_id: str, by: Principal) -> ReleaseName:
        """Have new care flows get this release, and tell ingress. Raises NotFound or a DatabaseError.

        Care flows that run keep theirs. Nothing happens where it is the live one already.
        """
        async with self._db.transaction() as connection:
            row = await _lock(connection, definition_id)
            release = await connection.fetchrow(QUERIES.release, release_id)
            if release is None or release["definition_id"] != definition_id:
                raise NotFound("the definition has no such release")
            name = release_name(release)
            if row["live_release_id"] != release_id:
                await self._make_live(connection, _read(release), name, row["catalogue_version"] + 1)
                await self._audit.add(connection, by, [Deed(MAKE_LIVE, SUBJECT, definition_id)])
        self._relay.wake()
        return name

    async def _make_live(
        self, connection: Connection, definition: CareFlowDefinition, release: ReleaseName, catalogue_version: int
    ) -> None:
        await connection.execute(QUERIES.set_live, definition.id, release.release_id, catalogue_version)
        entry = CatalogueDefinition(
            definition_id=definition.id,
            title=definition.title,
            catalogue_version=catalogue_version,
            live=CatalogueRelease(
                release_id=release.release_id,
                version=release.version,
                published_at=release.published_at,
                data_points=baseline_points(definition.data_points),
            ),
        )
        told = self._publishing.catalogue(entry, self._clock.now(), current_traceparent())
        await outbox.add(connection, [told])


def release_name(row: Mapping[str, Any]) -> ReleaseName:
    """A release as a row tells it."""
    return ReleaseName(row["release_id"], row["version"], row["published_at"])


async def _lock(connection: Connection, definition_id: str) -> Any:
    row = await connection.fetchrow(QUERIES.lock_definition, definition_id)
    if row is None:
        raise NotFound("there is no such definition")
    return row


def _raise_unless(given: Precondition, row: Mapping[str, Any] | None) -> None:
    """Raise ChangedMeanwhile unless the locked row is as the caller thinks. None: somebody deleted it just now."""
    draft = None if row is None else row["draft"]
    current = None if row is None or draft is None else entity_tag(row["revision"], draft)
    if row is None or not given.holds(current):
        raise ChangedMeanwhile("the draft is not the one that was meant; get it again and repeat the change")


def _read(row: Mapping[str, Any]) -> CareFlowDefinition:
    return decode(CareFlowDefinition, row["document"].encode())
