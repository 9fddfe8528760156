"""Activities across care flows, for work lists."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from carewire_orchestrator.adapters.store.queries import QUERIES
from carewire_orchestrator.adapters.store.releases import Releases
from carewire_orchestrator.domain.care_flow import Activity, ActivityKind, ActivityStatus, CareFlow
from carewire_orchestrator.domain.care_flow_document import read_care_flow
from carewire_orchestrator.domain.given_values import ValueProblem
from carewire_orchestrator.domain.release import Release
from carewire_orchestrator.errors import InvalidValues
from carewire_runtime.postgres.conditions import Conditions
from carewire_runtime.postgres.pool import Connection, Database


@dataclass(frozen=True, slots=True)
class ActivityFilter:
    """Which activities are wanted; None wants all. All conditions hold together.

    `stakeholder` is the id of a stakeholder of the definition, or `patient`.
    """

    statuses: Sequence[ActivityStatus] | None = None
    kinds: Sequence[ActivityKind] | None = None
    care_flow_id: str | None = None
    patient_id: str | None = None
    stakeholder: str | None = None


@dataclass(frozen=True, slots=True)
class FoundActivity:
    """An activity with its care flow."""

    release: Release
    care_flow: CareFlow
    activity: Activity


class ActivityLists:
    """Looks activities up."""

    def __init__(self, db: Database, releases: Releases) -> None:
        self._db = db
        self._releases = releases

    async def page(self, wanted: ActivityFilter, after: str | None, limit: int) -> list[FoundActivity]:
        """Activities, those of the newest care flow first and the newest of each first, after that of an id.

        Raises InvalidValues where there is no activity of that id, or a DatabaseError.
        """
        # A document is read after its rows, so it knows of all of them.
        async with self._db.transaction() as connection:
            conditions = await _conditions(connection, wanted, after)
            where, most = conditions.where(), conditions.parameter(limit)
            query = (
                "SELECT a.id, a.care_flow_id FROM activity AS a JOIN care_flow AS c ON c.id = a.care_flow_id "  # noqa: S608 (ours)
                f"{where} ORDER BY a.care_flow_id DESC, a.created_at DESC, a.id DESC LIMIT {most}"
            )
            rows = await connection.fetch(query, *conditions.values)
            care_flows = await _care_flows(connection, {row["care_flow_id"] for row in rows})
            releases = await self._releases.load(connection, {one.release_id for one in care_flows.values()})
        # A care flow may have been deleted since its rows were read.
        known = [row for row in rows if row["care_flow_id"] in care_flows]
        return [_found(releases, care_flows[row["care_flow_id"]], row["id"]) for row in known]


def _found(releases: dict[str, Release], care_flow: CareFlow, activity_id: str) -> FoundActivity:
    return FoundActivity(releases[care_flow.release_id], care_flow, care_flow.activities[activity_id])


async def _conditions(connection: Connection, wanted: ActivityFilter, after: str | None) -> Conditions:
    conditions = Conditions()
    conditions.add("a.status = ANY ({}::text[])", _words(wanted.statuses))
    conditions.add("a.kind = ANY ({}::text[])", _words(wanted.kinds))
    conditions.add("a.care_flow_id = {}", wanted.care_flow_id)
    conditions.add("c.patient_id = surviving_patient({})", wanted.patient_id)
    conditions.add("{} = ANY (a.stakeholders)", wanted.stakeholder)
    if after is not None:
        if not await connection.fetchval(QUERIES.is_activity, after):
            message = "no page of this list ended so; give next_cursor as answered"
            raise InvalidValues([ValueProblem("cursor", message)])
        conditions.add(
            "(a.care_flow_id, a.created_at, a.id) < (SELECT care_flow_id, created_at, id FROM activity WHERE id = {})",
            after,
        )
    return conditions


def _words(values: Sequence[str] | None) -> list[str] | None:
    return None if values is None else [str(value) for value in values]


async def _care_flows(connection: Connection, ids: set[str]) -> dict[str, CareFlow]:
    rows: list[Any] = await connection.fetch(QUERIES.documents_of_care_flows, sorted(ids)) if ids else []
    return {row["id"]: read_care_flow(row["document"]) for row in rows}
