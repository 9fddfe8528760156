"""Whether a changed JSON Schema still suits the readers of the one that was released.

A reader of the old schema must understand everything that a writer of the new one sends; and of a document that
people write, what they wrote by the old schema must still be one by the new. So a field must
not vanish (a rename is a vanishing), nor stop being sent always, nor change its type, nor be held to tighter bounds;
a list of values may grow, for a reader has to pass over what it does not know, but not shrink.
And a consumer that generates test data from the new schema must not find a field required that was not there:
a newly required field is refused as well, as it would make stored events of the same version invalid.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

Schema = Mapping[str, Any]

_LOWEST: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems")
_HIGHEST: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")
_EXACT: Final = ("pattern", "format")


def breaking_changes(released: Schema, current: Schema) -> list[str]:
    """Name each change that breaks a reader, with the path of its field; an empty list means compatible."""
    old, new = _Document(released), _Document(current)
    return sorted(set(_compare(old, released, new, current, "", frozenset())))


class _Document:
    def __init__(self, schema: Schema) -> None:
        self._defs: Mapping[str, Schema] = schema.get("$defs", {})

    def resolve(self, node: Schema) -> Schema:
        reference = str(node.get("$ref", "")).rpartition("/")[2]
        return self.resolve(self._defs[reference]) if reference else node

    def branches(self, node: Schema) -> list[Schema]:
        """The alternatives of a node, itself where it has none."""
        node = self.resolve(node)
        alternatives = (*node.get("anyOf", ()), *node.get("oneOf", ()))
        return [branch for one in alternatives for branch in self.branches(one)] or [node]

    def twin(self, node: Schema, of: Schema) -> Schema | None:
        """The alternative of a node that stands for an object of another document, known by its title.

        The only one there is stands for it whatever its title: a renamed model is no change of what is written.
        """
        objects = [branch for branch in self.branches(node) if branch.get("type") == "object"]
        if len(objects) == 1:
            return objects[0]
        return next((branch for branch in objects if branch.get("title") == of.get("title")), None)

    def types(self, node: Schema) -> set[str]:
        """JSON types that a value may have; the empty set means any."""
        found = {str(branch.get("type", "")) for branch in self.branches(node)}
        return set() if "" in found else found

    def values(self, node: Schema) -> set[str] | None:
        """The enumerated values, or None where any value of the type will do."""
        allowed: set[str] = set()
        for branch in self.branches(node):
            if "const" in branch:
                allowed.add(repr(branch["const"]))
            elif "enum" in branch:
                allowed |= {repr(value) for value in branch["enum"]}
            elif branch.get("type") != "null":
                return None
        return allowed or None


def _compare(
    old: _Document, before: Schema, new: _Document, after: Schema, path: str, seen: frozenset[int]
) -> Iterator[str]:
    for node in old.branches(before):
        if id(node) in seen:
            continue
        inner = seen | {id(node)}
        if node.get("type") == "object" and "properties" in node:
            twin = new.twin(after, node)
            if twin is not None:
                yield from _compare_objects(old, node, new, twin, path, inner)
            elif "object" in new.types(after):
                yield f"{path}: alternative {node.get('title')} removed"
        elif "items" in node:
            twin = next((b for b in new.branches(after) if "items" in b), None)
            if twin is not None:
                yield from _compare_field(old, node["items"], new, twin["items"], f"{path}[]", inner)


def _compare_objects(
    old: _Document, before: Schema, new: _Document, after: Schema, path: str, seen: frozenset[int]
) -> Iterator[str]:
    fields, now = before["properties"], after.get("properties", {})
    was_required, is_required = set(before.get("required", ())), set(after.get("required", ()))
    for name in fields:
        place = f"{path}.{name}" if path else name
        if name not in now:
            yield f"{place}: removed or renamed"
        else:
            yield from _compare_field(old, fields[name], new, now[name], place, seen)
    for name in is_required - was_required:
        yield f"{f'{path}.{name}' if path else name}: newly required"
    for name in (was_required - is_required) & set(now):
        yield f"{f'{path}.{name}' if path else name}: no longer always sent"


def _compare_field(
    old: _Document, before: Schema, new: _Document, after: Schema, path: str, seen: frozenset[int]
) -> Iterator[str]:
    was, now = old.types(before), new.types(after)
    if was != now:
        yield f"{path}: its type changed from {_name(was)} to {_name(now)}"
    allowed, allows = old.values(before), new.values(after)
    if allowed is None and allows is not None:
        yield f"{path}: narrowed to a list of values"
    elif allowed is not None and allows is not None and allowed - allows:
        yield f"{path}: values removed"
    yield from _tighter_bounds(old.branches(before), new.branches(after), path)
    yield from _compare(old, before, new, after, path, seen)


def _tighter_bounds(before: list[Schema], after: list[Schema], path: str) -> Iterator[str]:
    for branch in before:
        twin: Schema = next((one for one in after if one.get("type") == branch.get("type")), {})
        for keyword in (*_LOWEST, *_HIGHEST, *_EXACT):
            if keyword in twin and _is_tighter(keyword, branch.get(keyword), twin[keyword]):
                yield f"{path}: narrowed by {keyword}"


def _is_tighter(keyword: str, was: Any, now: Any) -> bool:
    if was is None or keyword in _EXACT:
        return bool(was != now)
    return bool(now > was if keyword in _LOWEST else now < was)


def _name(types: set[str]) -> str:
    return " or ".join(sorted(types)) or "anything"
