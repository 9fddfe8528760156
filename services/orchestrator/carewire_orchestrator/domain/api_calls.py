"""API calls: what is asked is decided here; the calling, with its retries, is done by the world outside.

The care flow goes on meanwhile, but is not completed before each call was answered or given up.
"""

from typing import Final

from carewire_contracts.definition import ApiCallAction
from carewire_orchestrator.domain.activities import end
from carewire_orchestrator.domain.care_flow import Activity, ActivityStatus, Reason
from carewire_orchestrator.domain.course import Course
from carewire_orchestrator.domain.orders import ApiCallRequested
from carewire_orchestrator.domain.texts import fill, in_json, in_url, plain, texts

MAX_URL: Final = 8_192
"""Characters of a URL with everything filled in: what servers take at most."""


def call(course: Course, activity: Activity, action: ApiCallAction) -> None:
    """Ask for the call; an activity whose request cannot be sent fails at once."""
    known = texts(course, action.dynamic_variables)
    url = fill(action.url, known, in_url)
    headers = tuple((header.name, fill(header.value, known, plain)) for header in action.headers)
    body = None if action.body is None else fill(action.body, known, in_json)
    if len(url) > MAX_URL or not all(_is_sendable(value) for _, value in headers):
        end(course, activity, ActivityStatus.FAILED, Reason.UNSUITABLE_REQUEST)
    else:
        course.order(ApiCallRequested(activity.id, action.method, url, headers, body))


def _is_sendable(value: str) -> bool:
    """A line break in a header would begin another one."""
    return value.isascii() and value.isprintable()
