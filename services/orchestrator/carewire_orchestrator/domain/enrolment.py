"""Whether a call may enrol its patient once more: the enrolment guard of a webhook.

A guard asks per patient and definition, whichever releases were live when. It asks the care flows that there are: one
that was stopped or completed was an enrolment, one that was deleted never was. Nobody stays anonymous and is found
again, so an anonymous patient is never kept from a care flow.
"""

from typing import TypeAlias

from carewire_contracts.record import record
from carewire_contracts.requests import EnrolmentGuard
from carewire_contracts.statuses import SkipReason

PatientAndDefinition: TypeAlias = tuple[str, str]


@record()
class Enrolment:
    """The care flow that speaks for all that a patient had of a definition: the newest active one, else the newest."""

    care_flow_id: str
    is_active: bool

    def then(self, later: "Enrolment") -> "Enrolment":
        """Which of the two speaks for them once the later one has started."""
        return self if self.is_active and not later.is_active else later


def skip_reason(guard: EnrolmentGuard, enrolment: Enrolment | None) -> SkipReason | None:
    """Why a guard lets a request start nothing; None where it may start. The reason names the rule that held."""
    if enrolment is None:
        return None
    if guard is EnrolmentGuard.SKIP_WHEN_EVER_ENROLLED:
        return SkipReason.EVER_ENROLLED
    if guard is EnrolmentGuard.SKIP_WHEN_ACTIVE and enrolment.is_active:
        return SkipReason.ACTIVE_CARE_FLOW
    return None
