"""Releases, read once: they never change."""

from collections.abc import Iterable
from typing import Final

from carewire_contracts.definition import CareFlowDefinition
from carewire_contracts.wire import decode
from carewire_orchestrator.adapters.store.queries import QUERIES
from carewire_orchestrator.domain.release import Release
from carewire_runtime.postgres.pool import Connection

_MOST_KEPT: Final = 500
"""Releases in memory. A laid-out one takes some 100 KiB, so this is at most about 50 MiB."""


class Releases:
    """Releases by id, kept in memory; the longest-kept go first."""

    def __init__(self) -> None:
        self._kept: dict[str, Release] = {}

    async def load(self, connection: Connection, release_ids: Iterable[str]) -> dict[str, Release]:
        """Answer those that exist."""
        wanted = set(release_ids)
        found = {release_id: self._kept[release_id] for release_id in wanted if release_id in self._kept}
        if len(found) < len(wanted):
            for row in await connection.fetch(QUERIES.releases, sorted(wanted - found.keys())):
                definition = decode(CareFlowDefinition, row["document"].encode())
                found[row["release_id"]] = Release.of(row["release_id"], row["version"], definition)
            self._keep(found)
        return found

    def _keep(self, releases: dict[str, Release]) -> None:
        self._kept |= releases
        while len(self._kept) > _MOST_KEPT:
            del self._kept[next(iter(self._kept))]
