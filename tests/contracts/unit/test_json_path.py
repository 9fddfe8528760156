from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonpath import JSONPathEnvironment

from carewire_contracts.json_path import InvalidPath, JsonPath, Miss

DOCUMENT = {
    "a": {"b": [10, 20, {"c": None}], "x y": "spaced", "$": "dollar"},
    "events": [{"type": "new", "id": 1}, {"type": "old", "id": 2}],
    "text": "abc",
}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$", DOCUMENT),
        ("$.a.b[0]", 10),
        ("$.a.b[-1].c", None),
        ("$['a']['x y']", "spaced"),
        ("$.a['$']", "dollar"),
        ("$.events[?@.type == 'new'].id", 1),
        ("$..c", None),
        ("$.a.b[0:1]", 10),
        ("$.missing", Miss.NO_MATCH),
        ("$.a.b[3]", Miss.NO_MATCH),
        ("$.a.b[-4]", Miss.NO_MATCH),
        ("$.a[0]", Miss.NO_MATCH),
        ("$.text[0]", Miss.NO_MATCH),
        ("$.text.length", Miss.NO_MATCH),
        ("$.events[?@.type == 'none'].id", Miss.NO_MATCH),
        ("$.events[*].id", Miss.SEVERAL_MATCHES),
        ("$..id", Miss.SEVERAL_MATCHES),
    ],
)
def test_a_path_finds_its_one_value_or_says_why_not(path: str, found: object) -> None:
    assert JsonPath(path).find(DOCUMENT) == found


@pytest.mark.parametrize("path", ["", "a.b", "$.a ", "$.", "$.a | $.b", "^.a", "$[?_.x]", "$..a..b", "$." + "a" * 2000])
def test_a_path_that_is_not_rfc_9535_is_refused_with_its_reason(path: str) -> None:
    with pytest.raises(InvalidPath, match=r"\w+"):
        JsonPath(path)


def test_a_string_payload_is_never_read_as_json_text() -> None:
    assert JsonPath("$..a").find('{"a": 1}') is Miss.NO_MATCH
    assert JsonPath("$").find('{"a": 1}') == '{"a": 1}'


def test_a_payload_nested_beyond_the_librarys_depth_is_told_apart() -> None:
    deep: object = 1
    for _ in range(500):
        deep = [deep]
    assert JsonPath("$..a").find(deep) is Miss.TOO_DEEP
    assert JsonPath("$.a").find(deep) is Miss.NO_MATCH


def test_paths_with_the_same_text_are_equal() -> None:
    assert JsonPath("$.a") == JsonPath("$.a")
    assert JsonPath("$.a") != JsonPath("$.b")
    assert len({JsonPath("$.a"), JsonPath("$.a")}) == 1


@given(json_values, st.sampled_from(["$", "$.a", "$[0]", "$..a", "$[*]", "$[?@.a]", "$['']", "$[-1].a"]))
def test_finding_never_raises(payload: object, path: str) -> None:
    JsonPath(path).find(payload)


def found_by_the_library(path: str, payload: Any) -> list[object]:
    return [] if isinstance(payload, str) else JSONPathEnvironment(strict=True).compile(path).findall(payload)


@given(json_values, st.sampled_from(["$.a.b", "$[0][1]", "$['']", "$[-1]", "$.a[0]"]))
def test_the_plain_walk_agrees_with_the_library(payload: object, path: str) -> None:
    matches = found_by_the_library(path, payload)
    if not isinstance(payload, str):
        assert JsonPath(path).find(payload) == (matches[0] if matches else Miss.NO_MATCH)


trees = st.recursive(
    st.sampled_from(["", "ab", 0, None, True]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner),
    max_leaves=12,
)
WALKS = [
    "$.a.b",
    "$[0].a",
    "$.a[0].b",
    "$.a.b[-1].a",
    "$[1].a.b.a",
    "$[0][0]",
    "$.a[0][0]",
    "$.a.b.a[0]",
    "$.a.b.a.b.a",
]


@given(trees.filter(lambda tree: not isinstance(tree, str)), st.sampled_from(WALKS))
def test_walks_of_every_length_agree_with_the_library_whatever_stands_on_the_way(payload: object, path: str) -> None:
    matches = found_by_the_library(path, payload) if isinstance(payload, dict | list) else []
    assert JsonPath(path).find(payload) == (matches[0] if matches else Miss.NO_MATCH)


texts = st.sampled_from(["x", "it's", ""])
entries = st.fixed_dictionaries({}, optional={"url": texts | json_values, "at": st.fixed_dictionaries({"url": texts})})
extended = st.fixed_dictionaries(
    {"list": st.lists(entries | texts | json_values, max_size=4) | st.dictionaries(st.text(max_size=1), entries)}
)
FILTERS = [
    "$.list[?@.url == 'x']",
    "$.list[?@.url == 'x'].at.url",
    "$.list[?@.url == ''].missing",
    r"$.list[?@.url == 'it\'s'].at",
    "$.list[?@.at['url'] == \"x\"]",
    "$.list[?@ == 'x']",
    "$.list[?@[0] == 'x']",
    "$[?@[0].url == 'x'][0].at",
    "$.list[?@.url == 'x'].at[?@ == 'x']",
]


@given(extended, st.sampled_from(FILTERS))
def test_filters_by_text_agree_with_the_library(payload: dict[str, Any], path: str) -> None:
    matches = found_by_the_library(path, payload)
    expected = Miss.NO_MATCH if not matches else matches[0] if len(matches) == 1 else Miss.SEVERAL_MATCHES
    assert JsonPath(path).find(payload) == expected


@pytest.mark.parametrize("path", FILTERS)
def test_filters_by_text_take_no_library(path: str) -> None:
    assert not isinstance(JsonPath(path).find, partial)
