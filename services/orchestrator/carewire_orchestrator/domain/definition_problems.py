"""What may be wrong with a definition, in the reference's words (section 5.7)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class ProblemCode(StrEnum):
    """The reference's publish-time reasons, as far as definitions can have them, and our own NOT_SUPPORTED."""

    CYCLE_DETECTED = "CYCLE_DETECTED"
    DUPLICATE = "DUPLICATE"
    INCOMPLETE_CONDITION = "INCOMPLETE_CONDITION"
    INVALID_TRIGGER = "INVALID_TRIGGER"
    MISSING_ACTIONS = "MISSING_ACTIONS"
    MISSING_DESTINATION = "MISSING_DESTINATION"
    MISSING_PATHWAY_STARTED_TRIGGER = "MISSING_PATHWAY_STARTED_TRIGGER"
    MISSING_STEPS = "MISSING_STEPS"
    MISSING_TRIGGER = "MISSING_TRIGGER"
    NOT_FOUND = "NOT_FOUND"
    NOT_SUPPORTED = "NOT_SUPPORTED"


@dataclass(frozen=True, slots=True)
class DefinitionProblem:
    """One problem with the node that it concerns. An ERROR prevents publishing, a WARNING does not."""

    code: ProblemCode
    severity: Literal["ERROR", "WARNING"]
    node_id: str
    message: str


def error(code: ProblemCode, node_id: str, message: str) -> DefinitionProblem:
    """A problem that prevents publishing."""
    return DefinitionProblem(code, "ERROR", node_id, message)


def warning(code: ProblemCode, node_id: str, message: str) -> DefinitionProblem:
    """A problem that a designer should look at."""
    return DefinitionProblem(code, "WARNING", node_id, message)
