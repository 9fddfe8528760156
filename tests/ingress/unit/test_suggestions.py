"""Suggestions: paths into a test payload, and what each could fill."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carewire_contracts.json_path import MAX_PATH_LENGTH, JsonPath
from carewire_contracts.requests import DataPointValue
from carewire_contracts.values import name_of
from carewire_ingress.domain.mapping import MappedDataPoint
from carewire_ingress.domain.suggestions import (
    MAX_DEPTH,
    MAX_FITS,
    MAX_ITEMS,
    MAX_SUGGESTIONS,
    Suggestion,
    suggest,
)
from carewire_ingress.domain.value_source import ValueSource
from carewire_testing_ingress.samples import data_point

POINTS = (
    data_point("surgery_date", "date"),
    data_point("birth_date", "date"),
    data_point("patient_name", "string"),
    data_point("ward", "string", possible_values=[{"value": "north"}, {"value": "south"}]),
    data_point("pain_score", "number", range={"min": 0, "max": 10}),
    data_point("age", "number"),
    data_point("consent", "boolean"),
    data_point("phone", "telephone"),
    data_point("tags", "strings_array"),
    data_point("scores", "numbers_array"),
    data_point("report", "attachment"),
)
FHIR: dict[str, Any] = {
    "resourceType": "Patient",
    "extension": [
        {"url": "https://clinic.example/age", "valueInteger": 67},
        {"url": "https://clinic.example/pain-score", "valueInteger": 4},
    ],
    "telecom": [{"system": "phone", "value": "+3225550101"}, {"system": "email", "value": "ada@example.org"}],
    "component": [{"code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]}, "value": 120}],
}


def by_path(payload: object, *points: Any) -> dict[str, Suggestion]:
    return {found.path: found for found in suggest(payload, points or POINTS).found}


@pytest.mark.parametrize(
    ("payload", "paths"),
    [
        ({}, ["$"]),
        ([], ["$"]),
        ("text", ["$"]),
        (None, ["$"]),
        ({"a": {"b": 1}}, ["$.a.b"]),
        ({"a": {"b": {}}}, ["$.a.b"]),
        ({"a b": 1, "it's": 2}, ["$['a b']", r"$['it\'s']"]),
        ({"a": [1, "x"]}, ["$.a", "$.a[0]", "$.a[1]"]),
        ({"a": []}, ["$.a"]),
        ({"a": [{"b": 1}, {"b": 2}]}, ["$.a[0].b", "$.a[1].b"]),
        ({"a": [[1], []]}, ["$.a[0]", "$.a[0][0]", "$.a[1]"]),
        ([{"a": 1}], ["$[0].a"]),
    ],
    ids=repr,
)
def test_every_scalar_and_every_plain_array_has_its_path(payload: Any, paths: list[str]) -> None:
    result = suggest(payload, ())
    assert [found.path for found in result.found] == paths
    assert not result.is_cut


@pytest.mark.parametrize(
    ("value", "kind", "fits"),
    [
        (None, "null", set()),
        (True, "boolean", {"consent"}),
        (4, "number", {"pain_score", "age"}),
        (67, "number", {"age"}),
        ("4", "string", {"patient_name", "pain_score", "age"}),
        ("1", "string", {"patient_name", "pain_score", "age", "consent"}),
        ("Ada", "string", {"patient_name"}),
        ("north", "string", {"patient_name", "ward"}),
        ("2026-03-01", "string", {"patient_name", "surgery_date", "birth_date"}),
        ("2026-03-01T10:00:00", "string", {"patient_name"}),
        ("+3225550101", "string", {"patient_name", "phone"}),
        ("https://files.example/a.pdf", "string", {"patient_name", "report"}),
        ([], "array", {"tags", "scores"}),
        (["a"], "array", {"tags"}),
        ([1, 2], "array", {"scores"}),
        ({}, "object", set()),
    ],
    ids=lambda given: repr(sorted(given) if isinstance(given, set) else given),
)
def test_a_value_fits_where_its_type_and_the_bounds_allow(value: Any, kind: str, fits: set[str]) -> None:
    found = by_path({"v": value})["$.v"]
    assert found.kind == kind
    assert set(found.fits) == fits


@pytest.mark.parametrize(
    ("payload", "path", "best"),
    [
        ({"operation": {"dateOfSurgery": "2026-03-01"}}, "$.operation.dateOfSurgery", "surgery_date"),
        ({"patient": {"dob": "1958-11-03", "birthDate": "1958-11-03"}}, "$.patient.birthDate", "birth_date"),
        ({"surgery": {"date": "2026-03-01"}}, "$.surgery.date", "surgery_date"),
        ({"birth": {"date": "2026-03-01"}}, "$.birth.date", "birth_date"),
        ({"PainScore": 4}, "$.PainScore", "pain_score"),
        ({"Age": 4}, "$.Age", "age"),
        ({"ward": "north"}, "$.ward", "ward"),
        (FHIR, "$.extension[1].valueInteger", "pain_score"),
        (FHIR, "$.telecom[0].value", "phone"),
    ],
)
def test_the_likeliest_by_name_comes_first(payload: Any, path: str, best: str) -> None:
    assert by_path(payload)[path].fits[0] == best


def test_the_title_counts_as_a_name_too() -> None:
    titles = {"dp1": "Height", "dp2": "Weight in kg"}
    points = [data_point(key, "number").model_copy(update={"title": title}) for key, title in titles.items()]
    assert by_path({"weight": 70}, *points)["$.weight"].fits == ("dp2", "dp1")


def test_json_takes_anything_and_so_comes_last_among_equals() -> None:
    points = (data_point("whole", "json"), data_point("some", "strings_array"))
    found = by_path({"list": ["a"], "object": {"b": [{"c": 1}]}}, *points)
    assert found["$.list"].fits == ("some", "whole")
    assert found["$"].fits == ("whole",)
    assert found["$.object"].fits == ("whole",)
    assert found["$.object.b"].fits == ("whole",)
    assert found["$.object"].kind == "object"


def test_no_more_data_points_are_named_than_a_person_reads() -> None:
    points = [data_point(f"point_{number}", "string") for number in range(MAX_FITS + 5)]
    fits = by_path({"point_12": "x"}, *points)["$.point_12"].fits
    assert len(fits) == MAX_FITS
    assert fits[0] == "point_12"


@pytest.mark.parametrize(
    ("payload", "path", "by_label"),
    [
        pytest.param(
            FHIR,
            "$.extension[0].valueInteger",
            "$.extension[?@.url == 'https://clinic.example/age'].valueInteger",
            id="url",
        ),
        pytest.param(FHIR, "$.telecom[1].value", "$.telecom[?@.system == 'email'].value", id="system"),
        pytest.param(
            FHIR, "$.component[0].value", "$.component[?@.code.coding[0].code == '8480-6'].value", id="a coding's code"
        ),
        pytest.param(
            {"answers": [{"field": {"ref": "pain"}, "number": 4}]},
            "$.answers[0].number",
            "$.answers[?@.field.ref == 'pain'].number",
            id="a form's field",
        ),
        pytest.param(
            [{"code": "a", "list": [{"key": "b", "v": 1}]}],
            "$[0].list[0].v",
            "$[?@.code == 'a'].list[?@.key == 'b'].v",
            id="arrays in arrays",
        ),
        pytest.param(
            {"a": [{"system": "s", "code": "x", "v": 1}, {"system": "s", "code": "y", "v": 2}]},
            "$.a[1].v",
            "$.a[?@.code == 'y'].v",
            id="a code that is the same for two tells nothing, the next one may",
        ),
        pytest.param({"a": [{"code": "x", "v": 1}, {"code": "x", "v": 2}]}, "$.a[1].v", None, id="no code differs"),
        pytest.param({"a": [{"code": "Ada Example", "v": 1}]}, "$.a[0].v", None, id="prose is no code"),
        pytest.param({"a": [{"code": "x" * 129, "v": 1}]}, "$.a[0].v", None, id="too long for a code"),
        pytest.param({"a": [{"code": 7, "v": 1}]}, "$.a[0].v", None, id="a number is no code"),
        pytest.param({"a": [{"name": "Ada", "v": 1}]}, "$.a[0].v", None, id="a name is no code"),
        pytest.param({"a": {"code": "x", "v": 1}}, "$.a.v", None, id="no array"),
    ],
)
def test_items_are_also_named_by_a_code_that_tells_them_apart(payload: Any, path: str, by_label: str | None) -> None:
    assert by_path(payload)[path].by_label == by_label


def test_a_code_that_repeats_beyond_the_items_looked_at_is_no_label() -> None:
    items = [{"code": str(number % (MAX_ITEMS + 1)), "v": number} for number in range(MAX_ITEMS + 2)]
    found = by_path({"a": items})
    assert found["$.a[0].v"].by_label is None
    assert found["$.a[1].v"].by_label == "$.a[?@.code == '1'].v"


@pytest.mark.parametrize(
    ("payload", "count", "is_cut"),
    [
        pytest.param({"a": [{"b": 1}] * MAX_ITEMS}, MAX_ITEMS, False, id="as many items"),
        pytest.param({"a": [{"b": 1}] * (MAX_ITEMS + 1)}, MAX_ITEMS, True, id="more items"),
        pytest.param(dict.fromkeys(map(str, range(MAX_SUGGESTIONS)), 1), MAX_SUGGESTIONS, False, id="as many paths"),
        pytest.param(dict.fromkeys(map(str, range(MAX_SUGGESTIONS + 1)), 1), MAX_SUGGESTIONS, True, id="more paths"),
        pytest.param({"a\0": {"b": 1}, "c": 2}, 1, True, id="a name that no path can say"),
        pytest.param({"a" * (MAX_PATH_LENGTH - 2): 1}, 1, False, id="as long a path"),
        pytest.param({"a" * (MAX_PATH_LENGTH - 1): 1, "b": 2}, 1, True, id="a longer path"),
    ],
)
def test_large_payloads_are_cut_and_that_is_said(payload: Any, count: int, is_cut: bool) -> None:
    result = suggest(payload, ())
    assert (len(result.found), result.is_cut) == (count, is_cut)


@pytest.mark.parametrize(
    ("innermost", "depth", "is_cut"),
    [
        (1, MAX_DEPTH, False),
        ({}, MAX_DEPTH, False),
        ({"a": 1}, MAX_DEPTH, True),
        (1, MAX_DEPTH + 1, True),
        (1, 900, True),
    ],
)
def test_deep_payloads_are_cut_and_that_is_said(innermost: object, depth: int, is_cut: bool) -> None:
    payload = innermost
    for _ in range(depth):
        payload = {"a": payload}
    assert suggest(payload, ()).is_cut is is_cut


def test_no_value_but_a_code_is_told() -> None:
    payload = {"name": "Secret Ada", "list": [{"code": "pain", "note": "Secret Bo", "n": 424242}], "n": 424242}
    told = repr(suggest(payload, POINTS))
    assert "Secret" not in told
    assert "424242" not in told


names = st.sampled_from(["a", "b c", "it's", "code", "url", "system", "type", ""])
scalars = st.none() | st.booleans() | st.integers(0, 70) | st.sampled_from(["x", "y", "2026-03-01", "Ada Example", "1"])
payloads = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=25,
)


@given(payloads)
def test_both_paths_of_a_suggestion_lead_to_its_node(payload: object) -> None:
    for found in suggest(payload, POINTS).found:
        value = JsonPath(found.path).find(payload)
        assert name_of(value) == found.kind
        if found.by_label is not None:
            assert JsonPath(found.by_label).find(payload) is value


@given(payloads)
@settings(max_examples=50)
def test_what_is_said_to_fit_is_admitted(payload: object) -> None:
    points = {point.id: point for point in POINTS}
    for found in suggest(payload, POINTS).found:
        for data_point_id in found.fits:
            mapped = MappedDataPoint.of(points[data_point_id], ValueSource(found.path).compiled())
            assert isinstance(mapped.read(payload), DataPointValue)


def scalars_of(value: Any) -> int:
    if isinstance(value, dict):
        return sum(map(scalars_of, value.values()))
    return sum(map(scalars_of, value)) if isinstance(value, list) else 1


@given(payloads)
def test_no_scalar_of_a_small_payload_is_left_out(payload: object) -> None:
    result = suggest(payload, ())
    kinds = [found.kind for found in result.found]
    assert not result.is_cut
    assert len(kinds) - kinds.count("array") - kinds.count("object") == scalars_of(payload)
