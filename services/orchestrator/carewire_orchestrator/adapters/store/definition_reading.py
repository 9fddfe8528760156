"""Care-flow definitions as they are looked at: lists, drafts, releases."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from carewire_contracts.definition import CareFlowDefinition
from carewire_contracts.wire import decode
from carewire_orchestrator.adapters.store.constants import constants_set
from carewire_orchestrator.adapters.store.definitions import ReleaseName, release_name
from carewire_orchestrator.adapters.store.queries import QUERIES
from carewire_orchestrator.domain.definition_draft import DraftDefinition
from carewire_orchestrator.domain.definition_problems import DefinitionProblem
from carewire_orchestrator.domain.definition_revision import entity_tag
from carewire_orchestrator.domain.validate import validate
from carewire_orchestrator.domain.validate_concealed import unset_problems
from carewire_orchestrator.errors import NotFound
from carewire_runtime.postgres.pool import Database

DRAFT: Final = "draft"
LIVE: Final = "live"


@dataclass(frozen=True, slots=True)
class DefinitionSummary:
    """A definition without its documents. `revision` is that of its draft; None: it has no draft."""

    id: str
    title: str
    updated_at: datetime
    revision: int | None
    live: ReleaseName | None


@dataclass(frozen=True, slots=True)
class StoredDraft:
    """A draft and the tag of its state."""

    document: DraftDefinition
    etag: str


class DefinitionReading:
    """Looks at the tenant's definitions."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def find(self, definition_id: str) -> tuple[DefinitionSummary, StoredDraft | None]:
        """A definition and its draft. Raises NotFound."""
        async with self._db.connection() as connection:
            row = await connection.fetchrow(QUERIES.definition, definition_id)
        if row is None:
            raise NotFound("there is no such definition")
        text = row["draft"]
        if text is None:
            return _summary(row, has_draft=False), None
        draft = StoredDraft(decode(DraftDefinition, text.encode()), entity_tag(row["revision"], text))
        return _summary(row, has_draft=True), draft

    async def page(self, after: str | None, limit: int) -> list[DefinitionSummary]:
        """A page of definitions, by id."""
        async with self._db.connection() as connection:
            rows = await connection.fetch(QUERIES.definitions, after, limit)
        return [_summary(row, has_draft=row["has_draft"]) for row in rows]

    async def releases(self, definition_id: str, before: int | None, limit: int) -> list[ReleaseName]:
        """A page of releases, newest first, older than a version. Raises NotFound."""
        async with self._db.connection() as connection:
            if await connection.fetchrow(QUERIES.definition, definition_id) is None:
                raise NotFound("there is no such definition")
            rows = await connection.fetch(QUERIES.releases_of_definition, definition_id, before, limit)
        return [release_name(row) for row in rows]

    async def release(self, definition_id: str, release_id: str) -> tuple[ReleaseName, CareFlowDefinition]:
        """A release with its document; the word `live` stands for the live one. Raises NotFound."""
        async with self._db.connection() as connection:
            is_live = release_id == LIVE
            wanted = await connection.fetchval(QUERIES.live_release_id, definition_id) if is_live else release_id
            row = None if wanted is None else await connection.fetchrow(QUERIES.release, wanted)
        if wanted is None:
            raise NotFound("the definition has no live release; publish it")
        if row is None or row["definition_id"] != definition_id:
            raise NotFound("the definition has no such release")
        return release_name(row), decode(CareFlowDefinition, row["document"].encode())

    async def problems(self, draft: DraftDefinition) -> list[DefinitionProblem]:
        """All that is wrong with a draft, saved or not, in this deployment."""
        async with self._db.connection() as connection:
            values_set = (await constants_set(connection, draft.id)).keys()
        return [*validate(draft), *unset_problems(draft, values_set)]

    async def document(self, definition_id: str, which: str) -> CareFlowDefinition:
        """What a release says, or the live one, or the draft, by these words. Raises NotFound."""
        if which != DRAFT:
            return (await self.release(definition_id, which))[1]
        _, draft = await self.find(definition_id)
        if draft is None:
            raise NotFound("the definition has no draft")
        return draft.document


def _summary(row: Mapping[str, Any], *, has_draft: bool) -> DefinitionSummary:
    release_id = row["live_release_id"]
    live = None if release_id is None else ReleaseName(release_id, row["version"], row["published_at"])
    revision = row["revision"] if has_draft else None
    return DefinitionSummary(row["id"], row["title"], row["updated_at"], revision, live)
