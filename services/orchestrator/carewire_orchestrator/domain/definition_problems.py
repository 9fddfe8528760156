"""What may be wrong with a definition, in the reference's words (section 5.7)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class ProblemCode(StrEnum):
    """The reference's publish-time reasons, and our own EXPOSED_SECRET, MISSING_VALUE and NOT_SUPPORTED.

    - `CYCLE_DETECTED`: a way of a track, or the conditions of a form's questions, lead back to where they began.
    - `DUPLICATE`: two nodes have one id, or two names that stand for different things are the same.
    - `EXPOSED_SECRET`: a concealed constant is named where its value would be seen, or a secret is written out.
    - `INCOMPLETE_CONDITION`: a condition lacks an operand, or has one that cannot be compared.
    - `INCOMPLETE_TIMING`: a wait does not say how long, or counts from something that is no date.
    - `INVALID_TRIGGER`: a trigger does not say what it waits for, or waits for what cannot come before it.
    - `MISSING_ACTIONS`: a step does nothing.
    - `MISSING_DESTINATION`: a transition, a timer or the start of a track leads nowhere.
    - `MISSING_PATHWAY_STARTED_TRIGGER`: no track starts with the care flow.
    - `MISSING_STEPS`: a track has no step, or a definition no track.
    - `MISSING_TRIGGER`: nothing starts a track, or leads to a step or timer.
    - `MISSING_VALUE`: a concealed constant has no value in this deployment.
    - `NOT_FOUND`: something is named that does not exist.
    """

    CYCLE_DETECTED = "CYCLE_DETECTED"
    DUPLICATE = "DUPLICATE"
    EXPOSED_SECRET = "EXPOSED_SECRET"  # noqa: S105 (a word)
    INCOMPLETE_CONDITION = "INCOMPLETE_CONDITION"
    INCOMPLETE_TIMING = "INCOMPLETE_TIMING"
    INVALID_TRIGGER = "INVALID_TRIGGER"
    MISSING_ACTIONS = "MISSING_ACTIONS"
    MISSING_DESTINATION = "MISSING_DESTINATION"
    MISSING_PATHWAY_STARTED_TRIGGER = "MISSING_PATHWAY_STARTED_TRIGGER"
    MISSING_STEPS = "MISSING_STEPS"
    MISSING_TRIGGER = "MISSING_TRIGGER"
    MISSING_VALUE = "MISSING_VALUE"
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
