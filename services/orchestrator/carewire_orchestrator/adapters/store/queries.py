"""The queries of `sql/*.sql`."""

from typing import Final

from carewire_runtime.postgres.queries import Queries, load_queries

QUERIES: Final[Queries] = load_queries("carewire_orchestrator")
