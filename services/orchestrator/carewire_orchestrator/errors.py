"""What callers of the API can get wrong, as the store tells it.

    OrchestratorError
    ├── NotFound        there is no such thing
    ├── Gone            the thing was deleted and can still be restored
    ├── NotAllowedNow   the thing is in a state in which this cannot happen
    │   └── EnrolledAlready  the patient has a care flow of the definition, and was to have no other
    ├── ChangedMeanwhile  the thing is not in the state that the caller has seen
    ├── AlreadyThere    something has this name or system already
    ├── IdentifiersTaken  identifiers belong to other patients
    ├── InvalidValues   values do not fit their definitions
    └── NotPublishable  a definition has errors

Doing the same again helps in no case. No message holds a value.
"""

from collections.abc import Sequence

from carewire_orchestrator.domain.definition_problems import DefinitionProblem
from carewire_orchestrator.domain.given_values import ValueProblem
from carewire_runtime.errors import CarewireError


class OrchestratorError(CarewireError):
    """A caller's mistake."""


class NotFound(OrchestratorError):
    """There is no such thing; the message says what was looked for."""


class Gone(OrchestratorError):
    """The thing was deleted and can still be restored. `code` is one of a closed list."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class NotAllowedNow(OrchestratorError):
    """The thing is in a state in which this cannot happen. `code` is one of a closed list."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class EnrolledAlready(NotAllowedNow):
    """The patient has a care flow of the definition, and the call said to start no other then."""

    def __init__(self, code: str, message: str, care_flow_id: str) -> None:
        super().__init__(code, message)
        self.care_flow_id = care_flow_id


class ChangedMeanwhile(OrchestratorError):
    """The thing is not in the state that the caller has seen and meant to change."""


class AlreadyThere(OrchestratorError):
    """Something else has this already; `field` names what must be unique."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class IdentifiersTaken(OrchestratorError):
    """Identifiers belong to other patients; `fields` name them as the caller gave them, `owners` are those patients."""

    def __init__(self, fields: Sequence[str], owners: Sequence[str], message: str) -> None:
        super().__init__(message)
        self.fields = tuple(fields)
        self.owners = tuple(owners)


class InvalidValues(OrchestratorError):
    """Values do not fit; `problems` are all of them."""

    def __init__(self, problems: Sequence[ValueProblem]) -> None:
        super().__init__("some values are missing or do not fit their definitions")
        self.problems = tuple(problems)


class NotPublishable(OrchestratorError):
    """A definition has errors; `problems` are all that was found."""

    def __init__(self, problems: Sequence[DefinitionProblem]) -> None:
        super().__init__("the definition has errors that prevent publishing")
        self.problems = tuple(problems)
