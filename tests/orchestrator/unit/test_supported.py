"""What the engine cannot run is refused by name when it is published; nothing of it is ever ignored."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any, cast, get_args

import pytest

from carewire_contracts.definition import (
    Action,
    Destination,
    Origin,
    Settings,
    Timer,
    TriggerSettings,
    UserQuestionType,
)
from carewire_orchestrator.domain.care_flow import ActivityKind
from carewire_orchestrator.domain.supported import SUPPORTED, support_problems
from carewire_testing_orchestrator.definitions import HIP, definition

DAY = {"amount": 1, "unit": "day"}


def track(document: dict[str, Any]) -> Any:
    return document["tracks"][0]


def act(**action: Any) -> Callable[[dict[str, Any]], object]:
    return lambda d: track(d)["steps"][0]["actions"].append({"id": "new", "title": "N"} | action)


MESSAGE = {"type": "message", "subject": "S", "body": "B"}

REFUSED: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "property of an action: idle_time": (act(**MESSAGE, idle_time=DAY), "let settings.reminders tell"),
}


@pytest.mark.parametrize(("what", "change", "cure"), [(what, *how) for what, how in REFUSED.items()], ids=REFUSED)
def test_what_cannot_be_run_is_named_with_its_node_and_a_cure(
    what: str, change: Callable[[dict[str, Any]], object], cure: str
) -> None:
    document = deepcopy(HIP)
    change(document)
    (problem,) = support_problems(definition(document))
    assert (problem.code.value, problem.severity, problem.node_id) == ("NOT_SUPPORTED", "ERROR", "new")
    assert problem.message.startswith(f"{what} cannot be run; remove it, and {cure}")


def test_what_has_no_other_way_is_to_be_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cast("dict[str, frozenset[str]]", SUPPORTED), "action", frozenset({"message"}))
    found = {problem.message for problem in support_problems(definition(HIP))}
    assert "action: form cannot be run; remove it" in found


def test_labels_documentation_and_display_change_nothing() -> None:
    document = deepcopy(HIP) | {"documentation": "Why", "labels": ["a"]}
    track(document).update(labels=["b"], documentation="c")
    assert list(support_problems(definition(document))) == []


def kinds(union: Any) -> set[str]:
    """The kinds of a union's members."""
    members = get_args(get_args(union)[0]) or get_args(union)
    return {member.model_fields["type"].default for member in members}


def literals(model: Any) -> set[str]:
    return set(get_args(model.model_fields["type"].annotation))


EVERY_KIND: dict[str, set[str]] = {
    "action": kinds(Action),
    "timer": kinds(Timer),
    "trigger": literals(TriggerSettings),
    "origin of a transition": literals(Origin),
    "destination of a transition": literals(Destination),
    "question": set(get_args(UserQuestionType)),
    "setting": set(Settings.model_fields),
}


@pytest.mark.parametrize("sort", EVERY_KIND)
def test_each_kind_is_run(sort: str) -> None:
    assert SUPPORTED[sort] == EVERY_KIND[sort]


def test_every_action_makes_an_activity_of_its_kind() -> None:
    assert set(get_args(ActivityKind)) == SUPPORTED["action"] | {"timer", "evaluated_rule"}
