"""The catalogue of data points: every value that a release knows, with where it comes from."""

from hypothesis import given

from carewire_contracts.definition import CareFlowDefinition
from carewire_contracts.events.patient import Address, PatientProfile
from carewire_contracts.values import ValueType
from carewire_orchestrator.domain.definition_data_points import (
    PROFILE,
    Category,
    KnownDataPoint,
    data_points_by_id,
    data_points_of,
)
from carewire_orchestrator.domain.system_dates import system_date_ids
from carewire_orchestrator.domain.validate import validate
from carewire_testing_orchestrator.definitions import HIP, definition, definitions


def named(key: str) -> KnownDataPoint:
    return next(point for point in data_points_of(definition(HIP)) if point.key == key)


def test_baseline_values_are_required_unless_they_are_optional() -> None:
    assert (named("surgery_date").required, named("age").required) == (True, False)


def test_a_value_that_something_computes_is_never_required_at_the_start() -> None:
    computed = {"id": "s", "key": "s", "title": "S", "value_type": "number", "category": "calculation"}
    (first, *_) = data_points_of(definition(HIP, data_points=[computed]))
    assert (first.category, first.required) == (Category.CALCULATION, False)


def test_an_answer_is_known_by_its_form_and_may_tell_of_the_patient() -> None:
    answer = named("pain.pain_today")
    assert (answer.id, answer.category, answer.personal_data) == ("q_pain", Category.FORM, True)


def test_what_asks_nothing_is_no_data_point() -> None:
    assert "pain.intro" not in {point.key for point in data_points_of(definition(HIP))}


@given(definitions())
def test_the_dates_are_those_that_the_engine_keeps(one: CareFlowDefinition) -> None:
    dates = [point for point in data_points_of(one) if point.category in (Category.TRACK, Category.STEP)]
    assert {point.id for point in dates} == system_date_ids(one)
    assert {point.value_type for point in dates} == {ValueType.DATE}


def test_every_field_of_the_profile_is_a_data_point_for_which_nothing_can_wait() -> None:
    plain = PatientProfile.model_fields.keys() - {"identifier", "address"}
    assert PROFILE.keys() == plain | {f"address.{name}" for name in Address.model_fields}
    points = {point.id: point for point in data_points_of(definition(HIP))}
    assert {one for one, point in points.items() if not point.collected} == {f"patient.{name}" for name in PROFILE}
    assert data_points_by_id(definition(HIP))["patient.birth_date"].value_type is ValueType.DATE
    assert points["patient.address.city"].personal_data


@given(definitions())
def test_in_what_can_be_published_every_name_means_one_thing(one: CareFlowDefinition) -> None:
    assert not [problem for problem in validate(one) if problem.code == "DUPLICATE"]
    points = list(data_points_of(one))
    assert len({point.id for point in points}) == len(points)
    assert len({point.key for point in points}) == len(points)
