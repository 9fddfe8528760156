"""The document that designers write, from one release to the next: what they wrote must still be one."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from carewire_contracts.definition import definition_schema
from carewire_contracts.schema_compatibility import breaking_changes

RELEASED = definition_schema()
Edit = Callable[[dict[str, Any]], Any]


def edited(edit: Edit) -> list[str]:
    current = copy.deepcopy(RELEASED)
    edit(current)
    return breaking_changes(RELEASED, current)


def node(schema: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = schema["$defs"][name]
    return found


def fields(schema: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = node(schema, name)["properties"]
    return found


def rename_action(schema: dict[str, Any]) -> None:
    fields(schema, "FormAction")["type"] |= {"const": "questionnaire", "default": "questionnaire"}


def drop_question_type(schema: dict[str, Any]) -> None:
    fields(schema, "Question")["user_question_type"]["enum"].remove("slider")


def drop_action(schema: dict[str, Any]) -> None:
    union = fields(schema, "Step")["actions"]["items"]
    union["oneOf"] = [one for one in union["oneOf"] if not one["$ref"].endswith("/ChecklistAction")]
    union.pop("discriminator", None)


BREAKING: dict[str, tuple[Edit, str]] = {
    "a field of a step is renamed": (
        lambda schema: fields(schema, "Step").update(todo=fields(schema, "Step").pop("actions")),
        "actions: removed or renamed",
    ),
    "a form must say who answers it": (
        lambda schema: node(schema, "FormAction")["required"].append("stakeholder_definition_ids"),
        "stakeholder_definition_ids: newly required",
    ),
    "a kind of action gets another name": (rename_action, "type: values removed"),
    "a kind of question is gone": (drop_question_type, "user_question_type: values removed"),
    "a kind of action is gone": (drop_action, "alternative ChecklistAction removed"),
    "a duration is text": (
        lambda schema: fields(schema, "Duration").update(amount={"type": "string"}),
        "amount: its type changed from integer to string",
    ),
    "a duration is shorter at most": (
        lambda schema: fields(schema, "Duration")["amount"].update(maximum=365),
        "amount: narrowed by maximum",
    ),
    "an id is shorter at most": (
        lambda schema: fields(schema, "Step")["id"].update(maxLength=64),
        "id: narrowed by maxLength",
    ),
    "an id has no dots": (
        lambda schema: fields(schema, "Step")["id"].update(pattern="^[a-z]+$"),
        "id: narrowed by pattern",
    ),
    "a checklist has two items at least": (
        lambda schema: fields(schema, "ChecklistAction")["items"].update(minItems=2),
        "items: narrowed by minItems",
    ),
    "a title may be missing": (
        lambda schema: node(schema, "Track")["required"].remove("title"),
        "title: no longer always sent",
    ),
    "a method is gone": (
        lambda schema: fields(schema, "ApiCallAction")["method"]["enum"].remove("PATCH"),
        "method: values removed",
    ),
}

HARMLESS: dict[str, Edit] = {
    "nothing": lambda schema: schema,
    "a step may have a colour": lambda schema: fields(schema, "Step").update(colour={"type": "string"}),
    "another kind of question": lambda schema: fields(schema, "Question")["user_question_type"]["enum"].append("scan"),
    "longer titles": lambda schema: fields(schema, "Step")["title"].update(maxLength=2_048),
    "a checklist may be empty": lambda schema: fields(schema, "ChecklistAction")["items"].pop("minItems"),
    "a longer duration": lambda schema: fields(schema, "Duration")["amount"].update(maximum=1_000_000),
    "ids of any letters": lambda schema: fields(schema, "Step")["id"].pop("pattern"),
    "another title for people": lambda schema: node(schema, "Step").update(title="Step", description="said better"),
    "a definition that nothing refers to": lambda schema: schema["$defs"].update(Unused={"type": "object"}),
    "another default": lambda schema: fields(schema, "Question")["required"].update(default=True),
}


@pytest.mark.parametrize(("edit", "named"), BREAKING.values(), ids=BREAKING)
def test_what_would_spoil_a_written_definition_is_named_with_its_place(edit: Edit, named: str) -> None:
    changes = edited(edit)
    assert changes
    assert all(change.endswith(named) for change in changes), changes
    assert all(change.startswith(("tracks[]", "triggers", "forms", "settings")) for change in changes)


@pytest.mark.parametrize("edit", HARMLESS.values(), ids=HARMLESS)
def test_what_only_gives_room_is_let_through(edit: Edit) -> None:
    assert edited(edit) == []


def test_several_edits_are_named_each() -> None:
    def both(schema: dict[str, Any]) -> None:
        drop_question_type(schema)
        fields(schema, "ChecklistAction")["items"].update(minItems=2)

    named = {change.rpartition(": ")[2] for change in edited(both)}
    assert named == {"values removed", "narrowed by minItems"}
