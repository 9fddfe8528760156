"""What differs between two definitions: nodes that came, went, and changed, each found again by its kind and id.

A node that moved to another home has changed its `home`; one whose children stand in another order has changed the
field that holds them. Children that came or went are told as themselves, not as a change of their home.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from carewire_contracts.definition import CareFlowDefinition
from carewire_contracts.record import record


@record()
class NodeName:
    """A node by its kind and id, with its title for people."""

    kind: str
    id: str
    title: str | None


@record()
class FieldChange:
    """A field by its path in its node, such as `rule.all.0.operand`; None stands for no value."""

    path: str
    before: Any
    after: Any


@record()
class NodeChange:
    """A node, as it is called afterwards, with its fields that differ."""

    node: NodeName
    fields: tuple[FieldChange, ...]


@record()
class DefinitionDiff:
    """All that differs, in the order of the documents."""

    added: tuple[NodeName, ...]
    removed: tuple[NodeName, ...]
    changed: tuple[NodeChange, ...]


_CHILDREN: Final[Mapping[str, Mapping[str, str]]] = {
    "definition": {
        "data_points": "data_point",
        "stakeholders": "stakeholder",
        "forms": "form",
        "tracks": "track",
        "triggers": "trigger",
    },
    "form": {"questions": "question"},
    "track": {"steps": "step", "timers": "timer", "transitions": "transition"},
    "step": {"actions": "action"},
}
"""The fields of each kind of node that hold other nodes, and the kind of these."""

_Key: TypeAlias = tuple[str, str]


@record()
class _Node:
    """A node without its children, whose ids stand for them."""

    name: NodeName
    fields: Mapping[str, Any]
    children: Mapping[str, Sequence[str]]


def diff(before: CareFlowDefinition, after: CareFlowDefinition) -> DefinitionDiff:
    """What has to be done to the one definition to make it the other."""
    old, new = _nodes(before), _nodes(after)
    changes = (NodeChange(new[key].name, tuple(_changes(old[key], new[key]))) for key in new if key in old)
    return DefinitionDiff(
        added=tuple(node.name for key, node in new.items() if key not in old),
        removed=tuple(node.name for key, node in old.items() if key not in new),
        changed=tuple(change for change in changes if change.fields),
    )


def _nodes(definition: CareFlowDefinition) -> dict[_Key, _Node]:
    document = definition.model_dump(mode="json")
    # Two definitions are compared as one and the same, whatever their own ids.
    return {(node.name.kind, key): node for key, node in _walk("definition", document, home=None)}


def _walk(kind: str, document: dict[str, Any], home: str | None) -> Iterator[tuple[str, _Node]]:
    holds = _CHILDREN.get(kind, {})
    fields = {name: value for name, value in document.items() if name not in holds}
    if home is not None:
        fields["home"] = home
    children = {name: [child["id"] for child in document[name]] for name in holds}
    name = NodeName(kind, document["id"], document.get("title"))
    yield "" if kind == "definition" else document["id"], _Node(name, fields, children)
    inner_home = None if kind == "definition" else document["id"]
    for field, child_kind in holds.items():
        for child in document[field]:
            yield from _walk(child_kind, child, inner_home)


def _changes(before: _Node, after: _Node) -> Iterator[FieldChange]:
    yield from _value_changes("", before.fields, after.fields)
    for field, ids in after.children.items():
        both = set(before.children[field]).intersection(ids)
        old = [one for one in before.children[field] if one in both]
        new = [one for one in ids if one in both]
        if old != new:
            yield FieldChange(field, old, new)


def _value_changes(path: str, before: Any, after: Any) -> Iterator[FieldChange]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in dict.fromkeys([*before, *after]):
            yield from _value_changes(f"{path}.{name}" if path else name, before.get(name), after.get(name))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _value_changes(f"{path}.{index}", old, new)
    elif before != after or isinstance(before, bool) is not isinstance(after, bool):  # to Python, 1 equals True
        yield FieldChange(path, before, after)
