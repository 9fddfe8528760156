"""What can happen to a care flow."""

from dataclasses import dataclass
from typing import TypeAlias

from carewire_orchestrator.domain.given_values import GivenValue


@dataclass(frozen=True, slots=True)
class Started:
    """Somebody started it, with these baseline values."""

    baseline: tuple[GivenValue, ...]


@dataclass(frozen=True, slots=True)
class FormSubmitted:
    """Somebody answered the form of an activity."""

    activity_id: str
    answers: tuple[GivenValue, ...]


@dataclass(frozen=True, slots=True)
class ChecklistCompleted:
    """Somebody ticked every item of a checklist."""

    activity_id: str


@dataclass(frozen=True, slots=True)
class MessageRead:
    """Somebody read a message."""

    activity_id: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """Somebody stopped it."""

    reason: str | None


ActivityDone: TypeAlias = FormSubmitted | ChecklistCompleted | MessageRead
CareFlowEvent: TypeAlias = Started | ActivityDone | Stopped
