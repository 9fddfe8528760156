"""JSONPath asked for all that it matches, where JsonPath is asked for the one value of a mapping."""

from typing import Final, TypeAlias, cast

from jsonpath import JSONPath, JSONPathEnvironment, JSONPathError
from jsonpath.segments import JSONPathChildSegment
from jsonpath.selectors import IndexSelector, NameSelector

from carewire_contracts.json_path import JsonPath, Miss
from carewire_contracts.record import record

Place: TypeAlias = tuple[str | int, ...]
"""The names and indexes that lead from the root to a node."""

_ENVIRONMENT: Final = JSONPathEnvironment(strict=True)


@record()
class Match:
    """A node that a query selects."""

    place: Place
    value: object

    def __repr__(self) -> str:
        """Show no value: it may be personal data."""
        return f"Match({self.place!r}, <redacted>)"


class JsonQuery:
    """A compiled query: any path that JsonPath accepts."""

    __slots__ = ("_place", "_query", "path")

    def __init__(self, text: str) -> None:
        """Compile; raises InvalidPath."""
        self.path: Final = JsonPath(text)
        self._query: Final = cast("JSONPath", _ENVIRONMENT.compile(text))
        self._place: Final = _only_place(self._query)

    def __repr__(self) -> str:
        return f"JsonQuery({self.path.text!r})"

    def matches(self, payload: object) -> list[Match] | None:
        """Every node that is selected, a node selected twice twice; None where the payload is nested too deeply."""
        if self._place is not None:
            found = self.path.find(payload)
            return [] if found is Miss.NO_MATCH else [Match(self._place, found)]
        if not isinstance(payload, dict | list):
            # Nothing is below a scalar; the library would read a string as JSON text.
            return []
        try:
            return [Match(match.parts, match.obj) for match in self._query.finditer(payload)]
        except (JSONPathError, RecursionError):
            return None

    def seen(self, payload: object) -> object:
        """What a condition sees: the one value, several as an array, None where nothing is or can be looked at.

        Nearly always one plain walk; only several matches are searched for a second time.
        """
        found = self.path.find(payload)
        if type(found) is not Miss:
            return found
        return [match.value for match in self.matches(payload) or ()] if found is Miss.SEVERAL_MATCHES else None


def _only_place(query: JSONPath) -> Place | None:
    """The place to which names and indexes lead, whatever the payload; most redacted paths are of this kind."""
    place: list[str | int] = []
    for segment in query.segments:
        is_plain = isinstance(segment, JSONPathChildSegment) and len(segment.selectors) == 1
        selector = segment.selectors[0] if is_plain else None
        if isinstance(selector, NameSelector):
            place.append(selector.name)
        elif isinstance(selector, IndexSelector) and selector.index >= 0:
            place.append(selector.index)
        else:
            return None
    return tuple(place)
