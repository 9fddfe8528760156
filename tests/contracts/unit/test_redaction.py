"""Redaction: what is configured is shown nowhere, and the rest as it came."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.json_query import JsonQuery
from carewire_contracts.redaction import MARKER, redacted

PAYLOAD: dict[str, Any] = {
    "patient": {"name": "Ada", "born": "1958-11-03", "phones": ["1", "2"]},
    "contacts": [{"kind": "home", "name": "Bo"}, {"kind": "work", "name": "Cy"}],
    "surgery": {"date": "2026-03-01"},
}


def queries(*paths: str) -> list[JsonQuery]:
    return [JsonQuery(path) for path in paths]


@pytest.mark.parametrize(
    ("paths", "changed"),
    [
        pytest.param([], {}, id="no path"),
        pytest.param(["$.missing"], {}, id="no match"),
        pytest.param(
            ["$.patient.name"],
            {"patient": {"name": MARKER, "born": "1958-11-03", "phones": ["1", "2"]}},
            id="a scalar",
        ),
        pytest.param(["$.patient"], {"patient": MARKER}, id="an object"),
        pytest.param(
            ["$.patient.phones[0]"],
            {"patient": {"name": "Ada", "born": "1958-11-03", "phones": [MARKER, "2"]}},
            id="an item",
        ),
        pytest.param(
            ["$.contacts[*].name"],
            {"contacts": [{"kind": "home", "name": MARKER}, {"kind": "work", "name": MARKER}]},
            id="every match of a wildcard",
        ),
        pytest.param(
            ["$.contacts[?@.kind == 'work'].name"],
            {"contacts": [{"kind": "home", "name": "Bo"}, {"kind": "work", "name": MARKER}]},
            id="the match of a filter",
        ),
        pytest.param(
            ["$..name"],
            {
                "patient": {"name": MARKER, "born": "1958-11-03", "phones": ["1", "2"]},
                "contacts": [{"kind": "home", "name": MARKER}, {"kind": "work", "name": MARKER}],
            },
            id="wherever it stands",
        ),
        pytest.param(["$.patient", "$.patient.name"], {"patient": MARKER}, id="the outer, then the inner"),
        pytest.param(["$.patient.name", "$.patient"], {"patient": MARKER}, id="the inner, then the outer"),
        pytest.param(
            ["$.contacts[*].kind", "$.contacts[?@.kind == 'work'].name"],
            {"contacts": [{"kind": MARKER, "name": "Bo"}, {"kind": MARKER, "name": MARKER}]},
            id="a filter by what another path redacts still finds it",
        ),
        pytest.param(["$['patient','patient']"], {"patient": MARKER}, id="twice the same"),
    ],
)
def test_each_match_of_each_path_is_replaced_and_nothing_else(paths: list[str], changed: dict[str, Any]) -> None:
    assert redacted(PAYLOAD, queries(*paths)) == {**PAYLOAD, **changed}


@pytest.mark.parametrize("payload", [PAYLOAD, [1, 2], "text", 4, None])
def test_the_root_redacts_everything(payload: object) -> None:
    assert redacted(payload, queries("$")) == MARKER
    assert redacted(payload, queries("$", "$.patient.name", "$[0]")) == MARKER


def test_what_is_not_changed_is_not_copied() -> None:
    result: Any = redacted(PAYLOAD, queries("$.patient.name"))
    assert result["contacts"] is PAYLOAD["contacts"]
    assert redacted(PAYLOAD, queries("$.missing")) is PAYLOAD
    assert redacted(PAYLOAD, []) is PAYLOAD


def test_a_payload_nested_too_deeply_is_withheld() -> None:
    deep: object = "secret"
    for _ in range(500):
        deep = [deep]
    assert redacted(deep, queries("$.a", "$..name")) == MARKER


def test_a_payload_that_holds_the_marker_already_is_no_trouble() -> None:
    payload = {"a": MARKER, "b": {"c": MARKER}}
    assert redacted(payload, queries("$.a", "$.b.c")) == payload


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["a", MARKER, ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=15,
)
paths = st.lists(
    st.sampled_from(["$", "$.a", "$[0]", "$[*]", "$..a", "$.a[*].b", "$[?@.a == 'a']", "$['a','b']", "$..*", "$[-1]"]),
    max_size=3,
)


@given(json_values, paths)
def test_the_payload_stays_as_it_is(payload: Any, chosen: list[str]) -> None:
    before = deepcopy(payload)
    redacted(payload, queries(*chosen))
    assert payload == before


def at(payload: Any, place: tuple[str | int, ...]) -> Any:
    """What stands there, or the marker above it."""
    for step in place:
        if payload == MARKER:
            break
        payload = payload[step]
    return payload


def places(payload: Any, here: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    below = payload.items() if isinstance(payload, dict) else enumerate(payload) if isinstance(payload, list) else ()
    return [here, *(place for step, value in below for place in places(value, (*here, step)))]


@given(json_values, paths)
def test_a_scalar_is_shown_exactly_where_no_path_leads_to_it_or_above_it(payload: Any, chosen: list[str]) -> None:
    result = redacted(payload, queries(*chosen))
    hidden = {match.place for query in queries(*chosen) for match in query.matches(payload) or ()}
    for place in places(payload):
        value = at(payload, place)
        if any(place[:length] in hidden for length in range(len(place) + 1)):
            assert at(result, place) == MARKER
        elif not isinstance(value, dict | list):
            assert at(result, place) == value
            assert type(at(result, place)) is type(value)


@given(json_values, paths)
def test_redacting_twice_is_redacting_once(payload: Any, chosen: list[str]) -> None:
    fixed = [path for path in chosen if "?" not in path]
    once = redacted(payload, queries(*fixed))
    assert redacted(once, queries(*fixed)) == once
