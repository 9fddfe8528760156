"""Care flows, their activities and their data points as rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import orjson

from carewire_orchestrator.adapters.store.api_calls import write_api_calls
from carewire_orchestrator.adapters.store.identities import Identities
from carewire_orchestrator.adapters.store.queries import QUERIES
from carewire_orchestrator.adapters.store.timeline import Cause, Entry, write_events
from carewire_orchestrator.adapters.store.timers import keep_timers
from carewire_orchestrator.domain.advance import Advanced
from carewire_orchestrator.domain.assignees import assignees
from carewire_orchestrator.domain.care_flow import Activity, CareFlow
from carewire_orchestrator.domain.care_flow_document import read_care_flow, write_care_flow
from carewire_orchestrator.domain.effects import ActivityMoved, DataPointCollected
from carewire_orchestrator.domain.release import Release
from carewire_orchestrator.domain.starting import StartedCareFlow
from carewire_orchestrator.domain.timeline import STARTED, told
from carewire_runtime.postgres.outbox import OutboxRow, columns_of
from carewire_runtime.postgres.pool import Connection

PATIENT: Final = "patient"
"""Stands among the stakeholders of an activity that is the patient's, whatever the definition calls them."""

_Row = tuple[object, ...]


async def add_care_flows(
    connection: Connection,
    started: Sequence[StartedCareFlow],
    causes: Sequence[Cause],
    told_rows: Sequence[OutboxRow],
    identities: Identities,
    now: datetime,
) -> None:
    """Insert care flows that have just been started, and the patients and identifiers that came with them.

    `causes` tell of each why it was started, `told_rows` are what is told of them.
    """
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
    activities, values = _effect_rows((one.release, one.advanced) for one in started)
    changes = [
        (one.care_flow.id, cause.kind, cause.id, cause.name, write_events(tuple(map(told, one.advanced.effects))))
        for one, cause in zip(started, causes, strict=True)
    ]
    new_patients = [(one.patient_id, identities.seal_profile(one)) for one in started if one.is_new_patient]
    await connection.execute(
        QUERIES.add_care_flows,
        *_columns(rows, 8),
        *_columns(activities, 7),
        *_columns(values, 6),
        *_columns(new_patients, 2),
        *_columns(identities.new_rows(started), 4),
        identities.fingerprint_key_id,
        now,
        *_columns(changes, 5),
        STARTED,
        *columns_of(told_rows),
    )
    await write_api_calls(connection, [one.advanced for one in started], now)
    await keep_timers(connection, [one.advanced for one in started])


async def lock_care_flow(connection: Connection, care_flow_id: str) -> CareFlow | None:
    """Read a care flow that nobody else changes until the transaction ends; None where there is none."""
    document = await connection.fetchval(QUERIES.lock_care_flow, care_flow_id)
    return None if document is None else read_care_flow(document)


@dataclass(frozen=True, slots=True)
class TakenCareFlow:
    """A locked care flow with the identifiers of its patient, sealed, and whether any of its sessions is active."""

    care_flow: CareFlow
    sealed_identifiers: tuple[tuple[str, str], ...]
    has_sessions: bool


async def take_care_flow(connection: Connection, care_flow_id: str) -> TakenCareFlow | None:
    """Lock a care flow and read what its change needs, in one round trip; None where there is none."""
    row = await connection.fetchrow(QUERIES.take_care_flow, care_flow_id)
    if row is None:
        return None
    sealed = zip(row["systems"] or (), row["sealed_values"] or (), strict=True)
    return TakenCareFlow(read_care_flow(row["state"]), tuple(sealed), row["has_sessions"])


async def find_care_flow(connection: Connection, care_flow_id: str) -> CareFlow | None:
    """Read a care flow; None where there is none."""
    document = await connection.fetchval(QUERIES.care_flow, care_flow_id)
    return None if document is None else read_care_flow(document)


async def save_care_flows(
    connection: Connection, changed: Sequence[tuple[Release, Advanced]], entries: Sequence[Entry], now: datetime
) -> None:
    """Write locked care flows after events, their timelines, and what is asked of others.

    Of several changes of one care flow the last one's state is kept.
    """
    last = {advanced.care_flow.id: advanced.care_flow for _, advanced in changed}.values()
    states = [(one.id, one.status.value, write_care_flow(one), one.ended_at) for one in last]
    activities, values = _effect_rows(changed)
    # One by one, in one round trip: each is found by its key whatever Postgres knows of the table's size.
    await connection.executemany(QUERIES.save_care_flow, states)
    await connection.execute(
        QUERIES.save_changes,
        *_columns(activities, 7),
        *_columns(values, 6),
        *_columns([entry.row() for entry in entries], 8),
    )
    all_advanced = [advanced for _, advanced in changed]
    await write_api_calls(connection, all_advanced, now)
    await keep_timers(connection, all_advanced)


async def delete_care_flow(connection: Connection, care_flow_id: str) -> None:
    """Delete a locked care flow with its activities, values, timeline and sessions. Its start key stays used."""
    await connection.execute(QUERIES.delete_care_flow, care_flow_id)


def _effect_rows(all_advanced: Iterable[tuple[Release, Advanced]]) -> tuple[list[_Row], list[_Row]]:
    """Rows of activities and of collected values."""
    activities: dict[str, _Row] = {}
    values: list[_Row] = []
    for release, advanced in all_advanced:
        care_flow_id = advanced.care_flow.id
        for effect in advanced.effects:
            if isinstance(effect, ActivityMoved):
                # The last word on each: one statement cannot touch a row twice.
                activity = effect.activity
                activities[activity.id] = (
                    activity.id,
                    care_flow_id,
                    activity.kind,
                    activity.status.value,
                    activity.created_at,
                    activity.ended_at,
                    _whose(release, advanced.care_flow.patient_id, activity),
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


def _whose(release: Release, patient_id: str, activity: Activity) -> str | None:
    """Ids of stakeholders, which hold no blanks; None where the system acts."""
    named = assignees(release, patient_id, activity)
    if not named:
        return None
    given = activity.assigned_to
    ids = release.actions[activity.action_id].stakeholder_definition_ids if given is None else given
    return " ".join((*ids, PATIENT) if any(one.type == "patient" for one in named) else ids)


def _columns(rows: Sequence[_Row], width: int) -> list[list[object]]:
    """Rows as one array a column, as `unnest` takes them: one statement, however many rows."""
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(width)]
