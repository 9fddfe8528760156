"""Compatibility of the shapes that are easily missed: alternatives, recursion, references, lists of lists."""

from typing import Any

import pytest

from carewire_contracts.schema_compatibility import breaking_changes

STRING = {"type": "string"}
NUMBER = {"type": "number"}
NULL = {"type": "null"}


def thing(title: str, *fields: str, required: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"type": "object", "title": title, "properties": dict.fromkeys(fields, STRING), "required": list(required)}


def root(defs: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "required": [], "$defs": defs or {}}


def tree(*fields: str) -> dict[str, Any]:
    children = {"type": "array", "items": {"$ref": "#/$defs/Node"}}
    node = {"type": "object", "properties": {**dict.fromkeys(fields, STRING), "children": children}, "required": []}
    return root({"Node": node}, top={"$ref": "#/$defs/Node"})


def test_a_schema_that_refers_to_itself_is_compared_to_its_end() -> None:
    assert breaking_changes(tree("name", "note"), tree("name", "note")) == []
    assert breaking_changes(tree("name", "note"), tree("name")) == ["top.note: removed or renamed"]


CAT, DOG = thing("Cat", "purr", required=("purr",)), thing("Dog", "bark")


@pytest.mark.parametrize("choice", ["anyOf", "oneOf"])
def test_of_alternatives_each_is_compared_with_the_one_of_its_title(choice: str) -> None:
    both = root(pet={choice: [CAT, DOG]})
    assert breaking_changes(both, root(pet={choice: [DOG, CAT]})) == []
    assert breaking_changes(both, root(pet={choice: [CAT, thing("Dog")]})) == ["pet.bark: removed or renamed"]
    assert breaking_changes(both, root(pet={choice: [thing("Cat", "purr"), DOG]})) == [
        "pet.purr: no longer always sent"
    ]


def test_an_alternative_that_is_gone_is_named() -> None:
    three = root(pet={"anyOf": [CAT, DOG, thing("Fish", "swim")]})
    assert breaking_changes(three, root(pet={"anyOf": [CAT, DOG]})) == ["pet: alternative Fish removed"]


def test_another_alternative_is_compatible() -> None:
    assert (
        breaking_changes(root(pet={"anyOf": [CAT, DOG]}), root(pet={"anyOf": [CAT, DOG, thing("Fish", "swim")]})) == []
    )


def test_an_object_that_is_alone_may_get_another_title() -> None:
    assert breaking_changes(root(pet=thing("Cat", "purr")), root(pet=thing("Tomcat", "purr"))) == []
    assert breaking_changes(root(pet=thing("Cat", "purr")), root(pet=thing("Tomcat"))) == [
        "pet.purr: removed or renamed"
    ]


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        (CAT, STRING, ["pet: its type changed from object to string"]),
        (STRING, CAT, ["pet: its type changed from string to object"]),
        ({"type": "array", "items": STRING}, STRING, ["pet: its type changed from array to string"]),
        ({"type": "array", "items": CAT}, CAT, ["pet: its type changed from array to object"]),
        ({"anyOf": [CAT, NULL]}, CAT, ["pet: its type changed from null or object to object"]),
        ({}, {"type": "string"}, ["pet: its type changed from anything to string"]),
        (STRING, {}, ["pet: its type changed from string to anything"]),
        ({"anyOf": [STRING, NUMBER]}, {"anyOf": [NUMBER, STRING]}, []),
        ({"anyOf": [STRING, {"anyOf": [NUMBER, NULL]}]}, {"type": ["x"], "anyOf": [STRING, NUMBER, NULL]}, []),
    ],
)
def test_a_field_of_another_type_is_named_once(before: dict[str, Any], after: dict[str, Any], named: list[str]) -> None:
    assert breaking_changes(root(pet=before), root(pet=after)) == named


def test_lists_in_lists_are_compared_to_their_innermost_items() -> None:
    def nested(item: dict[str, Any]) -> dict[str, Any]:
        return root(rows={"type": "array", "items": {"type": "array", "items": item}})

    assert breaking_changes(nested(CAT), nested(CAT)) == []
    assert breaking_changes(nested(STRING), nested(NUMBER)) == ["rows[][]: its type changed from string to number"]
    assert breaking_changes(nested(DOG), nested(thing("Dog"))) == ["rows[][].bark: removed or renamed"]


def test_a_definition_behind_a_reference_may_be_written_in_place() -> None:
    behind = root({"Cat": CAT}, pet={"$ref": "#/$defs/Cat"})
    assert breaking_changes(behind, root(pet=CAT)) == []
    assert breaking_changes(root(pet=CAT), behind) == []


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        ({"const": "a"}, {"enum": ["a", "b"]}, []),
        ({"enum": ["a", "b"]}, {"const": "a"}, ["kind: values removed"]),
        ({"anyOf": [{"const": "a"}, {"const": "b"}]}, {"enum": ["b", "a"]}, []),
        ({"anyOf": [{"enum": ["a"]}, NULL]}, {"anyOf": [{"enum": ["a", "b"]}, NULL]}, []),
        ({"enum": [1, "1"]}, {"enum": ["1"]}, ["kind: values removed"]),
    ],
)
def test_lists_of_values_may_only_grow(before: dict[str, Any], after: dict[str, Any], named: list[str]) -> None:
    assert breaking_changes(root(kind=before), root(kind=after)) == named
