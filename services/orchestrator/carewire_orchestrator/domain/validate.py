"""What prevents a definition from being published, and what its designer should look at: all of it at once.

A definition without an ERROR can be laid out as a `Release` and run: the engine knows all of its kinds, every
reference is found, every id is unique, and no path of a track comes back to where it was.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

from carewire_contracts.definition import CareFlowDefinition, FormAction, Trigger
from carewire_contracts.rules import ProblemCode as RuleProblemCode
from carewire_contracts.rules import Rule, validate_rule
from carewire_contracts.values import ValueType
from carewire_orchestrator.domain.definition_problems import DefinitionProblem, ProblemCode, error, warning
from carewire_orchestrator.domain.supported import support_problems
from carewire_orchestrator.domain.validate_track import track_problems


def validate(definition: CareFlowDefinition) -> list[DefinitionProblem]:
    """Answer every problem of a definition; errors first, else in the order of the document."""
    problems = [
        *_duplicates(definition),
        *_trigger_problems(definition),
        *(problem for track in definition.tracks for problem in track_problems(track)),
        *_action_problems(definition),
        *_rule_problems(definition),
        *support_problems(definition),
    ]
    # Nodes that share an id share their problems as well: each is told once.
    return sorted(dict.fromkeys(problems), key=lambda problem: problem.severity)


def _duplicates(definition: CareFlowDefinition) -> Iterator[DefinitionProblem]:
    steps = [step for _, step in definition.steps()]
    timers = [timer.id for track in definition.tracks for timer in track.timers]
    questions = [question.id for form in definition.forms for question in form.questions]
    kinds: dict[str, Iterable[str]] = {
        "data point or question": [*(point.id for point in definition.data_points), *questions],
        "stakeholder": [stakeholder.id for stakeholder in definition.stakeholders],
        "form": [form.id for form in definition.forms],
        "track": [track.id for track in definition.tracks],
        "step or timer": [*(step.id for step in steps), *timers],
        "action": [action.id for step in steps for action in step.actions],
        "transition": [transition.id for track in definition.tracks for transition in track.transitions],
        "trigger": [trigger.id for trigger in definition.triggers],
    }
    for kind, ids in kinds.items():
        for node_id in _repeated(ids):
            yield error(ProblemCode.DUPLICATE, node_id, f"more than one {kind} has this id; give each its own")
    yield from _duplicate_keys(definition)


def _duplicate_keys(definition: CareFlowDefinition) -> Iterator[DefinitionProblem]:
    timers = [timer.key for track in definition.tracks for timer in track.timers]
    kinds: dict[str, Iterable[str]] = {
        "baseline data point": [point.key for point in definition.data_points],
        "form": [form.key for form in definition.forms],
        "track": [track.key for track in definition.tracks],
        "step or timer": [*(step.key for _, step in definition.steps()), *timers],
    }
    for form in definition.forms:
        # A question is answered by its id or by its key, so one's key must not be another's id either.
        names = [name for question in form.questions for name in {question.id, question.key}]
        kinds[f"question of form {form.id}"] = names
    for kind, keys in kinds.items():
        for key in _repeated(keys):
            yield error(ProblemCode.DUPLICATE, key, f"more than one {kind} has this key; give each its own")


def _repeated(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]


def _trigger_problems(definition: CareFlowDefinition) -> Iterator[DefinitionProblem]:
    targets = {trigger.target_id for trigger in definition.triggers}
    if not any(trigger.settings.type == "pathway_started" for trigger in definition.triggers):
        message = "no track starts with the care flow; add a trigger of type pathway_started"
        yield error(ProblemCode.MISSING_PATHWAY_STARTED_TRIGGER, definition.id, message)
    for track in definition.tracks:
        if track.id not in targets:
            yield warning(ProblemCode.MISSING_TRIGGER, track.id, "nothing starts this track; add a trigger")
    tracks = {track.id for track in definition.tracks}
    homes = {step.id: track.id for track, step in definition.steps()}
    for trigger in definition.triggers:
        if trigger.target_id not in tracks:
            yield error(ProblemCode.NOT_FOUND, trigger.id, f"there is no track {trigger.target_id} to start")
        yield from _occasion_problems(trigger, tracks, homes)


def _occasion_problems(trigger: Trigger, tracks: set[str], homes: dict[str, str]) -> Iterator[DefinitionProblem]:
    settings = trigger.settings
    if settings.type not in ("track_completed", "step_completed"):
        return
    name, node_id = ("track", settings.track_id) if settings.type == "track_completed" else ("step", settings.step_id)
    if node_id is None:
        message = f"a trigger of type {settings.type} needs {name}_id"
        yield error(ProblemCode.INVALID_TRIGGER, trigger.id, message)
    elif node_id not in (tracks if name == "track" else homes):
        yield error(ProblemCode.NOT_FOUND, trigger.id, f"there is no {name} {node_id} to wait for")
    elif trigger.target_id in (node_id, homes.get(node_id)):
        message = "the trigger waits for its own track, which has started by then"
        yield error(ProblemCode.INVALID_TRIGGER, trigger.id, message)


def _action_problems(definition: CareFlowDefinition) -> Iterator[DefinitionProblem]:
    forms = {form.id for form in definition.forms}
    stakeholders = {stakeholder.id for stakeholder in definition.stakeholders}
    for _, step in definition.steps():
        if not step.actions:
            yield warning(ProblemCode.MISSING_ACTIONS, step.id, "this step does nothing; add an action")
        for action in step.actions:
            if isinstance(action, FormAction) and action.form_definition_id not in forms:
                message = f"there is no form {action.form_definition_id}"
                yield error(ProblemCode.NOT_FOUND, action.id, message)
            for missing in sorted(set(action.stakeholder_definition_ids) - stakeholders):
                yield error(ProblemCode.NOT_FOUND, action.id, f"there is no stakeholder {missing}")


def _rule_problems(definition: CareFlowDefinition) -> Iterator[DefinitionProblem]:
    types = definition.value_types()
    for trigger in definition.triggers:
        yield from _problems_of_rule(trigger.id, trigger.settings.rule, types)
    for form in definition.forms:
        for question in form.questions:
            yield from _problems_of_rule(question.id, question.rule, types)
    for track in definition.tracks:
        for transition in track.transitions:
            yield from _problems_of_rule(transition.id, transition.rule, types)


def _problems_of_rule(node_id: str, rule: Rule | None, types: dict[str, ValueType]) -> Iterator[DefinitionProblem]:
    for problem in [] if rule is None else validate_rule(rule, types):
        unknown = problem.code is RuleProblemCode.UNKNOWN_REFERENCE
        code = ProblemCode.NOT_FOUND if unknown else ProblemCode.INCOMPLETE_CONDITION
        yield error(code, node_id, f"rule at {problem.path}: {problem.message}")
