"""Where a value comes from: a path, a path with a default, or a constant."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.json_path import InvalidPath, JsonPath, Miss
from carewire_ingress.domain.value_source import CompiledSource, ValueSource

PAYLOAD = {"a": 1, "nothing": None, "no": False, "zero": 0, "blank": "", "none": [], "many": [{"x": 1}, {"x": 2}]}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        pytest.param(ValueSource("$.a"), 1, id="a path gives its value"),
        pytest.param(ValueSource("$.a", default=9), 1, id="a value goes before the default"),
        pytest.param(ValueSource("$.b", default=9), 9, id="the default stands for what is absent"),
        pytest.param(ValueSource("$.nothing", default=9), 9, id="the default stands for null"),
        pytest.param(ValueSource("$.b", default=False), False, id="false is a default"),
        pytest.param(ValueSource("$.b", default=0), 0, id="zero is a default"),
        pytest.param(ValueSource("$.b", default=""), "", id="an empty text is a default"),
        pytest.param(ValueSource("$.no", default=True), False, id="false is a value"),
        pytest.param(ValueSource("$.zero", default=9), 0, id="zero is a value"),
        pytest.param(ValueSource("$.blank", default="x"), "", id="an empty text is a value"),
        pytest.param(ValueSource("$.none", default=[1]), [], id="an empty array is a value"),
        pytest.param(ValueSource("$.b"), Miss.NO_MATCH, id="nothing without a default is a miss"),
        pytest.param(ValueSource("$.nothing"), None, id="null without a default is null"),
        pytest.param(ValueSource("$.many[*].x", default=9), Miss.SEVERAL_MATCHES, id="no default hides several"),
        pytest.param(ValueSource(constant="north"), "north", id="a constant is itself"),
        pytest.param(ValueSource(constant=False), False, id="false is a constant"),
    ],
)
def test_what_a_source_finds(source: ValueSource, found: object) -> None:
    value = source.compiled().find(PAYLOAD)
    assert value == found
    assert type(value) is type(found)


def test_a_default_does_not_hide_a_payload_that_is_nested_too_deeply() -> None:
    deep: Any = 1
    for _ in range(500):
        deep = [deep]
    assert ValueSource("$..a", default=9).compiled().find(deep) is Miss.TOO_DEEP


@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        (ValueSource("$.a"), []),
        (ValueSource("$.a", default=1), []),
        (ValueSource(constant=1), []),
        (ValueSource(constant=False), []),
        (ValueSource(), [""]),
        (ValueSource(default=1), [""]),
        (ValueSource("$.a", constant=1), [""]),
        (ValueSource(constant=1, default=2), ["default"]),
        (ValueSource("a"), ["path"]),
        (ValueSource("a", constant=1, default=2), ["", "default", "path"]),
    ],
    ids=str,
)
def test_everything_that_is_wrong_with_a_source_is_told_at_once(source: ValueSource, wrong: list[str]) -> None:
    faults = list(source.faults())
    assert [part for part, _ in faults] == wrong
    assert all(message for _, message in faults)


@pytest.mark.parametrize(
    ("source", "fixed"),
    [
        (ValueSource("$.a"), {}),
        (ValueSource("$.a", default=0), {"default": 0}),
        (ValueSource(constant=""), {"constant": ""}),
        (ValueSource(constant=1, default=2), {"constant": 1, "default": 2}),
    ],
    ids=str,
)
def test_what_staff_give_instead_of_a_payloads_value(source: ValueSource, fixed: dict[str, Any]) -> None:
    assert dict(source.fixed_values()) == fixed


@pytest.mark.parametrize(
    ("source", "text"), [(ValueSource("$.a", default=1), "$.a"), (ValueSource(constant="north"), "the constant")]
)
def test_reasons_name_the_path_and_never_what_staff_wrote_as_a_value(source: ValueSource, text: str) -> None:
    assert source.compiled().text == text


def test_a_path_that_is_none_does_not_compile() -> None:
    with pytest.raises(InvalidPath):
        ValueSource("a").compiled()


scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=5)


@given(scalars, st.dictionaries(st.sampled_from("ab"), scalars))
def test_a_default_changes_nothing_where_there_is_a_value(default: Any, payload: dict[str, Any]) -> None:
    plain, guarded = CompiledSource(JsonPath("$.a")), CompiledSource(JsonPath("$.a"), default)
    found = plain.find(payload)
    expected = default if (found is None or found is Miss.NO_MATCH) and default is not None else found
    assert guarded.find(payload) == expected


@given(scalars.filter(lambda value: value is not None), st.none() | st.lists(scalars) | scalars)
def test_a_constant_is_the_same_for_any_payload(constant: Any, payload: object) -> None:
    assert ValueSource(constant=constant).compiled().find(payload) == constant


def test_a_path_alone_is_asked_itself() -> None:
    """Nothing stands between the payload and the path, whose cost is measured."""
    source = ValueSource("$.a").compiled()
    assert source.path is not None
    assert source.find is source.path.find


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        (ValueSource("$.a"), ValueSource("$.a"), True),
        (ValueSource("$.a", default=1), ValueSource("$.a", default=1), True),
        (ValueSource(constant=1), ValueSource(constant=1), True),
        (ValueSource("$.a"), ValueSource("$.b"), False),
        (ValueSource("$.a"), ValueSource("$.a", default=1), False),
        (ValueSource(constant=1), ValueSource(constant=2), False),
    ],
    ids=str,
)
def test_sources_are_alike_where_they_find_alike(one: ValueSource, other: ValueSource, alike: bool) -> None:
    assert (one.compiled() == other.compiled()) is alike
