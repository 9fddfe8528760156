"""What staff fix in a configuration (constants, defaults, a filter, a rate) is checked when it is saved."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.requests import DataPointValue
from carewire_contracts.rules import Rule
from carewire_ingress.domain.configuration import Configuration
from carewire_ingress.domain.configuration_faults import MAX_RATE, Fault, faults
from carewire_ingress.domain.mapping import MappedDataPoint
from carewire_ingress.domain.patient_profile import PROFILE_RULES, ProfileField
from carewire_ingress.domain.rate import RateLimit
from carewire_ingress.domain.value_source import ValueSource
from carewire_testing_ingress.samples import PATHS, SYSTEMS, by_path, data_point, definition, release

POINTS = (
    data_point("pain", "number", range={"min": 0, "max": 10}),
    data_point("ward", "string", possible_values=[{"value": "north"}, {"value": "south"}]),
    data_point("surgery_date", "date"),
    data_point("consent", "boolean"),
    data_point("phone", "telephone"),
    data_point("scores", "numbers_array", range={"max": 3}),
    data_point("extra", "json"),
)


def found(*, mapping: dict[str, ValueSource] | None = None, **more: Any) -> list[Fault]:
    chosen = Configuration("A", "hip-surgery", by_path({}) if mapping is None else mapping, **more)
    return faults(chosen, definition(release(*POINTS)), SYSTEMS, enabled=False)


def fields(**more: Any) -> list[str]:
    return [fault.field for fault in found(**more)]


@pytest.mark.parametrize(
    ("data_point_id", "value", "message"),
    [
        ("pain", 4, None),
        ("pain", "4", None),
        ("pain", "four", "expected number, found string that is not a number"),
        ("pain", True, "expected number, found boolean"),
        ("pain", 11, "expected number of at least 0 and at most 10, found number outside the range"),
        ("ward", "north", None),
        ("ward", "east", "expected one of the possible values, found value that is not among them"),
        ("ward", 1, "expected string, found number"),
        ("surgery_date", "2026-03-01", None),
        ("surgery_date", "1.3.2026", "expected date (ISO 8601), found string that is not a date"),
        ("consent", False, None),
        ("consent", 0, "expected boolean, found number"),
        ("phone", "+3225550101", None),
        ("phone", "02 555 01 01", "expected telephone number (E.164), found string that is not an E.164 number"),
        ("scores", [1, 2, 3], None),
        ("scores", [1, 4], "expected number of at most 3, found number outside the range"),
        ("extra", {"a": [1]}, None),
        ("extra", "text", "expected JSON, found string that is not JSON"),
    ],
)
def test_a_constant_or_default_must_be_one_that_the_live_release_takes(
    data_point_id: str, value: Any, message: str | None
) -> None:
    for part, source in (("constant", ValueSource(constant=value)), ("default", ValueSource("$.a", default=value))):
        expected = [] if message is None else [Fault(f"mapping.{data_point_id}.{part}", message)]
        assert found(mapping={data_point_id: source}) == expected


def test_both_values_of_a_contradictory_source_are_looked_at() -> None:
    source = ValueSource("$.a", default="x", constant="y")
    assert fields(mapping={"pain": source}) == [
        "mapping.pain",
        "mapping.pain.default",
        "mapping.pain.constant",
        "mapping.pain.default",
    ]


def test_without_a_live_release_nothing_is_said_about_values() -> None:
    chosen = Configuration("A", "hip-surgery", {"pain": ValueSource(constant="four")})
    assert [fault.field for fault in faults(chosen, None, SYSTEMS, enabled=True)] == ["definition_id"]


def test_a_constant_for_an_unknown_data_point_is_one_fault() -> None:
    assert fields(mapping={"unheard_of": ValueSource(constant="x")}) == ["mapping.unheard_of"]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        (ProfileField.PREFERRED_LANGUAGE, "nl", None),
        (ProfileField.PREFERRED_LANGUAGE, "Dutch language", "language tag"),
        (ProfileField.PATIENT_TIMEZONE, "Europe/Brussels", None),
        (ProfileField.PATIENT_TIMEZONE, "Brussels", "time zone of the IANA database"),
        (ProfileField.COUNTRY, "BE", None),
        (ProfileField.COUNTRY, 32, "found number"),
        (ProfileField.BIRTH_DATE, "0001-01-01", "found day too long ago"),
        (ProfileField.EMAIL, "", None),
    ],
)
def test_a_profiles_constant_or_default_must_be_one_that_its_field_takes(
    field: ProfileField, value: Any, message: str | None
) -> None:
    for part, source in (("constant", ValueSource(constant=value)), ("default", ValueSource("$.a", default=value))):
        wrong = found(profile={field: source})
        assert [fault.field for fault in wrong] == ([] if message is None else [f"profile.{field.value}.{part}"])
        assert all(message is not None and message in fault.message for fault in wrong)


@pytest.mark.parametrize(
    ("source", "field"),
    [
        (ValueSource(), "profile.sex"),
        (ValueSource("sex"), "profile.sex"),
        (ValueSource(constant="F", default="M"), "profile.sex.default"),
    ],
)
def test_a_profiles_source_is_checked_as_a_data_points_is(source: ValueSource, field: str) -> None:
    assert fields(profile={ProfileField.SEX: source}) == [field]


def test_a_value_is_never_repeated() -> None:
    secret = "NC-004217 Ada Example"
    wrong = found(
        mapping={"pain": ValueSource(constant=secret), "phone": ValueSource("$.a", default=secret)},
        profile={field: ValueSource(constant=secret * 20) for field in PROFILE_RULES},
    )
    assert len(wrong) == 2 + len(PROFILE_RULES)
    assert not [fault for fault in wrong if "NC-004217" in fault.message or "Ada" in fault.message]


values = st.none() | st.booleans() | st.integers(-20, 20) | st.sampled_from(["4", "north", "2026-03-01", "x", ""])


@given(st.sampled_from(POINTS), values)
def test_a_constant_without_fault_is_admitted_for_any_payload(point: Any, value: Any) -> None:
    source = ValueSource(constant=value)
    if fields(mapping={point.id: source}):
        return
    assert isinstance(MappedDataPoint.of(point, source.compiled()).read({}), DataPointValue)


def rule(document: Any) -> Rule:
    return Rule.model_validate(document)


def condition(reference: str = "$.a", operator: str = "is_equal_to", operand: Any = 1) -> dict[str, Any]:
    return {"reference": reference, "operator": operator, "operand": operand}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"all": []}, []),
        ({"all": [condition(), condition("$..b[?@.c == 'd']", "contains", "x")]}, []),
        ({"all": [condition(operand={"data_point": "$.b"})]}, []),
        ({"any": [condition("a")]}, ["filter.any[0].reference"]),
        ({"all": [condition(operand={"data_point": "b"})]}, ["filter.all[0].operand"]),
        ({"all": [condition(operand=None)]}, ["filter.all[0]"]),
        ({"all": [condition(operator="is_empty")]}, ["filter.all[0]"]),
        ({"all": [condition(operator="is_in_range", operand=[2, 1])]}, ["filter.all[0]"]),
        (
            {"all": [condition(), {"any": [condition("x"), condition("y", operand={"data_point": "z"})]}]},
            ["filter.all[1].any[0].reference", "filter.all[1].any[1].reference", "filter.all[1].any[1].operand"],
        ),
    ],
)
def test_each_fault_of_a_filter_names_its_condition(document: Any, expected: list[str]) -> None:
    assert fields(filter=rule(document)) == expected


@pytest.mark.parametrize(
    ("redacted", "expected"),
    [
        ((), []),
        (("$.patient", "$..name", "$.a[*]['b','c']", "$"), []),
        (("patient",), ["redacted.0"]),
        (("$.a", "$..a..b", ""), ["redacted.1", "redacted.2"]),
    ],
)
def test_each_redacted_path_that_is_none_is_named_by_its_place(redacted: tuple[str, ...], expected: list[str]) -> None:
    assert fields(redacted=redacted) == expected


@pytest.mark.parametrize(
    ("per_second", "burst", "expected"),
    [
        (1, 1, []),
        (0.01, 1, []),
        (MAX_RATE, MAX_RATE, []),
        (0, 1, ["rate_limit.per_second"]),
        (-1, 1, ["rate_limit.per_second"]),
        (float("nan"), 1, ["rate_limit.per_second"]),
        (float("inf"), 1, ["rate_limit.per_second"]),
        (MAX_RATE + 1, 1, ["rate_limit.per_second"]),
        (1, 0, ["rate_limit.burst"]),
        (1, MAX_RATE + 1, ["rate_limit.burst"]),
        (0, 0, ["rate_limit.per_second", "rate_limit.burst"]),
    ],
)
def test_a_rate_is_within_bounds(per_second: float, burst: int, expected: list[str]) -> None:
    assert fields(rate_limit=RateLimit(per_second, burst)) == expected


def test_faults_of_all_parts_are_told_together() -> None:
    wrong = fields(
        mapping={**by_path({"pain": PATHS["pain_score"]}), "consent": ValueSource(constant="maybe")},
        profile={ProfileField.EMAIL: ValueSource(constant="nobody")},
        filter=rule({"all": [condition("a")]}),
        redacted=("a",),
        rate_limit=RateLimit(0, 1),
    )
    assert set(wrong) == {
        "mapping.consent.constant",
        "profile.email.constant",
        "filter.all[0].reference",
        "redacted.0",
        "rate_limit.per_second",
    }
