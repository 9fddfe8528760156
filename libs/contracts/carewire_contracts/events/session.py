"""`session.*`: a stakeholder's hosted session started, completed or expired (reference, section 1.3)."""

from typing import Literal

from carewire_contracts.events.pathway import Pathway
from carewire_contracts.events.personal_data import Personal
from carewire_contracts.events.sequence_number import SequenceNumber
from carewire_contracts.timestamps import Timestamp
from carewire_contracts.wire import Message


class SessionStakeholder(Message):
    """Whose session it is."""

    id: str
    type: Literal["patient", "stakeholder"]


class Session(Message):
    """A session that may still be used until `expires_at`, or was not in time.

    Its URLs come from whoever started it, and may say whose it is.
    """

    id: str
    created_at: Timestamp
    expires_at: Timestamp
    stakeholder: SessionStakeholder
    success_url: Personal[str | None] = None
    cancel_url: Personal[str | None] = None


class CompletedSession(Message):
    """A session in which nothing is pending any more."""

    id: str
    created_at: Timestamp
    completed_at: Timestamp
    stakeholder: SessionStakeholder
    success_url: Personal[str | None] = None
    cancel_url: Personal[str | None] = None


class SessionStarted(Message):
    """A session started."""

    event_type: Literal["session.started"] = "session.started"
    session: Session
    pathway: Pathway
    sequence: SequenceNumber = None


class SessionCompleted(Message):
    """A session completed."""

    event_type: Literal["session.completed"] = "session.completed"
    session: CompletedSession
    pathway: Pathway
    sequence: SequenceNumber = None


class SessionExpired(Message):
    """A session expired."""

    event_type: Literal["session.expired"] = "session.expired"
    session: Session
    pathway: Pathway
    sequence: SequenceNumber = None
