"""What people look at: care flows, activities. Patients stand in `patient_reading`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from carewire_orchestrator.adapters.store.care_flows import find_care_flow
from carewire_orchestrator.adapters.store.queries import QUERIES
from carewire_orchestrator.adapters.store.releases import Releases
from carewire_orchestrator.domain.care_flow import CareFlow
from carewire_orchestrator.domain.release import Release
from carewire_orchestrator.errors import NotFound
from carewire_runtime.phi import Phi
from carewire_runtime.postgres.pool import Database


@dataclass(frozen=True, slots=True)
class CareFlowSummary:
    """A care flow without its tracks and activities."""

    id: str
    patient_id: str
    definition_id: str
    release_id: str
    status: str
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class CollectedDataPoint:
    """One value that a data point got."""

    id: str
    definition_id: str
    value_type: str
    value: Phi[Any]
    collected_at: datetime


class Reading:
    """Looks things up. Every method raises NotFound or a DatabaseError."""

    def __init__(self, db: Database, releases: Releases) -> None:
        self._db = db
        self._releases = releases

    async def care_flow(self, care_flow_id: str) -> tuple[Release, CareFlow]:
        """A care flow and the release that it runs."""
        async with self._db.connection() as connection:
            care_flow = await find_care_flow(connection, care_flow_id)
            if care_flow is None:
                raise NotFound("there is no such care flow")
            releases = await self._releases.load(connection, [care_flow.release_id])
        return releases[care_flow.release_id], care_flow

    async def care_flow_of_activity(self, activity_id: str) -> tuple[Release, CareFlow]:
        """The care flow that an activity belongs to."""
        async with self._db.connection() as connection:
            care_flow_id = await connection.fetchval(QUERIES.care_flow_of_activity, activity_id)
        if care_flow_id is None:
            raise NotFound("there is no such activity")
        return await self.care_flow(care_flow_id)

    async def care_flows(self, patient_id: str | None, before: str | None, limit: int) -> list[CareFlowSummary]:
        """A page of care flows, newest first: a patient's, or all."""
        async with self._db.connection() as connection:
            if patient_id is None:
                rows = await connection.fetch(QUERIES.care_flows, before, limit)
            else:
                rows = await connection.fetch(QUERIES.care_flows_of_patient, patient_id, before, limit)
        return [CareFlowSummary(**row) for row in rows]

    async def data_points(self, care_flow_id: str, *, latest: bool) -> list[CollectedDataPoint]:
        """Every value that a care flow collected, oldest first, or only the latest of each data point."""
        query = QUERIES.latest_data_points if latest else QUERIES.data_points
        async with self._db.connection() as connection:
            rows = await connection.fetch(query, care_flow_id)
        return [_data_point(row) for row in rows]


def _data_point(row: Mapping[str, Any]) -> CollectedDataPoint:
    return CollectedDataPoint(
        row["id"], row["definition_id"], row["value_type"], Phi(orjson.loads(row["value"])), row["collected_at"]
    )
