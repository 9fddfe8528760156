"""What becomes of the answer of an API call."""

from typing import Any

import pytest

from carewire_contracts.definition import ApiCallAction
from carewire_orchestrator.domain.api_answers import NotAsExpected, path_problem, read_answer
from carewire_testing_orchestrator.definitions import designed, point, release, track

CALL: dict[str, Any] = {
    "id": "call",
    "title": "Call",
    "type": "api_call",
    "method": "GET",
    "url": "https://ehr.example",
    "response": [
        {"path": "$.lab.value", "data_point_definition_id": "dp_lab"},
        {"path": "$.names[?@.use == 'official'].text", "data_point_definition_id": "dp_name"},
    ],
}
POINTS = [
    point("dp_lab", category="api_call", range={"min": 0, "max": 100}),
    point("dp_name", "string", category="api_call"),
]
RELEASE = release(designed(track("t", {"a": [CALL]}, [("start", "a")]), data_points=POINTS))
ACTION = ApiCallAction.model_validate(CALL)


@pytest.mark.parametrize(
    ("answer", "values"),
    [
        ({"lab": {"value": 7}, "names": [{"use": "official", "text": "Iris"}]}, {"dp_lab": 7, "dp_name": "Iris"}),
        ({"lab": {"value": "7"}, "names": []}, {"dp_lab": 7}),
        ({"lab": {"value": None}}, {}),
        ({}, {}),
        ([], {}),
        ("plain", {}),
        (None, {}),
    ],
)
def test_what_an_answer_says_is_taken_and_what_it_does_not_say_is_left_out(answer: object, values: Any) -> None:
    read = read_answer(RELEASE, ACTION, answer)
    assert not isinstance(read, NotAsExpected)
    assert {value.definition_id: value.value for value in read} == values


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"lab": {"value": "high"}}, "expected number, found string that is not a number"),
        ({"lab": {"value": 101}}, "expected number of at least 0 and at most 100, found number outside the range"),
        (
            {"names": [{"use": "official", "text": "Iris"}, {"use": "official", "text": "Iris"}]},
            "the answer has several values at this path",
        ),
    ],
)
def test_an_answer_that_is_partly_wrong_is_of_no_use_at_all(answer: object, message: str) -> None:
    read = read_answer(RELEASE, ACTION, answer)
    assert isinstance(read, NotAsExpected)
    assert [problem.message for problem in read.problems] == [message]
    assert "Iris" not in str(read)


@pytest.mark.parametrize(
    ("path", "is_sound"),
    [
        ("$.lab.value", True),
        ("$..value", True),
        ("$..a..b", False),
        ("lab", False),
        ("$.[", False),
        ("$.a | $.b", False),
    ],
)
def test_a_path_is_checked_before_anybody_is_called(path: str, is_sound: bool) -> None:
    assert (path_problem(path) is None) is is_sound


def test_an_answer_too_deep_to_be_searched_is_of_no_use() -> None:
    searching = ApiCallAction.model_validate(
        CALL | {"response": [{"path": "$..value", "data_point_definition_id": "dp_lab"}]}
    )
    deep: Any = {"value": 7}
    for _ in range(500):
        deep = [deep]
    read = read_answer(RELEASE, searching, deep)
    assert isinstance(read, NotAsExpected)
    assert [problem.message for problem in read.problems] == ["the answer cannot be searched for this path"]
