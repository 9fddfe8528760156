"""`session.*` as records of the outbox, numbered among the events of their care flow."""

from datetime import datetime
from typing import TypeAlias

from carewire_contracts.events.pathway import Pathway
from carewire_contracts.events.session import (
    CompletedSession,
    SessionCompleted,
    SessionExpired,
    SessionStakeholder,
    SessionStarted,
)
from carewire_contracts.events.session import Session as ToldSession
from carewire_orchestrator.adapters.outbox_records import Publishing
from carewire_orchestrator.domain.announcing import Announcement
from carewire_orchestrator.domain.care_flow import CareFlow
from carewire_orchestrator.domain.release import Release
from carewire_orchestrator.domain.session import Session, SessionStatus
from carewire_runtime.ids import derived_id
from carewire_runtime.postgres.outbox import OutboxRecord

_Event: TypeAlias = SessionStarted | SessionCompleted | SessionExpired


def session_record(
    publishing: Publishing,
    release: Release,
    care_flow: CareFlow,
    session: Session,
    now: datetime,
    traceparent: str | None,
) -> OutboxRecord:
    """What a session has come to. `care_flow.sequence` counts this event already."""
    event = _tell(release, care_flow, session).model_dump(mode="json", exclude_unset=True)
    number = care_flow.sequence
    told = Announcement(derived_id(care_flow.id, "event", str(number)), event, number)
    return publishing.session(told, care_flow, now, traceparent)


def _tell(release: Release, care_flow: CareFlow, session: Session) -> _Event:
    pathway = Pathway(
        id=care_flow.id,
        pathway_definition_id=release.definition.id,
        patient_id=care_flow.patient_id,
        start_date=care_flow.started_at or session.created_at,
    )
    stakeholder = SessionStakeholder(id=session.whose.id, type=session.whose.type)
    urls = {"success_url": session.success_url, "cancel_url": session.cancel_url}
    if session.status is SessionStatus.COMPLETED:
        completed = CompletedSession(
            id=session.id,
            created_at=session.created_at,
            completed_at=session.ended_at or session.expires_at,
            stakeholder=stakeholder,
            **urls,
        )
        return SessionCompleted(session=completed, pathway=pathway, sequence=care_flow.sequence)
    told = ToldSession(
        id=session.id,
        created_at=session.created_at,
        expires_at=session.expires_at,
        stakeholder=stakeholder,
        **urls,
    )
    kind = SessionStarted if session.status is SessionStatus.ACTIVE else SessionExpired
    return kind(session=told, pathway=pathway, sequence=care_flow.sequence)
