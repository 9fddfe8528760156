"""What most care flows never have, as parts of their document: timers, a pause, the text of a message, and so on.

A field stands in a document only where it says something else than its absence.
"""

from collections.abc import Mapping
from typing import Any

from carewire_contracts.timestamps import format_timestamp, parse_timestamp
from carewire_orchestrator.domain.care_flow import Activity, CareFlow, Letter, PendingTimer, Reason, TimerPurpose


def write_rare_state(care_flow: CareFlow) -> dict[str, Any]:
    """The fields of a care flow that say something."""
    says_something = care_flow.pause_reason or care_flow.timers or care_flow.timers_set or care_flow.system_dates
    if care_flow.time_zone == "UTC" and not says_something:
        return {}
    fields = {
        "time_zone": None if care_flow.time_zone == "UTC" else care_flow.time_zone,
        "pause_reason": care_flow.pause_reason,
        "timers": [_write_timer(timer) for timer in care_flow.timers.values()],
        "timers_set": care_flow.timers_set,
        "system_dates": {name: format_timestamp(moment) for name, moment in care_flow.system_dates.items()},
    }
    return _present(fields)


def read_rare_state(data: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a `CareFlow` for what `write_rare_state` wrote."""
    timers = [_read_timer(timer) for timer in data.get("timers", ())]
    dates = data.get("system_dates", {})
    return {
        "time_zone": data.get("time_zone", "UTC"),
        "pause_reason": data.get("pause_reason"),
        "timers": {timer.id: timer for timer in timers},
        "timers_set": data.get("timers_set", 0),
        "system_dates": {name: parse_timestamp(moment) for name, moment in dates.items()},
    }


def write_rare_activity(activity: Activity) -> dict[str, Any]:
    """The fields of an activity that say something."""
    letter = activity.letter
    if activity.due_at is None and activity.reason is None and letter is None and activity.assigned_to is None:
        return {}
    fields = {
        "due_at": None if activity.due_at is None else format_timestamp(activity.due_at),
        "reason": activity.reason,
        "letter": None if letter is None else [letter.subject, letter.body],
    }
    # Given to nobody in particular is something else than not given to others.
    given = {} if activity.assigned_to is None else {"assigned_to": activity.assigned_to}
    return _present(fields) | given


def read_rare_activity(data: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of an `Activity` for what `write_rare_activity` wrote."""
    due_at, reason, letter = data.get("due_at"), data.get("reason"), data.get("letter")
    assigned_to = data.get("assigned_to")
    return {
        "due_at": None if due_at is None else parse_timestamp(due_at),
        "reason": None if reason is None else Reason(reason),
        "letter": None if letter is None else Letter(*letter),
        "assigned_to": None if assigned_to is None else tuple(assigned_to),
    }


def _present(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value}


def _write_timer(timer: PendingTimer) -> dict[str, Any]:
    fields = {
        "due_at": None if timer.due_at is None else format_timestamp(timer.due_at),
        "track_id": timer.track_id,
        "activity_id": timer.activity_id,
        "count": timer.count,
    }
    return {
        "id": timer.id,
        "purpose": timer.purpose,
        "node_id": timer.node_id,
        "set_at": format_timestamp(timer.set_at),
        **_present(fields),
    }


def _read_timer(data: Mapping[str, Any]) -> PendingTimer:
    due_at = data.get("due_at")
    return PendingTimer(
        id=data["id"],
        purpose=TimerPurpose(data["purpose"]),
        node_id=data["node_id"],
        set_at=parse_timestamp(data["set_at"]),
        due_at=None if due_at is None else parse_timestamp(due_at),
        track_id=data.get("track_id"),
        activity_id=data.get("activity_id"),
        count=data.get("count", 0),
    )
