"""What differs between two definitions is told by node and field, and nothing else is."""

from copy import deepcopy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.definition import CareFlowDefinition
from carewire_orchestrator.domain.definition_diff import DefinitionDiff, NodeName, diff
from carewire_testing_orchestrator.definitions import HIP, checklist, definition, definitions, starts, track


def after(change: Any) -> DefinitionDiff:
    """The difference that a change of the follow-up makes."""
    document = deepcopy(HIP)
    change(document)
    return diff(definition(HIP), definition(document))


def names(nodes: tuple[NodeName, ...]) -> list[tuple[str, str]]:
    return [(node.kind, node.id) for node in nodes]


def fields(found: DefinitionDiff) -> dict[tuple[str, str], list[tuple[str, Any, Any]]]:
    return {
        (change.node.kind, change.node.id): [(one.path, one.before, one.after) for one in change.fields]
        for change in found.changed
    }


def test_a_changed_operand_is_told_by_its_path() -> None:
    found = after(lambda d: d["tracks"][0]["transitions"][1]["rule"]["all"][0].update(operand=21))
    assert fields(found) == {("transition", "t2"): [("rule.all.0.operand", 18, 21)]}


def test_a_number_that_becomes_a_truth_is_a_change() -> None:
    one = definition(HIP, tracks=[{**HIP["tracks"][0], "transitions": [_ruled(1)]}])
    other = definition(HIP, tracks=[{**HIP["tracks"][0], "transitions": [_ruled(True)]}])
    assert fields(diff(one, other)) == {("transition", "t"): [("rule.all.0.operand", 1, True)]}


def _ruled(operand: object) -> dict[str, Any]:
    return {
        "id": "t",
        "origin": {"type": "track_start"},
        "destination": {"type": "track_end"},
        "rule": {"all": [{"reference": "dp_age", "operator": "is_equal_to", "operand": operand}]},
    }


def test_a_rule_that_is_taken_away_is_one_change() -> None:
    found = after(lambda d: d["tracks"][0]["transitions"][1].pop("rule"))
    ((path, before, nothing),) = fields(found)["transition", "t2"]
    assert (path, nothing) == ("rule", None)
    assert before["all"][0]["reference"] == "dp_age"


def test_a_default_that_is_written_out_is_no_change() -> None:
    found = after(lambda d: d["forms"][0]["questions"][0].update(required=False))
    assert found == DefinitionDiff((), (), ())


def test_an_added_step_comes_with_its_actions() -> None:
    found = after(
        lambda d: d["tracks"][0]["steps"].append({"id": "s", "key": "s", "title": "S", "actions": [checklist("c")]})
    )
    assert names(found.added) == [("step", "s"), ("action", "c")]
    assert (found.removed, found.changed) == ((), ())


def test_a_question_that_moved_to_another_form_is_told_as_moved() -> None:
    form = {"id": "f2", "key": "f2", "title": "F2", "questions": [HIP["forms"][0]["questions"][2]]}

    def move(document: dict[str, Any]) -> None:
        document["forms"][0]["questions"].pop()
        document["forms"].append(form)

    found = after(move)
    assert names(found.added) == [("form", "f2")]
    assert fields(found) == {("question", "q_note"): [("home", "form_pain", "f2")]}


def test_another_order_is_a_change_of_the_home() -> None:
    found = after(lambda d: d["forms"][0]["questions"].reverse())
    assert fields(found) == {
        ("form", "form_pain"): [("questions", ["q_intro", "q_pain", "q_note"], ["q_note", "q_pain", "q_intro"])]
    }


def test_one_id_of_two_kinds_is_two_nodes() -> None:
    one = definition(HIP, tracks=[*HIP["tracks"], track("same", {"same": [checklist("same")]}, [("start", "same")])])
    assert names(diff(definition(HIP), one).added)[:3] == [("track", "same"), ("step", "same"), ("action", "same")]


def test_definitions_of_different_ids_are_compared_all_the_same() -> None:
    found = diff(definition(HIP), definition(HIP, id="other", triggers=[*HIP["triggers"], starts("trk_follow")]))
    assert names(found.added) == [("trigger", "trg-trk_follow")]
    assert fields(found) == {("definition", "other"): [("id", HIP["id"], "other")]}


@given(definitions())
def test_nothing_differs_from_itself(one: CareFlowDefinition) -> None:
    assert diff(one, one) == DefinitionDiff((), (), ())


@given(definitions(), definitions())
def test_the_way_back_takes_away_what_was_added_and_changes_the_same_fields(
    one: CareFlowDefinition, other: CareFlowDefinition
) -> None:
    there, back = diff(one, other), diff(other, one)
    assert sorted(names(there.added)) == sorted(names(back.removed))
    assert sorted(names(there.removed)) == sorted(names(back.added))
    turned = {node: sorted((path, after, before) for path, before, after in paths) for node, paths in _paths(there)}
    assert turned == {node: sorted(paths) for node, paths in _paths(back)}


def _paths(found: DefinitionDiff) -> list[tuple[tuple[str, str], list[tuple[str, str, str]]]]:
    return [(node, [(path, repr(a), repr(b)) for path, a, b in paths]) for node, paths in fields(found).items()]


@given(definitions(), st.text(min_size=1, max_size=20))
def test_whatever_is_changed_is_told(one: CareFlowDefinition, title: str) -> None:
    other = one.model_copy(update={"title": title})
    assert (diff(one, other).changed == ()) == (one.title == title)
