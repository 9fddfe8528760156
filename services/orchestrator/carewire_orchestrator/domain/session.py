"""Sessions: the time in which one stakeholder does what is theirs to do in one care flow.

A session is completed when nothing of theirs is left. Each activity of theirs that is completed gives it time anew;
without any it expires.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from carewire_contracts.record import record
from carewire_orchestrator.domain.advance import Advanced
from carewire_orchestrator.domain.assignees import assignees
from carewire_orchestrator.domain.care_flow import Activity, CareFlow
from carewire_orchestrator.domain.effects import ActivityMoved
from carewire_orchestrator.domain.release import Release


class SessionStatus(StrEnum):
    """`completed` and `expired` are final."""

    ACTIVE = "active"
    COMPLETED = "completed"
    EXPIRED = "expired"


@record()
class Whose:
    """Whose session it is: the patient, or a stakeholder of the care team by the id of its definition."""

    type: Literal["patient", "stakeholder"]
    id: str


@record()
class Session:
    """A session as it stands; `expires_at` is when it expires, or would have expired."""

    id: str
    care_flow_id: str
    whose: Whose
    status: SessionStatus
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None
    success_url: str | None = None
    cancel_url: str | None = None

    def is_usable(self, now: datetime) -> bool:
        """Whether it may be used at this moment, also where nobody has written yet that it has expired."""
        return self.status is SessionStatus.ACTIVE and self.expires_at > now

    def ended(self, status: SessionStatus, now: datetime) -> "Session":
        """The session after its end."""
        return replace(self, status=status, ended_at=now)


def whose_session(release: Release, care_flow: CareFlow, stakeholder_id: str | None) -> Whose | None:
    """Whom a session would be for; without a stakeholder, the patient. None where there is no such stakeholder."""
    if stakeholder_id is None:
        return Whose("patient", care_flow.patient_id)
    stakeholder = release.stakeholders.get(stakeholder_id)
    if stakeholder is None:
        return None
    is_patient = stakeholder.clinical_app_role == "Patient"
    return Whose("patient", care_flow.patient_id) if is_patient else Whose("stakeholder", stakeholder.id)


def pending(release: Release, care_flow: CareFlow, whose: Whose) -> list[Activity]:
    """What is left for somebody to do."""
    return [one for one in care_flow.activities.values() if one.is_open and _is_of(release, care_flow, one, whose)]


def follow(
    release: Release, advanced: Advanced, sessions: Sequence[Session], now: datetime, idle: timedelta
) -> list[Session]:
    """Those of the care flow's active sessions that a change of it has changed, as they are now."""
    changed = []
    for session in sessions:
        if not pending(release, advanced.care_flow, session.whose):
            changed.append(session.ended(SessionStatus.COMPLETED, now))
        elif _has_done_something(release, advanced, session.whose):
            changed.append(replace(session, expires_at=now + idle))
    return changed


def _has_done_something(release: Release, advanced: Advanced, whose: Whose) -> bool:
    return any(
        isinstance(effect, ActivityMoved)
        and effect.move == "completed"
        and _is_of(release, advanced.care_flow, effect.activity, whose)
        for effect in advanced.effects
    )


def _is_of(release: Release, care_flow: CareFlow, activity: Activity, whose: Whose) -> bool:
    # A care flow has one patient, who may go by another id since: two records of one person were merged.
    return any(
        one.type == whose.type and (one.type == "patient" or one.id == whose.id)
        for one in assignees(release, care_flow.patient_id, activity)
    )
