"""Ids and keys that more than one node of a definition has."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from carewire_contracts.definition import CareFlowDefinition
from carewire_orchestrator.domain.definition_data_points import Category, data_points_of
from carewire_orchestrator.domain.definition_problems import DefinitionProblem, ProblemCode, error

Named: TypeAlias = tuple[str, str]
"""A name of a node, and the node's id."""


def duplicate_problems(definition: CareFlowDefinition) -> Iterator[DefinitionProblem]:
    """Every name that stands for more than one thing, told at the later ones."""
    for kind, ids in _ids(definition).items():
        for node_id, count in Counter(ids).items():
            if count > 1:
                yield error(ProblemCode.DUPLICATE, node_id, f"more than one {kind} has this id; give each its own")
    for kind, named in _keys(definition).items():
        for name, node_id in _taken(named):
            message = f"more than one {kind} is called {name}; give each its own key"
            yield error(ProblemCode.DUPLICATE, node_id, message)
    yield from _ambiguous_data_points(definition)


def _ids(definition: CareFlowDefinition) -> dict[str, list[str]]:
    steps = [step for _, step in definition.steps()]
    timers = [timer.id for track in definition.tracks for timer in track.timers]
    questions = [question.id for form in definition.forms for question in form.questions]
    return {
        "data point or question": [*(point.id for point in definition.data_points), *questions],
        "stakeholder": [stakeholder.id for stakeholder in definition.stakeholders],
        "form": [form.id for form in definition.forms],
        "track": [track.id for track in definition.tracks],
        "step or timer": [*(step.id for step in steps), *timers],
        "action": [action.id for step in steps for action in step.actions],
        "transition": [transition.id for track in definition.tracks for transition in track.transitions],
        "trigger": [trigger.id for trigger in definition.triggers],
    }


def _keys(definition: CareFlowDefinition) -> dict[str, list[Named]]:
    timers = [timer for track in definition.tracks for timer in track.timers]
    # Tracks and steps share their names, since the dates of both are called after them.
    places = [*definition.tracks, *(step for _, step in definition.steps()), *timers]
    kinds: dict[str, list[Named]] = {
        "data point": [(point.key, point.id) for point in definition.data_points],
        "form": [(form.key, form.id) for form in definition.forms],
        "track, step or timer": [(place.key, place.id) for place in places],
        "constant": [(constant.name, definition.id) for constant in definition.settings.constants],
    }
    for form in definition.forms:
        # A question is answered by its id or by its key, so one's key must not be another's id either.
        names = [(name, question.id) for question in form.questions for name in {question.id, question.key}]
        kinds[f"question of form {form.id}"] = names
    return kinds


def _taken(named: Iterable[Named]) -> Iterator[Named]:
    """The names that somebody else had first, each with the node that has them as well."""
    owners: defaultdict[str, list[str]] = defaultdict(list)
    for name, node_id in named:
        if owners[name]:
            yield name, node_id
        owners[name].append(node_id)


def _ambiguous_data_points(definition: CareFlowDefinition) -> Iterator[DefinitionProblem]:
    """Ids and keys that a designer chose and that mean something else already, such as `week_1.ActivationDate`."""
    points = list(data_points_of(definition))
    chosen = (Category.PATHWAY, Category.API_CALL, Category.CALCULATION, Category.FORM)
    derived = {point.key for point in points if "." in point.key and point.category not in chosen[:3]}
    for point in points:
        # An answer's own qualified key is another name of the same thing.
        names = {point.id} - {point.key} if point.category is Category.FORM else {point.id, point.key}
        if point.category in chosen and names & derived:
            message = f"{min(names & derived)} is the name of another data point; choose another one"
            yield error(ProblemCode.DUPLICATE, point.node_id, message)
