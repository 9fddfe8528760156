"""Care flows, their activities and their data points as rows."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import orjson

from carewire_orchestrator.adapters.store.identities import Identities
from carewire_orchestrator.adapters.store.queries import QUERIES
from carewire_orchestrator.adapters.store.timers import keep_timers
from carewire_orchestrator.domain.advance import Advanced
from carewire_orchestrator.domain.care_flow import CareFlow
from carewire_orchestrator.domain.care_flow_document import read_care_flow, write_care_flow
from carewire_orchestrator.domain.effects import ActivityMoved, DataPointCollected
from carewire_orchestrator.domain.starting import StartedCareFlow
from carewire_runtime.postgres.pool import Connection

_Row = tuple[object, ...]


async def add_care_flows(
    connection: Connection, started: Sequence[StartedCareFlow], identities: Identities, now: datetime
) -> None:
    """Insert care flows that have just been started, and the patients and identifiers that came with them."""
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
    activities, values = _effect_rows(one.advanced for one in started)
    new_patients = [(one.patient_id, identities.seal_profile(one)) for one in started if one.is_new_patient]
    await connection.execute(
        QUERIES.add_care_flows,
        *_columns(rows, 8),
        *_columns(activities, 6),
        *_columns(values, 6),
        *_columns(new_patients, 2),
        *_columns(identities.new_rows(started), 4),
        identities.fingerprint_key_id,
        now,
    )
    await keep_timers(connection, [one.advanced for one in started])


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
    activities, values = _effect_rows([advanced])
    if activities:
        await connection.execute(QUERIES.put_activities, *_columns(activities, 6))
    if values:
        await connection.execute(QUERIES.add_data_points, *_columns(values, 6))
    await keep_timers(connection, [advanced])


def _effect_rows(all_advanced: Iterable[Advanced]) -> tuple[list[_Row], list[_Row]]:
    """Rows of activities and of collected values."""
    activities: dict[str, _Row] = {}
    values: list[_Row] = []
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
    return list(activities.values()), values


def _columns(rows: Sequence[_Row], width: int) -> list[list[object]]:
    """Rows as one array a column, as `unnest` takes them: one statement, however many rows."""
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(width)]
