"""Names of fields in error answers: those that our API declares, never those that a caller made up.

A key of an object may be as telling as a value. So a key that the API does not declare is told by its place in its
object: the caller can count, and nobody else can read.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import is_dataclass
from typing import Any, get_args, get_type_hints

from pydantic import BaseModel


def declared_names(types: Iterable[Any]) -> frozenset[str]:
    """Every name of a field that models and dataclasses declare, those within them included.

    The OpenAPI document would tell as much, but takes half a second to be written.
    """
    names: set[str] = set()
    seen: set[type] = set()
    waiting = list(types)
    while waiting:
        declared = waiting.pop()
        if isinstance(declared, type):
            if declared in seen:  # a model may hold others of its kind
                continue
            seen.add(declared)
        inner, own = _parts(declared)
        waiting += inner
        names.update(own)
    return frozenset(names)


def field_name(location: Iterable[int | str], body: Any, declared: Collection[str]) -> str:
    """The dotted name of a field at a place of a body, as in `mapping.(entry 2).path`.

    A part that is no key of the body there is a word of the validator's own, such as the kind of a union.
    """
    parts: list[str] = []
    for part in location:
        here = body
        if isinstance(here, Mapping) and part in here:
            parts.append(str(part) if part in declared else f"(entry {list(here).index(part) + 1})")
            body = here[part]
        else:
            parts.append(str(part))
            body = here[part] if isinstance(here, list) and isinstance(part, int) and part < len(here) else here
    return ".".join(parts)


def _parts(declared: Any) -> tuple[Iterable[Any], Iterable[str]]:
    """The types that a type is made of, and the names of its own fields."""
    if isinstance(declared, type) and issubclass(declared, BaseModel):
        fields = declared.model_fields
        aliases = (field.alias for field in fields.values() if field.alias is not None)
        return [field.annotation for field in fields.values()], [*fields, *aliases]
    if isinstance(declared, type) and is_dataclass(declared):
        hints = get_type_hints(declared)
        return hints.values(), hints
    return get_args(declared), ()
