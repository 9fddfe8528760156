"""`advance`: the one function by which a care flow changes.

Given a release, a care flow, an event and the moment, it answers the care flow afterwards, the effects in order and
what is asked of the world outside, or why the event cannot happen. It is pure and total: no clock, no randomness (ids
are derived from the care flow's own id and its counters), no exception. What a care flow does by itself stands in
`progress`.
"""

from datetime import datetime

from carewire_contracts.record import record
from carewire_orchestrator.domain.care_flow import CareFlow
from carewire_orchestrator.domain.course import Course
from carewire_orchestrator.domain.effects import Effect
from carewire_orchestrator.domain.events import CareFlowEvent
from carewire_orchestrator.domain.orders import Order
from carewire_orchestrator.domain.profile import NOTHING_KNOWN, ProfileDocument
from carewire_orchestrator.domain.progress import happen
from carewire_orchestrator.domain.refusing import Refusal, refusal
from carewire_orchestrator.domain.release import Release

__all__ = ["Advanced", "Refusal", "advance"]


@record()
class Advanced:
    """The care flow afterwards, what followed, and what is to be done about it."""

    care_flow: CareFlow
    effects: tuple[Effect, ...]
    orders: tuple[Order, ...] = ()


def advance(
    release: Release,
    care_flow: CareFlow,
    event: CareFlowEvent,
    now: datetime,
    profile: ProfileDocument = NOTHING_KNOWN,
) -> Advanced | Refusal:
    """Let an event happen to a care flow that runs this release. `now` is aware, and cut to milliseconds.

    `profile` is what is known of the patient now; only a release with `profile_fields` looks at it.
    """
    course = Course(release, care_flow, _whole_milliseconds(now), profile)
    refused = refusal(course, event)
    if refused is not None:
        return refused
    happen(course, event)
    return Advanced(course.care_flow(), course.effects, course.orders)


def _whole_milliseconds(moment: datetime) -> datetime:
    """Cut what no timestamp on the wire says, so that a stored care flow reads back equal."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
