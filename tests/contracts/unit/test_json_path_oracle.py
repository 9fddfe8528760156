"""Our walk and the library's search answer alike, for any path over any payload; and RFC 9535's own examples hold."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonpath import JSONPathEnvironment

from carewire_contracts.json_path import MAX_PATH_LENGTH, InvalidPath, JsonPath, Miss

NAMES = ["a", "b", "x y", "it's", "\u00e9", "0", "", "length"]

names = st.sampled_from(NAMES)
scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["a", "it's", "", "\u00e9"])
payloads = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=25,
)
containers = st.lists(payloads, max_size=4) | st.dictionaries(names, payloads, max_size=4)


def quoted(name: str) -> str:
    return "'" + name.replace("'", "\\'") + "'"


steps = st.one_of(
    st.sampled_from(["a", "b", "length", "\u00e9"]).map(lambda name: f".{name}"),
    names.map(lambda name: f"[{quoted(name)}]"),
    names.map(lambda name: f'["{name}"]'),
    st.integers(-4, 4).map(lambda index: f"[{index}]"),
    st.sampled_from(["[*]", ".*", "[0:2]", "[::-1]", "['a','b']", "[0,0]"]),
    st.tuples(names, names).map(lambda pair: f"[?@[{quoted(pair[0])}] == {quoted(pair[1])}]"),
    st.sampled_from(["[?@.a]", "[?@.a != 'a']", "[?@.a > 1]", "[?length(@) > 1]", "[?@ == 'a']", "[?@.a == 1]"]),
)
paths = st.lists(steps, max_size=4).map(lambda parts: "$" + "".join(parts))
descending = st.tuples(paths, st.sampled_from(["..a", "..*", "..[0]"])).map("".join)


def expected(path: str, payload: Any) -> object:
    """What the library finds, in our words."""
    matches = JSONPathEnvironment(strict=True).compile(path).findall(payload)
    if len(matches) > 1:
        return Miss.SEVERAL_MATCHES
    return matches[0] if matches else Miss.NO_MATCH


@given(containers, paths)
@settings(max_examples=200)
def test_any_path_finds_what_the_library_finds(payload: Any, path: str) -> None:
    found = JsonPath(path).find(payload)
    assert (type(found), found) == (type(expected(path, payload)), expected(path, payload))


@given(containers, descending)
@settings(deadline=None)
def test_a_path_that_descends_finds_what_the_library_finds(payload: Any, path: str) -> None:
    assert JsonPath(path).find(payload) == expected(path, payload)


@given(containers)
def test_every_value_is_found_at_its_own_place(payload: Any) -> None:
    """The place of each value, written as RFC 9535's normalised path, leads back to that very value."""
    for match in JSONPathEnvironment(strict=True).compile("$..*").finditer(payload):
        place = "$" + "".join(f"[{part}]" if isinstance(part, int) else f"[{quoted(part)}]" for part in match.parts)
        assert JsonPath(place).find(payload) is match.obj


@given(scalars, paths)
def test_nothing_is_below_a_scalar(payload: Any, path: str) -> None:
    found = JsonPath(path).find(payload)
    assert found is payload if path == "$" else found is Miss.NO_MATCH


BOOKSTORE: dict[str, Any] = {
    "store": {
        "book": [
            {"category": "reference", "author": "Nigel Rees", "title": "Sayings of the Century", "price": 8.95},
            {"category": "fiction", "author": "Evelyn Waugh", "title": "Sword of Honour", "price": 12.99},
            {"category": "fiction", "author": "Herman Melville", "title": "Moby Dick", "isbn": "0-553-21311-3"},
        ],
        "bicycle": {"color": "red", "price": 399},
    }
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$.store.book[0].title", "Sayings of the Century"),
        ("$['store']['book'][0]['title']", "Sayings of the Century"),
        ("$.store.book[-1].author", "Herman Melville"),
        ("$..bicycle.color", "red"),
        ("$..book[2].author", "Herman Melville"),
        ("$..book[?@.isbn].title", "Moby Dick"),
        ("$.store.book[?@.price < 10].title", "Sayings of the Century"),
        ("$.store.book[?@.author == 'Evelyn Waugh'].price", 12.99),
        ("$.store.book[?@.category == 'fiction' && @.price].title", "Sword of Honour"),
        ("$.store.book[?@.category == 'fiction'].title", Miss.SEVERAL_MATCHES),
        ("$.store.*", Miss.SEVERAL_MATCHES),
        ("$..author", Miss.SEVERAL_MATCHES),
        ("$..book[9]", Miss.NO_MATCH),
        ("$.store.book[?@.price > 1000]", Miss.NO_MATCH),
    ],
)
def test_the_examples_of_the_standard(path: str, found: object) -> None:
    assert JsonPath(path).find(BOOKSTORE) == found


@pytest.mark.parametrize(
    ("payload", "path", "found"),
    [
        ({"a": False}, "$.a", False),
        ({"a": 0}, "$.a", 0),
        ({"a": ""}, "$.a", ""),
        ({"a": []}, "$.a", []),
        ({"a": {}}, "$.a", {}),
        ({"a": None}, "$.a", None),
        ({"a": None}, "$.a.b", Miss.NO_MATCH),
        ([True], "$[1]", Miss.NO_MATCH),
        ({"1": "name"}, "$[1]", Miss.NO_MATCH),
        (["place"], "$['0']", Miss.NO_MATCH),
        ({"a": ["x"]}, "$.a[-1]", "x"),
        ({"a": []}, "$.a[-1]", Miss.NO_MATCH),
    ],
)
def test_an_empty_value_is_a_value_and_a_name_is_no_index(payload: Any, path: str, found: object) -> None:
    answer = JsonPath(path).find(payload)
    assert (type(answer), answer) == (type(found), found)


def test_a_path_shows_what_staff_wrote_and_equals_no_other_text() -> None:
    assert repr(JsonPath("$['a']")) == "JsonPath(\"$['a']\")"
    assert JsonPath("$['a']") != JsonPath("$.a"), "though both lead to one place"
    assert JsonPath("$.a") != "$.a"


def test_the_longest_path_is_still_taken_and_one_more_is_not() -> None:
    longest = "$." + "a" * (MAX_PATH_LENGTH - 2)
    assert JsonPath(longest).text == longest
    with pytest.raises(InvalidPath, match=str(MAX_PATH_LENGTH)):
        JsonPath(longest + "a")


@given(st.text(max_size=30) | st.text(alphabet="$.[]'\"*?@ab01:,()=<>!&| ", max_size=30).map(lambda text: f"${text}"))
@settings(max_examples=100)
def test_any_text_is_a_path_or_refused_with_a_reason(text: str) -> None:
    try:
        path = JsonPath(text)
    except InvalidPath as error:
        reason = str(error)
    else:
        reason = ""
        path.find(BOOKSTORE)
        assert path == JsonPath(path.text)
    assert reason or text.startswith("$")


@pytest.mark.parametrize("joined", ["$.a | $.b", "$.a & $.b", "$.a|$.b", "$.a, $.b", "$.a $.b"])
def test_paths_are_not_joined(joined: str) -> None:
    with pytest.raises(InvalidPath, match="RFC 9535"):
        JsonPath(joined)


@given(st.integers(1, 3), st.sampled_from(["..a", "..*", "..[0]"]))
def test_a_path_descends_once_at_most_for_each_costs_the_size_of_the_payload(times: int, descent: str) -> None:
    text = "$" + descent * times
    if times == 1:
        JsonPath(text)
    else:
        with pytest.raises(InvalidPath, match="once"):
            JsonPath(text)


@pytest.mark.parametrize(
    "text", ["$[?@..a]", "$.a[?@.b == 1 && count(@..c) > 1]", "$..[?@[?@.a]]", "$..a[?@.b == '..']", "$..[?!$.a.b]"]
)
def test_a_filter_may_descend_where_its_path_does_not(text: str) -> None:
    JsonPath(text)


@pytest.mark.parametrize(
    "text",
    [
        "$..[?@..a]",
        "$..a[?@.b == 1 && count(@..c) > 1]",
        "$[?@..[?@..a]]",
        "$[?@[?@..a] || !@..b]",
        "$..[?$..a]",
        "$[?(@.a && (@..b || value(@..c) == 1))]",
    ],
)
def test_within_its_filters_a_path_descends_no_second_time(text: str) -> None:
    """Three descents within each other took 3 s for a payload of 3 KB, and the process with them."""
    with pytest.raises(InvalidPath, match="filters included"):
        JsonPath(text)
