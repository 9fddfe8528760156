"""What can go wrong in ingress, beside what the runtime names.

CarewireError
└── IngressError
    ├── NotAcknowledged   Kafka did not confirm a record in time, or is known to be away      (retriable)
    └── RefusedByIngress  to a client: the answer is a problem, whose document it holds
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from carewire_runtime.errors import CarewireError


class IngressError(CarewireError):
    """An error of ingress."""


class NotAcknowledged(IngressError):
    """A record was not confirmed in time. It may still be appended: then its `expires-at` stops it."""

    retriable: ClassVar[bool] = True


class RefusedByIngress(IngressError):
    """The API answered with a problem (RFC 9457); a document that is none is empty here."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        said = " - ".join(str(problem[part]) for part in ("title", "detail") if part in problem)
        super().__init__(f"{status}: {said or 'no problem document'}")
        self.status = status
        self.problem = problem
