"""What a baseline and a form take and refuse: each kind of question, each bound, each way to leave something out."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.definition import DataPointDefinition, Form
from carewire_contracts.values import ValueType
from carewire_orchestrator.domain.baseline import read_baseline
from carewire_orchestrator.domain.given_values import GivenValue, ValueProblem
from carewire_orchestrator.domain.supported import SUPPORTED
from carewire_testing_orchestrator.answering import read_answers


def form(*questions: dict[str, Any]) -> Form:
    asked = [{"id": f"q{n}", "key": f"k{n}", "title": "?", **one} for n, one in enumerate(questions)]
    return Form.model_validate({"id": "f", "key": "f", "title": "F", "questions": asked})


def points(*definitions: dict[str, Any]) -> tuple[DataPointDefinition, ...]:
    declared = [
        DataPointDefinition.model_validate({"id": f"p{n}", "key": f"k{n}", "title": "P", **one})
        for n, one in enumerate(definitions)
    ]
    return tuple(declared)


ANSWERS: dict[str, tuple[list[tuple[object, object]], list[object]]] = {
    "multiple_select": ([(["a", "b"], ["a", "b"]), ("[]", [])], ["a", {"a": 1}, [1]]),
    "multiple_choice": ([("a", "a")], [1, ["a"], True]),
    "number": ([(7, 7), ("7.5", 7.5)], ["seven", True, [7]]),
    "yes_no": ([(True, True), ("no", False)], [1, "perhaps"]),
    "date": ([("2026-03-02", "2026-03-02T00:00:00.000Z")], ["2026-02-30", 7, "2026-03-02T08:00:00"]),
    "short_text": ([("Fine", "Fine")], [1, "a\0b"]),
    "long_text": ([("Fine\nreally", "Fine\nreally")], [1]),
    "slider": ([(3, 3)], ["much"]),
    "telephone": ([("+32470123456", "+32470123456")], ["0470123456", 32470123456]),
    "email": (
        [("iris@clinic.example", "iris@clinic.example")],
        [7, "iris", "iris@clinic", "a b@c.d", "i@" + "c." * 160],
    ),
    "multiple_choice_grid": ([({}, {}), ("{}", {})], ["left", [1], {"row": "left"}, 7]),
    "signature": ([("https://files.example/1", "https://files.example/1")], ["iris", 7]),
    "file": ([("https://files.example/1", "https://files.example/1")], ["report.pdf", ["https://files.example/1"]]),
    "image": ([("https://files.example/1", "https://files.example/1")], ["ftp://files.example/1"]),
    "icd10_classification": ([("F32.1", "F32.1"), ("Z00", "Z00"), ("S72.001A", "S72.001A")], ["depression", "f32", 7]),
}
"""By kind of question: answers that are taken with what becomes of them, and answers that are refused."""


def test_every_kind_of_question_that_the_engine_asks_is_pinned_here() -> None:
    assert ANSWERS.keys() | {"description"} == SUPPORTED["question"]


@pytest.mark.parametrize(
    ("kind", "raw", "wire"), [(kind, raw, wire) for kind, (taken, _) in ANSWERS.items() for raw, wire in taken]
)
def test_an_answer_is_taken_in_each_of_its_forms(kind: str, raw: object, wire: object) -> None:
    (answer,) = read_answers(form({"user_question_type": kind}), {"k0": raw})
    assert isinstance(answer, GivenValue)
    assert (answer.definition_id, answer.value) == ("q0", wire)


@pytest.mark.parametrize(("kind", "raw"), [(kind, raw) for kind, (_, refused) in ANSWERS.items() for raw in refused])
def test_an_answer_of_another_kind_is_refused_under_the_name_that_was_sent(kind: str, raw: object) -> None:
    asked = form({"user_question_type": kind})
    for name in ("q0", "k0"):
        (problem,) = read_answers(asked, {name: raw})
        assert isinstance(problem, ValueProblem)
        assert problem.field == name
        assert problem.message.startswith("expected ")


@pytest.mark.parametrize("kind", ANSWERS)
def test_only_a_required_question_must_be_answered(kind: str) -> None:
    for nothing in ({}, {"k0": None}, {"q0": None}, {"q0": None, "k0": None}):
        assert read_answers(form({"user_question_type": kind}), nothing) == ()
        assert read_answers(form({"user_question_type": kind, "required": True}), nothing) == [
            ValueProblem("k0", "this question must be answered")
        ]


def test_a_description_asks_nothing_even_where_it_is_marked_as_required() -> None:
    described = form({"user_question_type": "description", "required": True})
    assert read_answers(described, {}) == ()
    assert read_answers(described, {"k0": None}) == ()
    assert read_answers(described, {"k0": "x"}) == [ValueProblem("k0", "this is a description and takes no answer")]


GRID = {
    "user_question_type": "multiple_choice_grid",
    "rows": [{"value": "arm"}, {"value": "leg"}],
    "possible_values": [{"value": "no"}, {"value": "yes"}, {"value": 2}],
}


@pytest.mark.parametrize(
    ("raw", "required", "taken"),
    [
        ({"arm": "no", "leg": "yes"}, True, True),
        ({"arm": "no", "leg": 2}, True, True),
        ({"arm": "no"}, False, True),
        ({"arm": "no"}, True, False),
        ({"arm": "no", "leg": "perhaps"}, True, False),
        ({"arm": "no", "leg": ["no"]}, True, False),
        ({"arm": "no", "head": "no"}, False, False),
    ],
)
def test_a_grid_is_answered_row_by_row_with_what_is_offered(raw: object, required: bool, taken: bool) -> None:
    assert isinstance(read_answers(form({**GRID, "required": required}), {"k0": raw}), tuple) is taken


PREGNANT = {"rule": {"all": [{"reference": "q0", "operator": "is_true"}]}, "required": True}
YOUNG = {"rule": {"all": [{"reference": "dp_age", "operator": "is_less_than", "operand": 18}]}}


def test_a_question_with_a_rule_is_asked_only_while_that_holds_for_the_answers_before_it() -> None:
    asked = form({"user_question_type": "yes_no"}, {"user_question_type": "number", **PREGNANT})
    assert isinstance(read_answers(asked, {"k0": True, "k1": 12}), tuple)
    assert isinstance(read_answers(asked, {"k0": False}), tuple)
    assert read_answers(asked, {"k0": True}) == [ValueProblem("k1", "this question must be answered")]
    for others in ({"k0": False}, {}):
        assert read_answers(asked, {**others, "k1": 12}) == [
            ValueProblem("k1", "this question is not asked, as other answers stand; leave it out")
        ]


def test_a_rule_sees_what_the_care_flow_knows_but_no_answer_to_this_form_of_another_day() -> None:
    asked = form({"user_question_type": "short_text", **YOUNG})
    assert isinstance(read_answers(asked, {"k0": "Mother"}, {"dp_age": 12}), tuple)
    assert isinstance(read_answers(asked, {"k0": "Mother"}, {"dp_age": 64}), list)
    assert isinstance(read_answers(asked, {"k0": "Mother"}), list), "an empty value satisfies no comparison"
    again = form({"user_question_type": "yes_no"}, {"user_question_type": "number", **PREGNANT})
    assert isinstance(read_answers(again, {"k1": 12}, {"q0": True}), list)


SIDES = {"possible_values": [{"value": "left"}, {"value": "right"}]}
SCALE = {"range": {"min": 0, "max": 10}}


@pytest.mark.parametrize(
    ("question", "raw", "taken"),
    [
        ({"user_question_type": "multiple_choice", **SIDES}, "left", True),
        ({"user_question_type": "multiple_choice", **SIDES}, "middle", False),
        ({"user_question_type": "multiple_select", **SIDES}, ["right", "left"], True),
        ({"user_question_type": "multiple_select", **SIDES}, ["right", "middle"], False),
        ({"user_question_type": "slider", **SCALE}, 0, True),
        ({"user_question_type": "slider", **SCALE}, 10, True),
        ({"user_question_type": "slider", **SCALE}, -0.1, False),
        ({"user_question_type": "slider", **SCALE}, 10.1, False),
        ({"user_question_type": "number", "range": {"min": 1}}, 10**9, True),
        ({"user_question_type": "number", "range": {"max": 1}}, 2, False),
    ],
)
def test_an_answer_stays_within_what_the_question_offers(question: dict[str, Any], raw: object, taken: bool) -> None:
    read = read_answers(form(question), {"k0": raw})
    assert isinstance(read, tuple) is taken


def test_a_question_answered_by_key_and_by_id_is_asked_back_for_even_where_both_agree() -> None:
    asked = form({"user_question_type": "number"})
    assert read_answers(asked, {"q0": 1, "k0": 1}) == [
        ValueProblem("k0", "answered twice, by its key and by its id; answer it once")
    ]
    assert read_answers(asked, {"q0": 1, "k0": None}) == (GivenValue("q0", ValueType.NUMBER, 1),)


def test_a_question_whose_key_is_its_id_is_answered_once() -> None:
    same = form({"id": "same", "key": "same", "user_question_type": "yes_no"})
    (answer,) = read_answers(same, {"same": "yes"})
    assert isinstance(answer, GivenValue)
    assert answer.value is True


@given(st.permutations(["k0", "k1", "k2"]))
def test_answers_come_in_the_order_of_the_questions_however_they_were_sent(order: list[str]) -> None:
    asked = form(*[{"user_question_type": "number"}] * 3)
    answers = read_answers(asked, dict.fromkeys(order, 1))
    assert [answer.definition_id for answer in answers if isinstance(answer, GivenValue)] == ["q0", "q1", "q2"]


@given(st.permutations(["p0", "p1", "p2"]))
def test_a_baseline_comes_in_the_order_of_its_definitions_however_it_was_sent(order: list[str]) -> None:
    values = read_baseline(points(*[{"value_type": "number"}] * 3), dict.fromkeys(order, 1))
    assert [value.definition_id for value in values if isinstance(value, GivenValue)] == ["p0", "p1", "p2"]


@pytest.mark.parametrize("given_values", [{}, {"p0": None}])
def test_only_an_optional_data_point_may_be_left_out(given_values: dict[str, object]) -> None:
    assert read_baseline(points({"value_type": "number", "optional": True}), given_values) == ()
    assert read_baseline(points({"value_type": "number"}), given_values) == [
        ValueProblem("p0", "this data point is required; give it a value")
    ]


@pytest.mark.parametrize("raw", [False, 0, [], {}])
def test_an_empty_value_is_a_value_and_is_not_left_out(raw: object) -> None:
    (value,) = read_baseline(points({"value_type": "json"}), {"p0": raw})
    assert isinstance(value, GivenValue)
    assert value.value == raw


def test_a_data_point_is_named_by_its_id_and_not_by_its_key() -> None:
    read = read_baseline(points({"value_type": "number", "optional": True}), {"k0": 1})
    assert isinstance(read, list)
    assert [problem.message for problem in read] == ["there is no such baseline data point in this release"]


CANARY = "canary-7f3a9"


@given(
    st.dictionaries(
        st.sampled_from(["p0", "p1", CANARY]),
        st.sampled_from([CANARY, [CANARY], {CANARY: 1}, 1, None]),
    )
)
def test_no_problem_of_a_baseline_holds_a_value_or_a_name_that_is_none_of_ours(given_values: dict[str, object]) -> None:
    read = read_baseline(points({"value_type": "number"}, {"value_type": "telephone"}), given_values)
    if isinstance(read, list):
        assert CANARY not in str([problem.message for problem in read])
        assert CANARY not in str([problem.field for problem in read])
