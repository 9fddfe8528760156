"""Paths into a test payload for those who map it: each with its type and the data points that it could fill.

Indexes of arrays move from call to call. So where the items of an array are told apart by a code, as FHIR's are by
`url`, `system` or `code`, the path by this code is suggested too: `$.extension[?@.url == 'age'].valueInteger`. Such
codes and the names of fields are all that a suggestion tells of its payload.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from carewire_contracts.definition import DataPointDefinition
from carewire_contracts.json_path import MAX_PATH_LENGTH, JsonPath
from carewire_contracts.values import Constraints, Mismatch, Parsed, ValueType, name_of, parse_value
from carewire_ingress.domain.name_similarity import Trigrams, likeness, trigrams
from carewire_ingress.domain.path_text import is_writable, quoted, step

MAX_SUGGESTIONS: Final = 200
"""Paths: more than a person looks through; with 500 data points they take a third of a second."""
MAX_ITEMS: Final = 20
"""Items looked at of each array: further ones are shaped alike."""
MAX_DEPTH: Final = 16
"""Steps of a path."""
MAX_FITS: Final = 10
"""Data points named for each path: the likeliest."""

_LABELS: Final = ("url", "system", "code", "code.coding[0].code", "linkId", "key", "field.ref", "type", "use")
"""Where the code of an array's item stands: FHIR's places, then those of form builders. None holds free text."""
_LABEL_PATHS: Final = tuple((label, JsonPath(f"$.{label}")) for label in _LABELS)
_CODE: Final = re.compile(r"[\w.:/#?=&%~+-]{1,128}")
"""Codes and URLs; what has blanks or quotes is prose."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One node of the payload. `kind` is its JSON type, `fits` the ids of data points, the likeliest first.

    `by_label` is the path to the same node that holds when arrays are ordered otherwise; None where there is none.
    """

    path: str
    by_label: str | None
    kind: str
    fits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Suggestions:
    """Suggestions in the order of the payload.

    `is_cut` says that some nodes are left out: too many, too deep, or with a name that no path can say.
    """

    found: tuple[Suggestion, ...]
    is_cut: bool

    def without_labels_but(self, shown: Mapping[str, str | None]) -> "Suggestions":
        """The same without the codes that are not in `shown`, which has those that may be told, by path."""
        kept = (one if one.by_label == shown.get(one.path) else replace(one, by_label=None) for one in self.found)
        return Suggestions(tuple(kept), self.is_cut)


def suggest(payload: object, data_points: Iterable[DataPointDefinition]) -> Suggestions:
    """Suggest every scalar, every empty or plain array, and each larger node that fits a data point."""
    candidates = [_Candidate.of(point) for point in data_points]
    walk = _Walk()
    found: list[Suggestion] = []
    for node in walk.nodes(_Node("$", "$", (), payload)):
        fits = _fits(node, candidates)
        if not fits and not _is_leaf(node.value):
            continue
        if len(found) == MAX_SUGGESTIONS:
            return Suggestions(tuple(found), is_cut=True)
        by_label = None if node.by_label == node.path else node.by_label
        found.append(Suggestion(node.path, by_label, name_of(node.value), fits))
    return Suggestions(tuple(found), walk.is_cut)


@dataclass(frozen=True, slots=True)
class _Node:
    """`names` are those of the fields, and the codes of items, on the way to it."""

    path: str
    by_label: str
    names: tuple[str, ...]
    value: object

    def below(self, place: str | int, value: object, label: tuple[str, str] | None = None) -> "_Node":
        """A child; `label` is the selector by its code, and the code."""
        selector = step(place)
        named = (place,) if isinstance(place, str) else ()
        if label is None:
            return _Node(self.path + selector, self.by_label + selector, self.names + named, value)
        return _Node(self.path + selector, self.by_label + label[0], (*self.names, label[1]), value)


class _Walk:
    """Goes through a payload within bounds, and remembers whether it left anything out."""

    def __init__(self) -> None:
        self.is_cut = False

    def nodes(self, node: _Node, depth: int = 0) -> Iterator[_Node]:
        """A node and all below it, in the order of the document."""
        if len(node.path) > MAX_PATH_LENGTH or len(node.by_label) > MAX_PATH_LENGTH:
            self.is_cut = True
            return
        yield node
        if depth == MAX_DEPTH:
            self.is_cut = self.is_cut or bool(isinstance(node.value, dict | list) and node.value)
            return
        for child in self._children(node):
            yield from self.nodes(child, depth + 1)

    def _children(self, node: _Node) -> Iterator[_Node]:
        if isinstance(node.value, dict):
            for name, value in node.value.items():
                if is_writable(name):
                    yield node.below(name, value)
                else:
                    self.is_cut = True
        elif isinstance(node.value, list):
            self.is_cut = self.is_cut or len(node.value) > MAX_ITEMS
            labels = _labels(node.value)
            for index, value in enumerate(node.value[:MAX_ITEMS]):
                yield node.below(index, value, labels.get(index))


def _labels(items: Sequence[object]) -> Mapping[int, tuple[str, str]]:
    """The selector and the code of each item that one of its codes tells from all others."""
    labels: dict[int, tuple[str, str]] = {}
    for label, path in _LABEL_PATHS:
        codes = [path.find(item) for item in items]
        counts = Counter(code for code in codes if isinstance(code, str))
        for index, code in enumerate(codes[:MAX_ITEMS]):
            if index not in labels and isinstance(code, str) and counts[code] == 1 and _CODE.fullmatch(code):
                selector = f"[?@.{label} == {quoted(code)}]"
                labels[index] = (selector, re.split(r"[/:#]", code)[-1])
    return labels


def _is_leaf(value: object) -> bool:
    if isinstance(value, list):
        return not any(isinstance(item, dict | list) for item in value)
    return not isinstance(value, dict) or not value


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A data point as the fitting needs it."""

    id: str
    value_type: ValueType
    constraints: Constraints
    names: tuple[Trigrams, ...]

    @classmethod
    def of(cls, point: DataPointDefinition) -> "_Candidate":
        bounds = point.range
        constraints = Constraints(
            possible_values=tuple(possible.value for possible in point.possible_values),
            minimum=None if bounds is None else bounds.min,
            maximum=None if bounds is None else bounds.max,
        )
        names = dict.fromkeys((trigrams([point.key]), trigrams([point.title])))
        return cls(point.id, point.value_type, constraints, tuple(names))

    def likeness(self, names: Sequence[Trigrams]) -> float:
        """How well one of its names goes with one of those of a node."""
        return max(likeness(own, other) for own in self.names for other in names)


def _fits(node: _Node, candidates: Sequence[_Candidate]) -> tuple[str, ...]:
    parsed: dict[ValueType, Parsed | Mismatch] = {}
    fitting = []
    for candidate in candidates:
        kind = candidate.value_type
        if kind not in parsed:
            parsed[kind] = parse_value(node.value, kind)
        read = parsed[kind]
        if isinstance(read, Parsed) and candidate.constraints.check(read.value) is None:
            fitting.append(candidate)
    if not fitting:
        return ()
    # The last name says what it is; the one before often whose: `patient.name`.
    names = (trigrams(node.names[-1:]), trigrams(node.names[-2:]))
    # JSON takes nearly everything, so it is what fits where nothing else does better.
    fitting.sort(key=lambda candidate: (-candidate.likeness(names), candidate.value_type is ValueType.JSON))
    return tuple(candidate.id for candidate in fitting[:MAX_FITS])
