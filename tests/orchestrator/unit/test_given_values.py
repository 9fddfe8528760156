"""Baseline values and answers: read, checked, all problems at once, no value in any of them."""

from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.values import ValueType
from carewire_orchestrator.domain.baseline import read_baseline
from carewire_orchestrator.domain.given_values import GivenValue, ValueProblem
from carewire_testing_orchestrator.answering import read_answers
from carewire_testing_orchestrator.definitions import HIP, definition

POINTS = definition().data_points
FORM = definition().forms[0]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def test_values_are_read_in_string_form_and_in_the_order_of_the_definitions() -> None:
    assert read_baseline(POINTS, {"dp_age": "64", "dp_surgery": "2026-03-01", "dp_side": None}) == (
        GivenValue("dp_surgery", ValueType.DATE, "2026-03-01T00:00:00.000Z"),
        GivenValue("dp_age", ValueType.NUMBER, 64),
    )


def test_everything_wrong_with_a_baseline_is_told_at_once() -> None:
    problems = read_baseline(POINTS, {"dp_age": 131, "dp_side": "middle", "Iris Example": 1})
    assert isinstance(problems, list)
    assert {problem.field for problem in problems} == {"dp_surgery", "dp_age", "dp_side", "entry 3"}


def test_a_question_is_answered_by_its_key_or_its_id() -> None:
    expected = (GivenValue("q_pain", ValueType.NUMBER, 7),)
    assert read_answers(FORM, {"pain_today": 7}) == expected
    assert read_answers(FORM, {"q_pain": "7", "note": None}) == expected


def test_everything_wrong_with_answers_is_told_at_once() -> None:
    assert read_answers(FORM, {"q_pain": 1, "pain_today": 1, "note": 5, "intro": "x", "Iris Example": 1}) == [
        ValueProblem("entry 5", "the form has no such question"),
        ValueProblem("intro", "this is a description and takes no answer"),
        ValueProblem("pain_today", "answered twice, by its key and by its id; answer it once"),
        ValueProblem("note", "expected string, found number"),
    ]
    assert read_answers(FORM, {}) == [ValueProblem("pain_today", "this question must be answered")]


def test_a_value_is_not_shown() -> None:
    assert "canary" not in repr(GivenValue("q_note", ValueType.STRING, "canary"))
    document = {**HIP["data_points"][2], "id": "x", "key": "x"}
    points = definition(data_points=[document]).data_points
    assert "canary" not in repr(read_baseline(points, {"x": "canary"}))


@given(st.dictionaries(st.sampled_from(["dp_surgery", "dp_age", "dp_side", "else"]), JSON))
def test_any_json_is_either_read_or_refused(given_values: dict[str, object]) -> None:
    read = read_baseline(POINTS, given_values)
    assert isinstance(read, list) is not isinstance(read, tuple)


@given(st.dictionaries(st.sampled_from(["q_intro", "q_pain", "pain_today", "note", "else"]), JSON))
def test_any_answers_are_either_read_or_refused(answers: dict[str, object]) -> None:
    read = read_answers(FORM, answers)
    assert isinstance(read, list) is not isinstance(read, tuple)
