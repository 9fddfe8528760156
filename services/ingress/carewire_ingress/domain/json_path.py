"""JSONPath as RFC 9535 defines it, compiled once and asked for exactly one value.

A path that can match one node at most (names and indexes only) becomes a plain walk: it costs a hundredth of a
general query, and nearly all mappings are of that kind.
"""

from enum import Enum
from functools import lru_cache
from itertools import islice
from typing import Final

from jsonpath import CompoundJSONPath, JSONPath, JSONPathEnvironment, JSONPathError
from jsonpath.segments import JSONPathRecursiveDescentSegment
from jsonpath.selectors import IndexSelector, NameSelector

MAX_PATH_LENGTH: Final = 1_024
"""Characters of a path; the longest honest ones (FHIR filters) have some 200."""


class InvalidPath(ValueError):
    """The text is no RFC 9535 JSONPath that Carewire accepts; the message says why. Trying again cannot help."""


class Miss(Enum):
    """Why a path gives no single value."""

    NO_MATCH = "no match"
    SEVERAL_MATCHES = "several matches"
    TOO_DEEP = "payload nested too deeply for this path"


class JsonPath:
    """A compiled path. `text` is what staff wrote."""

    __slots__ = ("_query", "_steps", "text")

    def __init__(self, text: str) -> None:
        """Compile; raises InvalidPath."""
        self.text: Final = text
        self._query: Final = _compile(text)
        self._steps: Final = _steps(self._query)

    def find(self, payload: object) -> object:
        """The one value at this path (null is a value), or a Miss. Never raises."""
        if self._steps is not None:
            return _walk(payload, self._steps)
        if not isinstance(payload, dict | list):
            return Miss.NO_MATCH  # nothing is below a scalar; the library would read a string as JSON text
        return _search(self._query, payload)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, JsonPath) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"JsonPath({self.text!r})"


_ENVIRONMENT: Final = JSONPathEnvironment(strict=True)


@lru_cache(maxsize=4_096)
def _compile(text: str) -> JSONPath:
    if len(text) > MAX_PATH_LENGTH:
        raise InvalidPath(f"a path has at most {MAX_PATH_LENGTH} characters")
    try:
        query = _ENVIRONMENT.compile(text)
    except JSONPathError as error:
        raise InvalidPath(f"not an RFC 9535 JSONPath: {error.args[0]}") from None
    if isinstance(query, CompoundJSONPath):
        raise InvalidPath("not an RFC 9535 JSONPath: one query only")
    if sum(isinstance(segment, JSONPathRecursiveDescentSegment) for segment in query.segments) > 1:
        # Each further one multiplies the work by the size of the payload, which a sender chooses.
        raise InvalidPath("a path may descend (`..`) once at most")
    return query


def _steps(query: JSONPath) -> tuple[str | int, ...] | None:
    """The names and indexes to walk, or None where the path may match several nodes."""
    if not query.singular_query():
        return None
    steps: list[str | int] = []
    for segment in query.segments:
        selector = segment.selectors[0]
        if isinstance(selector, NameSelector):
            steps.append(selector.name)
        elif isinstance(selector, IndexSelector):
            steps.append(selector.index)
    return tuple(steps)


def _walk(payload: object, steps: tuple[str | int, ...]) -> object:
    node = payload
    for step in steps:
        if isinstance(step, str):
            if not isinstance(node, dict) or step not in node:
                return Miss.NO_MATCH
            node = node[step]
        else:
            if not isinstance(node, list) or not -len(node) <= step < len(node):
                return Miss.NO_MATCH
            node = node[step]
    return node


def _search(query: JSONPath, payload: dict[str, object] | list[object]) -> object:
    try:
        matches = list(islice(query.finditer(payload), 2))
    except JSONPathError:
        return Miss.TOO_DEEP
    if len(matches) > 1:
        return Miss.SEVERAL_MATCHES
    return matches[0].obj if matches else Miss.NO_MATCH
