"""What the answer of an API call says: the data points that the definition wants of it."""

import re
from functools import lru_cache
from itertools import islice
from typing import Any, Final

from jsonpath import JSONPathEnvironment, JSONPathError

from carewire_contracts.definition import ApiCallAction
from carewire_contracts.record import record
from carewire_orchestrator.domain.given_values import GivenValue, ValueProblem, read_given_value
from carewire_orchestrator.domain.release import Release

_ENVIRONMENT: Final = JSONPathEnvironment(strict=True)
"""RFC 9535 and nothing beyond it."""

_DESCENT: Final = re.compile(r"\.\.")


@record()
class NotAsExpected:
    """Why an answer is of no use, told without its values."""

    problems: tuple[ValueProblem, ...]


def read_answer(release: Release, action: ApiCallAction, answer: object) -> tuple[GivenValue, ...] | NotAsExpected:
    """Read the parsed JSON of an answer. What it does not say, or says as null, is not collected.

    A path with several matches, or a value of another type, makes the whole answer one of no use: half of it might be
    taken for all of it.
    """
    values: list[GivenValue] = []
    problems: list[ValueProblem] = []
    for wanted in action.response:
        point = release.data_points[wanted.data_point_definition_id]
        read: _Found | GivenValue | ValueProblem | None = _find(wanted.path, answer)
        if isinstance(read, _Found):
            read = read_given_value(point.key, read.value, point, point.value_type)
        if isinstance(read, GivenValue):
            values.append(read)
        elif read is not None:
            problems.append(read)
    return NotAsExpected(tuple(problems)) if problems else tuple(values)


@record()
class _Found:
    value: Any


def path_problem(path: str) -> str | None:
    """What is wrong with a path, before anybody is called."""
    if len(_DESCENT.findall(path)) > 1:
        return "a path may descend (`..`) once at most"
    try:
        _compiled(path)
    except JSONPathError:
        return "this is no JSONPath (RFC 9535)"
    return None


def _find(path: str, answer: object) -> _Found | ValueProblem | None:
    if not isinstance(answer, dict | list):
        return None  # nothing is below a scalar, and the library would read a string as JSON text
    try:
        matches = list(islice(_compiled(path).finditer(answer), 2))
    except JSONPathError:
        return ValueProblem(path, "the answer cannot be searched for this path")
    if len(matches) > 1:
        return ValueProblem(path, "the answer has several values at this path")
    return None if not matches or matches[0].obj is None else _Found(matches[0].obj)


@lru_cache(maxsize=1_024)
def _compiled(path: str) -> Any:
    return _ENVIRONMENT.compile(path)
