"""Error answers name the fields of our API and no key that a caller made up."""

import pytest

from carewire_runtime.http.field_names import declared_names, field_name

DECLARED = declared_names(
    {
        "paths": {"/v1/x": {"properties": {"not_a_component": {}}}},
        "components": {
            "schemas": {
                "A": {"properties": {"mapping": {"type": "object"}, "items": {"items": {"$ref": "B"}}}},
                "B": {"anyOf": [{"properties": {"path": {}}}, {"type": "null"}]},
            }
        },
    }
)
BODY = {"first": 1, "Iris Example": 2, "mapping": {"a": 1, "Iris": {"path": 1}}, "items": [{"path": 1}, {"Iris": 2}]}


def test_every_property_of_every_component_is_declared() -> None:
    assert sorted(DECLARED) == ["items", "mapping", "path"]


@pytest.mark.parametrize(
    ("location", "name"),
    [
        ((), ""),
        (("mapping",), "mapping"),
        (("missing",), "missing"),
        (("Iris Example",), "(entry 2)"),
        (("mapping", "Iris"), "mapping.(entry 2)"),
        (("mapping", "Iris", "path"), "mapping.(entry 2).path"),
        (("mapping", "Iris", "[key]"), "mapping.(entry 2).[key]"),
        (("items", 1, "Iris"), "items.1.(entry 1)"),
        (("items", 7, "path"), "items.7.path"),
        (("items", "list[str]", 1, "Iris"), "items.list[str].1.(entry 1)"),
    ],
)
def test_a_field_is_named_by_what_we_declare(location: tuple[int | str, ...], name: str) -> None:
    assert field_name(location, BODY, DECLARED) == name


def test_without_a_readable_body_the_validator_s_words_stand_alone() -> None:
    assert field_name((12,), None, DECLARED) == "12"
    assert field_name(("limit",), b"{", DECLARED) == "limit"
