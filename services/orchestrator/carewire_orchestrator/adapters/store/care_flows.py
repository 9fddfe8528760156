"""Care flows, their activities and their data points as rows."""

from collections.abc import Iterable, Sequence

import orjson

from carewire_orchestrator.adapters.store.queries import QUERIES
from carewire_orchestrator.domain.advance import Advanced
from carewire_orchestrator.domain.care_flow import CareFlow
from carewire_orchestrator.domain.care_flow_document import read_care_flow, write_care_flow
from carewire_orchestrator.domain.effects import ActivityMoved, DataPointCollected
from carewire_orchestrator.domain.starting import StartedCareFlow
from carewire_runtime.postgres.pool import Connection


async def add_care_flows(connection: Connection, started: Sequence[StartedCareFlow]) -> None:
    """Insert care flows that have just been started."""
    rows = [
        (
            one.care_flow.id,
            one.care_flow.patient_id,
            one.release.definition.id,
            one.care_flow.release_id,
            one.care_flow.status.value,
            write_care_flow(one.care_flow),
            one.care_flow.started_at,
            one.care_flow.ended_at,
        )
        for one in started
    ]
    await _execute_many(connection, QUERIES.add_care_flows, rows)
    await _write_effects(connection, [one.advanced for one in started])


async def lock_care_flow(connection: Connection, care_flow_id: str) -> CareFlow | None:
    """Read a care flow that nobody else changes until the transaction ends; None where there is none."""
    document = await connection.fetchval(QUERIES.lock_care_flow, care_flow_id)
    return None if document is None else read_care_flow(document)


async def find_care_flow(connection: Connection, care_flow_id: str) -> CareFlow | None:
    """Read a care flow; None where there is none."""
    document = await connection.fetchval(QUERIES.care_flow, care_flow_id)
    return None if document is None else read_care_flow(document)


async def save_care_flow(connection: Connection, advanced: Advanced) -> None:
    """Write a locked care flow after an event."""
    care_flow = advanced.care_flow
    document = write_care_flow(care_flow)
    await connection.execute(QUERIES.save_care_flow, care_flow.id, care_flow.status.value, document, care_flow.ended_at)
    await _write_effects(connection, [advanced])


async def _write_effects(connection: Connection, all_advanced: Iterable[Advanced]) -> None:
    activities: dict[str, tuple[object, ...]] = {}
    values: list[tuple[object, ...]] = []
    for advanced in all_advanced:
        care_flow_id = advanced.care_flow.id
        for effect in advanced.effects:
            if isinstance(effect, ActivityMoved):
                # The last word on each: one statement cannot touch a row twice.
                told = effect.activity
                activities[told.id] = (
                    told.id,
                    care_flow_id,
                    told.kind,
                    told.status.value,
                    told.created_at,
                    told.ended_at,
                )
            elif isinstance(effect, DataPointCollected):
                given = effect.value.given
                text = orjson.dumps(given.value).decode()
                values.append(
                    (
                        effect.value.id,
                        care_flow_id,
                        given.definition_id,
                        given.value_type.value,
                        text,
                        effect.value.collected_at,
                    )
                )
    await _execute_many(connection, QUERIES.put_activities, list(activities.values()))
    await _execute_many(connection, QUERIES.add_data_points, values)


async def _execute_many(connection: Connection, query: str, rows: Sequence[Sequence[object]]) -> None:
    """Run a query that unnests its columns: one statement, however many rows."""
    if rows:
        await connection.execute(query, *(list(column) for column in zip(*rows, strict=True)))
