"""A care flow as one JSON document, and back without loss."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from carewire_contracts.timestamps import parse_timestamp
from carewire_contracts.values import ValueType
from carewire_orchestrator.domain.care_flow import (
    Activity,
    ActivityStatus,
    CareFlow,
    CareFlowStatus,
    CollectedValue,
    StepStatus,
    TrackStatus,
)
from carewire_orchestrator.domain.given_values import GivenValue
from carewire_orchestrator.domain.moments import write_moment


def write_care_flow(care_flow: CareFlow) -> str:
    """Write a care flow; `read_care_flow` reads an equal one."""
    return orjson.dumps(
        {
            "id": care_flow.id,
            "release_id": care_flow.release_id,
            "patient_id": care_flow.patient_id,
            "status": care_flow.status,
            "started_at": _write_time(care_flow.started_at),
            "ended_at": _write_time(care_flow.ended_at),
            "stop_reason": care_flow.stop_reason,
            # Pairs, for their order is the order in which things are stopped.
            "tracks": list(care_flow.tracks.items()),
            "steps": list(care_flow.steps.items()),
            "activities": [_write_activity(activity) for activity in care_flow.activities.values()],
            "data_points": [_write_value(value) for value in care_flow.data_points.values()],
            "sequence": care_flow.sequence,
        }
    ).decode()


def read_care_flow(document: str) -> CareFlow:
    """Read what `write_care_flow` wrote. Raises KeyError or ValueError for anything else."""
    data = orjson.loads(document)
    activities = [_read_activity(activity) for activity in data["activities"]]
    values = [_read_value(value) for value in data["data_points"]]
    return CareFlow(
        id=data["id"],
        release_id=data["release_id"],
        patient_id=data["patient_id"],
        status=CareFlowStatus(data["status"]),
        started_at=_read_time(data["started_at"]),
        ended_at=_read_time(data["ended_at"]),
        stop_reason=data["stop_reason"],
        tracks={track_id: TrackStatus(status) for track_id, status in data["tracks"]},
        steps={step_id: StepStatus(status) for step_id, status in data["steps"]},
        activities={activity.id: activity for activity in activities},
        data_points={value.given.definition_id: value for value in values},
        sequence=data["sequence"],
    )


def _write_activity(activity: Activity) -> dict[str, Any]:
    return {
        "id": activity.id,
        "kind": activity.kind,
        "track_id": activity.track_id,
        "step_id": activity.step_id,
        "action_id": activity.action_id,
        "status": activity.status,
        "created_at": _write_time(activity.created_at),
        "ended_at": _write_time(activity.ended_at),
    }


def _read_activity(data: Mapping[str, Any]) -> Activity:
    return Activity(
        id=data["id"],
        kind=data["kind"],
        track_id=data["track_id"],
        step_id=data["step_id"],
        action_id=data["action_id"],
        status=ActivityStatus(data["status"]),
        created_at=parse_timestamp(data["created_at"]),
        ended_at=_read_time(data["ended_at"]),
    )


def _write_value(value: CollectedValue) -> dict[str, Any]:
    return {
        "id": value.id,
        "definition_id": value.given.definition_id,
        "value_type": value.given.value_type,
        "value": value.given.value,
        "collected_at": _write_time(value.collected_at),
    }


def _read_value(data: Mapping[str, Any]) -> CollectedValue:
    given = GivenValue(data["definition_id"], ValueType(data["value_type"]), data["value"])
    return CollectedValue(data["id"], given, parse_timestamp(data["collected_at"]))


def _write_time(moment: datetime | None) -> str | None:
    return None if moment is None else write_moment(moment)


def _read_time(text: str | None) -> datetime | None:
    return None if text is None else parse_timestamp(text)
