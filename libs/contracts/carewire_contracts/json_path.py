"""JSONPath as RFC 9535 defines it, compiled once and asked for exactly one value.

Names and indexes, which match one node at most, become a plain walk, and so do filters that compare a text, as in
`$.extension[?@.url == 'age'].valueInteger`: nearly all mappings are of these kinds, and a walk costs a hundredth of
a general query.
"""

from collections.abc import Callable, Sequence
from enum import Enum
from functools import lru_cache, partial
from itertools import islice, zip_longest
from typing import Any, Final, TypeAlias, cast

from jsonpath import JSONPath, JSONPathEnvironment, JSONPathError
from jsonpath.filter import BaseExpression, FilterQuery, InfixExpression, RelativeFilterQuery, StringLiteral
from jsonpath.segments import JSONPathChildSegment, JSONPathRecursiveDescentSegment, JSONPathSegment
from jsonpath.selectors import Filter, IndexSelector, JSONPathSelector, NameSelector

MAX_PATH_LENGTH: Final = 1_024
"""Characters of a path; the longest honest ones (FHIR filters) have some 200."""


class InvalidPath(ValueError):
    """The text is no RFC 9535 JSONPath that Carewire accepts; the message says why. Trying again cannot help."""


class Miss(Enum):
    """Why a path gives no single value."""

    NO_MATCH = "no match"
    SEVERAL_MATCHES = "several matches"
    TOO_DEEP = "payload nested too deeply for this path"


_NO_MATCH: Final = Miss.NO_MATCH
"""Looked up once: a member of an enumeration costs as much as a step."""

Find: TypeAlias = Callable[[object], object]


class _Walk:
    """Names and indexes, which lead to one place."""

    __slots__ = ("_places",)

    def __init__(self, places: Sequence[str | int]) -> None:
        self._places: Final[tuple[tuple[Any, type], ...]] = tuple(
            (place, dict if isinstance(place, str) else list) for place in places
        )

    def find(self, payload: object) -> object:
        """The value at the place, or Miss.NO_MATCH."""
        node: Any = payload
        for place, container in self._places:
            # Parsed JSON holds these very types, and a string is no container of characters.
            kind = type(node)
            if kind is not container:
                return _NO_MATCH
            try:
                node = node[place]
            except LookupError:
                return _NO_MATCH
        return node


def _walk(places: Sequence[str | int]) -> Find:
    """How to go there; the most frequent ways, a few names long, without a loop."""
    if len(places) == 1 and isinstance(places[0], str):
        name = places[0]
        return lambda payload: payload.get(name, _NO_MATCH) if type(payload) is dict else _NO_MATCH
    return (_straight(places) if _leads_by_names(places) else None) or _Walk(places).find


def _leads_by_names(places: Sequence[str | int]) -> bool:
    """Whether a name follows each index. Python takes a character for an item of a string, but asks it for no name."""
    return all(isinstance(place, str) or isinstance(after, str) for place, after in zip_longest(places, places[1:]))


def _straight(places: Sequence[Any]) -> Find | None:
    """Two to four steps at once, in a fourth of the time of a loop; None for other lengths."""

    def two(payload: Any) -> object:
        try:
            return payload[first][second]
        except (LookupError, TypeError):
            return _NO_MATCH

    def three(payload: Any) -> object:
        try:
            return payload[first][second][third]
        except (LookupError, TypeError):
            return _NO_MATCH

    def four(payload: Any) -> object:
        try:
            return payload[first][second][third][fourth]
        except (LookupError, TypeError):
            return _NO_MATCH

    first, second, third, fourth = (*places, *[None] * 4)[:4]
    return {2: two, 3: three, 4: four}.get(len(places))


class _Choice:
    """A place, those of its children in which a certain text stands, and the way on from each of these."""

    __slots__ = ("_label", "_onward", "_place", "_text")

    def __init__(self, place: Find, label: Find, text: str, onward: Find) -> None:
        self._place: Final = place
        self._label: Final = label
        self._text: Final = text
        self._onward: Final = onward

    def find(self, payload: object) -> object:
        """The one value to which the chosen children lead, or a Miss. Takes linear time."""
        only: object = _NO_MATCH
        label, text, children = self._label, self._text, self._place(payload)
        if type(children) is dict:
            children = children.values()
        elif type(children) is not list:
            return _NO_MATCH
        for child in children:
            if label(child) == text and (found := self._onward(child)) is not _NO_MATCH:
                if only is not _NO_MATCH:
                    return Miss.SEVERAL_MATCHES
                only = found
        return only


class JsonPath:
    """A compiled path. `text` is what staff wrote.

    `find` returns the one value at this path (null is a value), or a Miss, and never raises.
    """

    __slots__ = ("find", "text")

    def __init__(self, text: str) -> None:
        """Compile; raises InvalidPath."""
        self.text: Final = text
        self.find: Final = _finder(_compile(text))

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
        # Only what is beyond the standard joins queries, and that a strict environment refuses.
        query = cast("JSONPath", _ENVIRONMENT.compile(text))
    except JSONPathError as error:
        raise InvalidPath(f"not an RFC 9535 JSONPath: {error.args[0]}") from None
    if _descents(query) > 1:
        # Each further one multiplies the work by the size of the payload, which a sender chooses.
        raise InvalidPath("a path may descend (`..`) once at most, its filters included")
    return query


def _descents(query: JSONPath) -> int:
    """How often a path descends, and the paths in its filters."""
    filters = [one.expression for segment in query.segments for one in segment.selectors if isinstance(one, Filter)]
    return sum(isinstance(segment, JSONPathRecursiveDescentSegment) for segment in query.segments) + sum(
        map(_descents_within, filters)
    )


def _descents_within(expression: BaseExpression) -> int:
    if isinstance(expression, FilterQuery):
        return _descents(expression.path)
    return sum(map(_descents_within, expression.children()))


def _finder(query: JSONPath) -> Find:
    return _way(query.segments) or partial(_search, query)


def _way(segments: Sequence[JSONPathSegment]) -> Find | None:
    """How to walk these segments; None where one is of another kind."""
    places: list[str | int] = []
    for number, segment in enumerate(segments):
        if not isinstance(segment, JSONPathChildSegment) or len(segment.selectors) != 1:
            return None
        selector = segment.selectors[0]
        if isinstance(selector, NameSelector):
            places.append(selector.name)
        elif isinstance(selector, IndexSelector):
            places.append(selector.index)
        else:
            condition, onward = _text_condition(selector), _way(segments[number + 1 :])
            if condition is None or onward is None:
                return None
            return _Choice(_walk(places), *condition, onward).find
    return _walk(places)


def _text_condition(selector: JSONPathSelector) -> tuple[Find, str] | None:
    """The place and the text of a selector such as `?@.url == 'age'`; None where it is of another kind."""
    condition = selector.expression.expression if isinstance(selector, Filter) else None
    if not isinstance(condition, InfixExpression) or condition.operator != "==":
        return None
    query, literal = condition.left, condition.right
    if not isinstance(query, RelativeFilterQuery) or not isinstance(literal, StringLiteral):
        return None
    label = _way(query.path.segments)
    return None if label is None else (label, literal.value)


def _search(query: JSONPath, payload: object) -> object:
    if not isinstance(payload, dict | list):
        return _NO_MATCH  # nothing is below a scalar; the library would read a string as JSON text
    try:
        matches = list(islice(query.finditer(payload), 2))
    except JSONPathError:
        return Miss.TOO_DEEP
    if len(matches) > 1:
        return Miss.SEVERAL_MATCHES
    return matches[0].obj if matches else Miss.NO_MATCH
