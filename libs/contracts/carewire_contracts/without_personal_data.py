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
def without_personal_data(event_type: str) -> Reduce:
    """How events of a type are reduced: takes one as a JSON object and answers another, touching none.

    Raises KeyError where there is no such type.
    """
    schema = EVENT_CATALOGUE[event_type].schema()
    plan: Reduce | None = _plan(schema, schema.get("$defs", {}))
    return plan or _as_it_is


def _as_it_is(value: Any) -> Any:
    return value


def _plan(node: Schema, defs: Schema) -> Any:
    if node.get("x-personal-data"):
        return _GONE
    if "$ref" in node:
        return _plan(defs[node["$ref"].rpartition("/")[2]], defs)
    for branch in node.get("anyOf", ()):
        if (plan := _plan(branch, defs)) is not None:
            return plan
    if "items" in node:
        plan = _plan(node["items"], defs)
        return plan if plan is None or plan is _GONE else _each(plan)
    return _plan_of_object(node, defs)


def _plan_of_object(node: Schema, defs: Schema) -> Any:
    required = node.get("required", ())
    left_out: set[str] = set()
    put: dict[str, Reduce] = {}
    for name, field in node.get("properties", {}).items():
        plan = _plan(field, defs)
        if plan is not _GONE:
            if plan is not None:
                put[name] = plan
        elif name not in required:
            left_out.add(name)
        elif (least := _least(field)) is _GONE:
            return _GONE
        else:
            put[name] = _always(least)
    return _fields(frozenset(left_out), put) if left_out or put else None


def _least(field: Schema) -> Any:
    """The least that a field may say which has to be there."""
    if not field.keys() & {"$ref", "type", "anyOf"} or {"type": "null"} in field.get("anyOf", ()):
        return None
    return [] if field.get("type") == "array" else _GONE


def _always(value: Any) -> Reduce:
    return lambda _: value


def _each(plan: Reduce) -> Reduce:
    return lambda items: None if items is None else [plan(item) for item in items]


def _fields(left_out: frozenset[str], put: Mapping[str, Reduce]) -> Reduce:
    def reduce(document: Mapping[str, Any] | None) -> Any:
        if document is None:
            return None
        return {
            name: put[name](value) if name in put else value for name, value in document.items() if name not in left_out
        }

    return reduce
