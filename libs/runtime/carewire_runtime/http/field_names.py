"""Names of fields in error answers: those that our API declares, never those that a caller made up.

A key of an object may be as telling as a value. So a key that the API does not declare is told by its place in its
object: the caller can count, and nobody else can read.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any


def declared_names(openapi: Mapping[str, Any]) -> frozenset[str]:
    """Every name of a property that an OpenAPI document declares."""
    return frozenset(_property_names(openapi.get("components", {})))


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


def _property_names(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        if isinstance(properties := node.get("properties"), Mapping):
            yield from properties
        for inner in node.values():
            yield from _property_names(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _property_names(inner)
