"""Error answers name the fields of our API and no key that a caller made up."""

from dataclasses import dataclass
from typing import Annotated

import pytest
from pydantic import BaseModel, Field

from carewire_runtime.http.field_names import declared_names, field_name


@dataclass
class Source:
    path: str
    within: "Source | None" = None


class Entry(BaseModel):
    sources: dict[str, Source]
    others: "list[Entry]"


class Form(BaseModel):
    mapping: Annotated[dict[str, Annotated[Entry | None, Field(description="not_a_field")]], ["unhashable"]]
    items: tuple[Entry, ...] | str
    kind: str = Field(alias="type")


DECLARED = declared_names([Form])
BODY = {"first": 1, "Iris Example": 2, "mapping": {"a": 1, "Iris": {"path": 1}}, "items": [{"path": 1}, {"Iris": 2}]}


def test_every_field_of_models_and_dataclasses_is_declared_however_deep() -> None:
    assert sorted(DECLARED) == ["items", "kind", "mapping", "others", "path", "sources", "type", "within"]


@pytest.mark.parametrize("plain", [str, None, list[int], "a name", dict[str, object]])
def test_what_has_no_fields_declares_nothing(plain: object) -> None:
    assert declared_names([plain]) == frozenset()


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
