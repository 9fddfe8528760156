"""API calls: what is asked is decided here; the calling, with its retries, is done by the world outside.

The care flow goes on meanwhile, but is not completed before each call was answered or given up.
"""

from collections.abc import Collection, Mapping

from carewire_contracts.definition import ApiCallAction
from carewire_orchestrator.domain.activities import end
from carewire_orchestrator.domain.api_requests import can_be_sent
from carewire_orchestrator.domain.care_flow import Activity, ActivityStatus, Reason
from carewire_orchestrator.domain.course import Course
from carewire_orchestrator.domain.orders import ApiCallRequested, WithBlanks
from carewire_orchestrator.domain.texts import base_of, fill_around, in_json, in_url, plain, texts


def call(course: Course, activity: Activity, action: ApiCallAction) -> None:
    """Ask for the call; an activity whose request cannot be sent fails at once."""
    constants = course.release.definition.settings.constants
    concealed = {constant.name for constant in constants if constant.concealed}
    known = texts(course, action.dynamic_variables)
    order = ApiCallRequested(
        activity_id=activity.id,
        method=action.method,
        url=_url(course, action, known, concealed),
        headers=tuple((header.name, fill_around(header.value, known, plain, concealed)) for header in action.headers),
        body=None if action.body is None else fill_around(action.body, known, in_json, concealed),
    )
    if can_be_sent(order):
        course.order(order)
    else:
        end(course, activity, ActivityStatus.FAILED, Reason.UNSUITABLE_REQUEST)


def _url(course: Course, action: ApiCallAction, known: Mapping[str, str], concealed: Collection[str]) -> WithBlanks:
    base, rest = base_of(course.release.definition, action)
    filled = fill_around(rest, known, in_url, concealed)
    return (base, *filled) if base else filled
