"""Data points read from payloads: every type in every form that a sender may write it, and every reason it may miss."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.json_path import JsonPath
from carewire_contracts.requests import DataPointValue, Reason, ReasonCode
from carewire_contracts.values import Parsed, ValueType, parse_value, to_wire
from carewire_ingress.domain.mapping import MappedDataPoint, plan_admission, unknown, unmapped
from carewire_ingress.domain.value_source import CompiledSource, ValueSource
from carewire_testing_ingress.samples import PATHS, data_point, release, webhook


def mapped(value_type: str, path: str = "$.x", **more: Any) -> MappedDataPoint:
    return MappedDataPoint.of(data_point("x", value_type, **more), CompiledSource(JsonPath(path)))


FORMS: dict[str, list[tuple[object, object]]] = {
    "boolean": [(True, True), (False, False), ("true", True), ("false", False), ("yes", True), ("no", False)],
    "number": [(10, 10), (-0.5, -0.5), (0, 0), ("10", 10), ("-0.5", -0.5), ("1e3", 1000), (10.0, 10)],
    "string": [("left", "left"), ("", ""), (" kept ", " kept "), ("10", "10")],
    "date": [
        ("2026-03-02", "2026-03-02T00:00:00.000Z"),
        ("2026-03-02T08:15:30Z", "2026-03-02T08:15:30.000Z"),
        ("2026-03-02T08:15:30.1209Z", "2026-03-02T08:15:30.120Z"),
        ("2026-03-02T10:15:30+02:00", "2026-03-02T08:15:30.000Z"),
    ],
    "numbers_array": [([1, 2.5], [1, 2.5]), ([], []), ("[1, 2, 4]", [1, 2, 4])],
    "strings_array": [(["a", "b"], ["a", "b"]), ([], []), ('["a", "b"]', ["a", "b"])],
    "json": [({"a": [1]}, {"a": [1]}), ([1], [1]), ('{"a": 1}', {"a": 1}), (7, 7), (False, False)],
    "telephone": [("+32470123456", "+32470123456"), (" +32470123456 ", "+32470123456")],
    "attachment": [("https://files.example/a.pdf", "https://files.example/a.pdf")],
    "attachments_array": [(["https://files.example/a"], ["https://files.example/a"]), ([], [])],
}


@pytest.mark.parametrize(
    ("value_type", "raw", "wire"),
    [(value_type, raw, wire) for value_type, forms in FORMS.items() for raw, wire in forms],
)
def test_each_form_of_each_type_becomes_one_wire_form(value_type: str, raw: object, wire: object) -> None:
    read = mapped(value_type).read({"x": raw})
    assert isinstance(read, DataPointValue), read
    assert (read.data_point_definition_id, read.value_type, read.value) == ("x", value_type, wire)
    assert type(read.value) is type(wire)


def test_every_type_is_pinned_here() -> None:
    assert FORMS.keys() == {value_type.value for value_type in ValueType}


WRONG: dict[str, list[object]] = {
    "boolean": [1, 0, "maybe", "", [], {}, None],
    "number": [True, "ten", "", "NaN", "1e999", "0x10", [1], {}, None],
    "string": [1, True, ["a"], {}, None, "a\0b"],
    "date": [20260302, "soon", "2026-02-30", "2026-03-02T08:15:30", "02/03/2026", True, None],
    "numbers_array": [[1, "a"], [True], [[1]], 1, "1, 2", {}, None],
    "strings_array": [["a", 1], [None], "a, b", {}, None],
    "json": [None],
    "telephone": ["0470123456", "+0", 32470123456, "", "+32", None],
    "attachment": ["file:///etc/passwd", "javascript:alert(1)", "a.pdf", 7, "", None],
    "attachments_array": [["ftp://files.example/a"], "https://files.example/a", [7], None],
}


@pytest.mark.parametrize(
    ("value_type", "raw"), [(value_type, raw) for value_type, values in WRONG.items() for raw in values]
)
def test_a_doubtful_value_is_refused_with_what_was_expected_and_found(value_type: str, raw: object) -> None:
    reason = mapped(value_type).read({"x": raw})
    assert isinstance(reason, Reason)
    assert (reason.code, reason.data_point, reason.path) == (ReasonCode.WRONG_TYPE, "x", "$.x")
    assert reason.expected
    assert reason.found
    assert reason.message == f"Data point x at $.x: expected {reason.expected}, found {reason.found}."


@pytest.mark.parametrize("value_type", list(ValueType))
def test_null_and_absence_are_no_value_of_an_optional_data_point(value_type: ValueType) -> None:
    optional = mapped(value_type.value, optional=True)
    assert optional.read({"x": None}) is None
    assert optional.read({}) is None
    assert optional.read([]) is None


@pytest.mark.parametrize("value_type", list(ValueType))
def test_absence_of_a_required_data_point_is_told_apart_from_a_wrong_value(value_type: ValueType) -> None:
    reason = mapped(value_type.value).read({})
    assert isinstance(reason, Reason)
    assert (reason.code, reason.expected, reason.found) == (ReasonCode.NO_MATCH, value_type.value, "no match")


@pytest.mark.parametrize("optional", [True, False])
@pytest.mark.parametrize("value_type", [value_type for value_type in ValueType if value_type is not ValueType.JSON])
def test_a_wrong_value_of_an_optional_data_point_is_as_wrong(value_type: ValueType, optional: bool) -> None:
    reason = mapped(value_type.value, optional=optional).read({"x": {"not": "that"}})
    assert isinstance(reason, Reason)
    assert (reason.code, reason.found) == (ReasonCode.WRONG_TYPE, "object")


@pytest.mark.parametrize("optional", [True, False])
def test_several_values_are_never_chosen_from(optional: bool) -> None:
    reason = mapped("number", "$.x[*]", optional=optional).read({"x": [1, 1]})
    assert isinstance(reason, Reason)
    assert (reason.code, reason.found) == (ReasonCode.SEVERAL_MATCHES, "several matches")


def test_a_payload_nested_too_deeply_for_a_path_is_the_payloads_fault() -> None:
    deep: object = 1
    for _ in range(500):
        deep = [deep]
    reason = mapped("number", "$..a", optional=True).read(deep)
    assert isinstance(reason, Reason)
    assert reason.code is ReasonCode.MALFORMED_PAYLOAD


RIGHT_OR_LEFT = [{"value": "left"}, {"value": "right"}]
ONE_OR_TWO = [{"value": 1}, {"value": 2}]


@pytest.mark.parametrize(
    ("value_type", "bounds", "raw", "code"),
    [
        ("number", {"range": {"min": 0, "max": 10}}, 0, None),
        ("number", {"range": {"min": 0, "max": 10}}, 10, None),
        ("number", {"range": {"min": 0, "max": 10}}, "10", None),
        ("number", {"range": {"min": 0, "max": 10}}, 10.5, ReasonCode.OUT_OF_RANGE),
        ("number", {"range": {"min": 0, "max": 10}}, -1, ReasonCode.OUT_OF_RANGE),
        ("number", {"range": {"min": 0}}, 1e9, None),
        ("number", {"range": {"max": 0}}, 1, ReasonCode.OUT_OF_RANGE),
        ("number", {"possible_values": ONE_OR_TWO}, 1.0, None),
        ("number", {"possible_values": ONE_OR_TWO}, "2", None),
        ("number", {"possible_values": ONE_OR_TWO}, 3, ReasonCode.NOT_A_POSSIBLE_VALUE),
        ("string", {"possible_values": RIGHT_OR_LEFT}, "left", None),
        ("string", {"possible_values": RIGHT_OR_LEFT}, "Left", ReasonCode.NOT_A_POSSIBLE_VALUE),
        ("string", {"possible_values": RIGHT_OR_LEFT}, " left", ReasonCode.NOT_A_POSSIBLE_VALUE),
        ("strings_array", {"possible_values": RIGHT_OR_LEFT}, ["right", "left"], None),
        ("strings_array", {"possible_values": RIGHT_OR_LEFT}, [], None),
        ("strings_array", {"possible_values": RIGHT_OR_LEFT}, ["left", "up"], ReasonCode.NOT_A_POSSIBLE_VALUE),
    ],
)
def test_what_a_definition_allows(value_type: str, bounds: Any, raw: object, code: ReasonCode | None) -> None:
    read = mapped(value_type, **bounds).read({"x": raw})
    assert (read.code if isinstance(read, Reason) else None) is code


def test_a_value_that_breaks_both_bounds_is_told_by_the_first() -> None:
    both = mapped("number", possible_values=ONE_OR_TWO, range={"min": 0, "max": 5})
    reason = both.read({"x": 9})
    assert isinstance(reason, Reason)
    assert reason.code is ReasonCode.NOT_A_POSSIBLE_VALUE


CANARY = "canary-7f3a9"
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from([CANARY, f"+{CANARY}", f"[{CANARY}"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([CANARY, "a"]), inner, max_size=3),
    max_leaves=6,
)


@given(json_values, st.sampled_from(list(ValueType)), st.booleans())
def test_reading_is_parsing_and_refuses_in_words_without_the_value(
    raw: Any, value_type: ValueType, optional: bool
) -> None:
    read = mapped(value_type.value, optional=optional, possible_values=[]).read({"x": raw})
    parsed = parse_value(raw, value_type)
    if raw is None and optional:
        assert read is None
    elif isinstance(parsed, Parsed):
        assert read == DataPointValue("x", value_type.value, to_wire(parsed.value, value_type))
    else:
        assert isinstance(read, Reason)
        assert CANARY not in str(read.as_dict())


IDS = sorted(PATHS)


@given(st.sets(st.sampled_from([*IDS, "dropped"])), st.sets(st.sampled_from(IDS)), st.sets(st.sampled_from(IDS)))
def test_a_plan_joins_what_is_mapped_with_what_is_declared(
    mapped_ids: set[str], declared: set[str], optional: set[str]
) -> None:
    points = [data_point(name, "string", optional=name in optional) for name in sorted(declared)]
    live = release(*points) if points else release(data_point("other", "string", optional=True))
    hook = webhook(mapping={name: f"$.{name}" for name in sorted(mapped_ids)})
    plan = plan_admission(hook, live)
    assert [point.id for point in plan.data_points] == sorted(mapped_ids & declared)
    missing = sorted(declared - optional - mapped_ids)
    assert [reason.data_point for reason in plan.obstacles] == missing
    assert [point.id for point in unmapped(hook.mapping, live)] == missing
    assert set(unknown(hook.mapping, live)) == mapped_ids - declared


def test_without_a_live_release_the_cure_is_to_publish() -> None:
    plan = plan_admission(webhook(), None)
    assert (plan.release_id, plan.data_points) == (None, ())
    (reason,) = plan.obstacles
    assert reason.code is ReasonCode.DEFINITION_NOT_LIVE
    assert "publish" in reason.message


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        pytest.param("2026-03-01", None, id="as the definition writes it"),
        pytest.param("2026-03-01T01:00:00+01:00", None, id="the same moment elsewhere"),
        pytest.param("2026-03-02", ReasonCode.NOT_A_POSSIBLE_VALUE, id="another day"),
    ],
)
def test_possible_dates_are_compared_as_moments(sent: str, code: ReasonCode | None) -> None:
    day = data_point("day", "date", possible_values=[{"value": "2026-03-01", "label": "The first"}])
    read = MappedDataPoint.of(day, CompiledSource(JsonPath("$.day"))).read({"day": sent})
    assert (read.code if isinstance(read, Reason) else None) is code


def test_a_plan_holds_constants_as_values_and_paths_as_what_is_to_be_read() -> None:
    sources = {
        "fixed": CompiledSource(None, "2026-03-01"),
        "guarded": CompiledSource(JsonPath("$.g"), 3),
        "plain": CompiledSource(JsonPath("$.p")),
        "dropped": CompiledSource(None, "anything"),
    }
    live = release(data_point("plain", "string"), data_point("fixed", "date"), data_point("guarded", "number"))
    plan = plan_admission(replace(webhook(), mapping=sources), live)
    assert plan.constants == (DataPointValue("fixed", "date", "2026-03-01T00:00:00.000Z"),)
    assert [point.id for point in plan.data_points] == ["plain", "guarded"]
    assert plan.obstacles == ()


@pytest.mark.parametrize(("optional", "missing"), [(True, []), (False, ["x"])])
def test_a_source_that_says_nothing_leaves_no_required_data_point_out(optional: bool, missing: list[str]) -> None:
    hook = replace(webhook(), mapping={"x": ValueSource().compiled()})
    plan = plan_admission(hook, release(data_point("x", "string", optional=optional)))
    assert [reason.data_point for reason in plan.obstacles] == missing
    assert plan.constants == ()


def test_a_plan_names_every_fixed_value_that_the_release_does_not_take() -> None:
    sources = {"one": CompiledSource(None, True), "two": CompiledSource(JsonPath("$.b"), "x")}
    points = [data_point(name, "number", optional=True) for name in sources]
    plan = plan_admission(replace(webhook(), mapping=sources), release(*points, data_point("three", "string")))
    assert [(reason.code, reason.data_point, reason.found) for reason in plan.obstacles] == [
        (ReasonCode.NOT_MAPPED, "three", "no mapping"),
        (ReasonCode.WRONG_TYPE, "one", "boolean"),
        (ReasonCode.WRONG_TYPE, "two", "string that is not a number"),
    ]
    assert plan.constants == ()
    assert plan.data_points == ()
