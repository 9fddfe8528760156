"""Events without what may hold personal data, for topics that more people read than may know of patients.

What is left fits the same schema: a field that may hold personal data is left out, or null where the schema wants it
to be there. What means nothing without it, as an identifier without its value, goes as a whole.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final, TypeAlias

from carewire_contracts.event_catalogue import EVENT_CATALOGUE

Reduce: TypeAlias = Callable[[Any], Any]
Schema: TypeAlias = Mapping[str, Any]

_GONE: Final = object()
"""The plan of what cannot be told at all; None is the plan of what holds no personal data and is told as it is."""


@cache
def without_personal_data(event_type: str, *, known_alone: bool = False) -> Reduce:
    """How events of a type are reduced: takes one as a JSON object and answers another, touching none.

    With `known_alone` fields go that the schema does not have: of what a later release writes nobody knows here whom
    it tells of. Raises KeyError where there is no such type.
    """
    schema = EVENT_CATALOGUE[event_type].schema()
    plan: Reduce | None = _Planner(schema.get("$defs", {}), known_alone).plan(schema)
    return plan or _as_it_is


def _as_it_is(value: Any) -> Any:
    return value


class _Planner:
    """Makes plans of what a schema describes."""

    def __init__(self, defs: Schema, known_alone: bool) -> None:
        self._defs = defs
        self._known_alone = known_alone

    def plan(self, node: Schema) -> Any:
        if node.get("x-personal-data"):
            return _GONE
        if "$ref" in node:
            return self.plan(self._defs[node["$ref"].rpartition("/")[2]])
        for branch in node.get("anyOf", ()):
            if (plan := self.plan(branch)) is not None:
                return plan
        if "items" in node:
            plan = self.plan(node["items"])
            return plan if plan is None or plan is _GONE else _each(plan)
        return self._plan_of_object(node)

    def _plan_of_object(self, node: Schema) -> Any:
        fields, required = node.get("properties", {}), node.get("required", ())
        left_out: set[str] = set()
        put: dict[str, Reduce] = {}
        for name, field in fields.items():
            plan = self.plan(field)
            if plan is not _GONE:
                if plan is not None:
                    put[name] = plan
            elif name not in required:
                left_out.add(name)
            elif (least := _least(field)) is _GONE:
                return _GONE
            else:
                put[name] = _always(least)
        if self._known_alone and fields:
            return _known_fields(dict.fromkeys(fields.keys() - left_out, _as_it_is) | put)
        return _fields(frozenset(left_out), put) if left_out or put else None


def _least(field: Schema) -> Any:
    """The least that a field may say which has to be there."""
    if not field.keys() & {"$ref", "type", "anyOf"} or {"type": "null"} in field.get("anyOf", ()):
        return None
    return [] if field.get("type") == "array" else _GONE


def _always(value: Any) -> Reduce:
    return lambda _: value


def _each(plan: Reduce) -> Reduce:
    # A tuple is an array too: who has just laid an event out has not written it as JSON yet.
    return lambda items: [plan(item) for item in items] if isinstance(items, list | tuple) else None


def _fields(left_out: frozenset[str], put: Mapping[str, Reduce]) -> Reduce:
    def reduce(document: Any) -> Any:
        if not isinstance(document, Mapping):
            return None
        return {
            name: put[name](value) if name in put else value for name, value in document.items() if name not in left_out
        }

    return reduce


def _known_fields(put: Mapping[str, Reduce]) -> Reduce:
    def reduce(document: Any) -> Any:
        if not isinstance(document, Mapping):
            return None
        return {name: put[name](value) for name, value in document.items() if name in put}

    return reduce
