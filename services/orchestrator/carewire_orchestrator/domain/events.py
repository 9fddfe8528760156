"""What can happen to a care flow."""

from typing import TypeAlias

from carewire_contracts.record import record
from carewire_orchestrator.domain.given_values import GivenValue


@record()
class Started:
    """Somebody started it, with these baseline values."""

    baseline: tuple[GivenValue, ...]


@record()
class FormSubmitted:
    """Somebody answered the form of an activity."""

    activity_id: str
    answers: tuple[GivenValue, ...]


@record()
class ChecklistCompleted:
    """Somebody ticked every item of a checklist."""

    activity_id: str


@record()
class MessageRead:
    """Somebody read a message."""

    activity_id: str


@record()
class Stopped:
    """Somebody stopped it."""

    reason: str | None


ActivityDone: TypeAlias = FormSubmitted | ChecklistCompleted | MessageRead
CareFlowEvent: TypeAlias = Started | ActivityDone | Stopped
