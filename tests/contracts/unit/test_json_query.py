"""Queries: every match with its place, and what a condition sees at a path."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonpath import JSONPathEnvironment

from carewire_contracts.json_path import InvalidPath, JsonPath, Miss
from carewire_contracts.json_query import JsonQuery, Match

DOCUMENT: dict[str, Any] = {
    "a": 1,
    "nothing": None,
    "items": [{"code": "x", "v": 1}, {"code": "y", "v": 2}, {"code": "x", "v": 3}],
}


@pytest.mark.parametrize(
    ("path", "places"),
    [
        ("$", [()]),
        ("$.a", [("a",)]),
        ("$.missing", []),
        ("$.items[1].v", [("items", 1, "v")]),
        ("$.items[-1].v", [("items", 2, "v")]),
        ("$.items[*].code", [("items", 0, "code"), ("items", 1, "code"), ("items", 2, "code")]),
        ("$.items[?@.code == 'x'].v", [("items", 0, "v"), ("items", 2, "v")]),
        ("$.items[0:2]", [("items", 0), ("items", 1)]),
        ("$..v", [("items", 0, "v"), ("items", 1, "v"), ("items", 2, "v")]),
        ("$['a','nothing']", [("a",), ("nothing",)]),
        ("$['a','a']", [("a",), ("a",)]),
    ],
)
def test_every_match_is_found_with_its_place(path: str, places: list[tuple[str | int, ...]]) -> None:
    matches = JsonQuery(path).matches(DOCUMENT)
    assert matches is not None
    assert [match.place for match in matches] == places


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        pytest.param("$.a", 1, id="one match is its value"),
        pytest.param("$.items[1]", {"code": "y", "v": 2}, id="be it an object"),
        pytest.param("$.items[?@.code == 'y'].v", 2, id="one match of a filter is its value"),
        pytest.param("$.items[?@.code == 'x'].v", [1, 3], id="several are an array"),
        pytest.param("$.items[*].code", ["x", "y", "x"], id="in the order of the document"),
        pytest.param("$.items[?@.code == 'z'].v", None, id="no match is nothing"),
        pytest.param("$.nothing", None, id="null is nothing"),
    ],
)
def test_what_a_condition_sees(path: str, seen: object) -> None:
    assert JsonQuery(path).seen(DOCUMENT) == seen


@pytest.mark.parametrize("payload", ['{"a": 1}', "text", 4, None, True])
def test_a_scalar_payload_has_nothing_below_it(payload: object) -> None:
    assert JsonQuery("$").matches(payload) == [Match((), payload)]
    assert JsonQuery("$.a").matches(payload) == []
    assert JsonQuery("$..a").seen(payload) is None


def nested(depth: int, innermost: object = 1) -> object:
    value = innermost
    for _ in range(depth):
        value = [value]
    return value


def test_a_payload_that_is_nested_too_deeply_cannot_be_searched() -> None:
    assert JsonQuery("$..a").matches(nested(500)) is None
    assert JsonQuery("$..a").seen(nested(500)) is None


def test_a_comparison_of_deep_values_ends() -> None:
    payload = [{"a": nested(5_000), "b": nested(5_000)}]
    assert JsonQuery("$[?@.a == @.b]").matches(payload) is None


@pytest.mark.parametrize("path", ["", "a", "$.a | $.b", "$..a..b"])
def test_a_query_is_any_path_that_a_mapping_may_use(path: str) -> None:
    with pytest.raises(InvalidPath):
        JsonQuery(path)


def test_neither_a_query_nor_a_match_shows_a_value() -> None:
    assert repr(JsonQuery("$.a")) == "JsonQuery('$.a')"
    assert "secret" not in repr(Match(("a", 0), "secret"))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["a", "b", '{"a": 1}']),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=12,
)
queries = st.sampled_from(["$", "$.a", "$[0]", "$[*]", "$..a", "$.a[*].b", "$[?@.a == 'b']", "$['a','b']", "$..*"])


@given(json_values, queries)
def test_each_place_leads_to_its_value(payload: Any, path: str) -> None:
    for match in JsonQuery(path).matches(payload) or ():
        node = payload
        for step in match.place:
            node = node[step]
        assert node is match.value


@given(json_values, queries)
def test_it_agrees_with_the_path_of_a_mapping(payload: Any, path: str) -> None:
    query, found = JsonQuery(path), JsonPath(path).find(payload)
    matches = query.matches(payload)
    assert matches is not None
    if len(matches) > 1:
        assert found is Miss.SEVERAL_MATCHES
        assert query.seen(payload) == [match.value for match in matches]
    else:
        assert found == (matches[0].value if matches else Miss.NO_MATCH)
        assert query.seen(payload) == (None if found is Miss.NO_MATCH else found)


NODES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=12,
)
STEPS = st.lists(st.sampled_from("abc").map(lambda name: f".{name}") | st.integers(-2, 2).map(lambda i: f"[{i}]"))


@given(NODES, STEPS)
def test_names_and_indexes_lead_where_a_general_query_leads(payload: Any, steps: list[str]) -> None:
    text = "".join(["$", *steps])
    found = JsonQuery(text).matches(payload)
    general = JSONPathEnvironment(strict=True).finditer(text, payload) if isinstance(payload, dict | list) else []
    expected = [(match.parts, match.obj) for match in general] or ([((), payload)] if not steps else [])
    assert found is not None
    assert [(match.place, match.value) for match in found] == expected
