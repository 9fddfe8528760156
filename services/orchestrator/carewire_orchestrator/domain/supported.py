"""What is run of all that a definition can say. The rest is refused at publication, never ignored.

Labels, documentation and the display mode of forms are for people and their programs: they change no care flow.
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple, get_args

from carewire_contracts.definition import (
    Action,
    CareFlowDefinition,
    MessageAction,
    Question,
    Track,
    Transition,
    Trigger,
    UserQuestionType,
)
from carewire_orchestrator.domain.definition_problems import DefinitionProblem, ProblemCode, error

SUPPORTED: Final[Mapping[str, frozenset[str]]] = {
    "action": frozenset({"form", "checklist", "message", "stop_care_flow", "calculation", "clinical_note", "api_call"}),
    "trigger": frozenset(
        {
            "pathway_started",
            "track_completed",
            "step_completed",
            "data_point_collected",
            "data_point_not_collected",
            "ad_hoc",
        }
    ),
    "origin of a transition": frozenset({"track_start", "step", "timer"}),
    "destination of a transition": frozenset({"step", "timer", "track_end", "pathway_end"}),
    "timer": frozenset({"delay", "data_point_reference", "data_point_awaited"}),
    "question": frozenset(get_args(UserQuestionType)),
    "category of a data point": frozenset({"pathway", "calculation", "api_call"}),
    "setting": frozenset({"reminders", "stakeholder_emails", "constants", "api_call_retry_settings"}),
    "property of an action": frozenset({"dynamic_variables"}),
    "property of a question": frozenset({"rule"}),
    "property of a transition": frozenset({"timing"}),
    "property of a trigger": frozenset({"timers"}),
}
"""The kinds of each sort that are carried out, and may be published."""


_INSTEAD: Final[Mapping[str, str]] = {
    "idle_time": "remove it, and let settings.reminders tell of what nobody has done yet",
}
"""What a designer can do where there is another way."""


class _Said(NamedTuple):
    """Something that a definition says: at which node, of what sort and kind."""

    node_id: str
    sort: str
    kind: str


def support_problems(definition: CareFlowDefinition) -> Iterator[DefinitionProblem]:
    """Everything that a definition asks for and the engine does not do."""
    for said in _everything_said(definition):
        if said.kind not in SUPPORTED[said.sort]:
            cure = _INSTEAD.get(said.kind, "remove it")
            yield error(ProblemCode.NOT_SUPPORTED, said.node_id, f"{said.sort}: {said.kind} cannot be run; {cure}")


def _everything_said(definition: CareFlowDefinition) -> Iterator[_Said]:
    yield from _settings(definition)
    for point in definition.data_points:
        yield _Said(point.id, "category of a data point", point.category)
    for form in definition.forms:
        for question in form.questions:
            yield from _question(question)
    for track in definition.tracks:
        yield from _track(track)
    for trigger in definition.triggers:
        yield from _trigger(trigger)


def _settings(definition: CareFlowDefinition) -> Iterator[_Said]:
    for name in type(definition.settings).model_fields:
        if getattr(definition.settings, name):
            yield _Said(definition.id, "setting", name)


def _question(question: Question) -> Iterator[_Said]:
    yield _Said(question.id, "question", question.user_question_type)
    if question.rule is not None:
        yield _Said(question.id, "property of a question", "rule")


def _track(track: Track) -> Iterator[_Said]:
    for timer in track.timers:
        yield _Said(timer.id, "timer", timer.type)
    for step in track.steps:
        for action in step.actions:
            yield from _action(action)
    for transition in track.transitions:
        yield from _transition(transition)


def _action(action: Action) -> Iterator[_Said]:
    yield _Said(action.id, "action", action.type)
    if action.idle_time is not None:
        yield _Said(action.id, "property of an action", "idle_time")
    if isinstance(action, MessageAction) and action.dynamic_variables:
        yield _Said(action.id, "property of an action", "dynamic_variables")


def _transition(transition: Transition) -> Iterator[_Said]:
    yield _Said(transition.id, "origin of a transition", transition.origin.type)
    yield _Said(transition.id, "destination of a transition", transition.destination.type)
    if transition.timing is not None:
        yield _Said(transition.id, "property of a transition", "timing")


def _trigger(trigger: Trigger) -> Iterator[_Said]:
    yield _Said(trigger.id, "trigger", trigger.settings.type)
    if trigger.timers:
        yield _Said(trigger.id, "property of a trigger", "timers")
