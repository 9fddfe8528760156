"""What may be wrong with the actions of a definition, and with the settings that they use."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping

from carewire_contracts.definition import (
    Action,
    ApiCallAction,
    CalculationAction,
    CareFlowDefinition,
    ClinicalNoteAction,
    DynamicVariable,
    FormAction,
    MessageAction,
)
from carewire_contracts.record import record
from carewire_orchestrator.domain.api_answers import path_problem
from carewire_orchestrator.domain.definition_data_points import Category, KnownDataPoint
from carewire_orchestrator.domain.definition_problems import DefinitionProblem, ProblemCode, error, warning
from carewire_orchestrator.domain.expressions import expression_problem
from carewire_orchestrator.domain.texts import names_in


@record()
class _Names:
    """What an action may refer to."""

    forms: Collection[str]
    stakeholders: Collection[str]
    constants: Collection[str]
    points: Mapping[str, KnownDataPoint]


def action_problems(
    definition: CareFlowDefinition, points: Mapping[str, KnownDataPoint]
) -> Iterator[DefinitionProblem]:
    """Every step without an action, and everything that an action names and that does not exist."""
    names = _Names(
        forms={form.id for form in definition.forms},
        stakeholders={stakeholder.id for stakeholder in definition.stakeholders},
        constants={constant.name for constant in definition.settings.constants},
        points=points,
    )
    for email in definition.settings.stakeholder_emails:
        yield from _missing(definition.id, "stakeholder", [email.stakeholder_definition_id], names.stakeholders)
    for _, step in definition.steps():
        if not step.actions:
            yield warning(ProblemCode.MISSING_ACTIONS, step.id, "this step does nothing; add an action")
        for action in step.actions:
            yield from _missing(action.id, "stakeholder", action.stakeholder_definition_ids, names.stakeholders)
            yield from _own_problems(action, names)


def _own_problems(action: Action, names: _Names) -> Iterator[DefinitionProblem]:
    match action:
        case FormAction():
            yield from _missing(action.id, "form", [action.form_definition_id], names.forms)
        case MessageAction():
            yield from _text_problems(action.id, [action.subject, action.body], action.dynamic_variables, names)
        case CalculationAction():
            yield from _calculation_problems(action, names)
        case ApiCallAction():
            yield from _api_call_problems(action, names)
        case ClinicalNoteAction():
            parts = [part.body for part in action.narratives] + [part.value for part in action.context]
            yield from _text_problems(action.id, parts, action.dynamic_variables, names)
        case _:
            return


def _calculation_problems(action: CalculationAction, names: _Names) -> Iterator[DefinitionProblem]:
    inputs = [given.data_point_definition_id for given in action.inputs]
    yield from _missing(action.id, "data point", inputs, names.points)
    yield from _repeated(action.id, "input", [given.name for given in action.inputs])
    yield from _not_written(action.id, action.output_data_point_definition_id, Category.CALCULATION, names)
    wrong = expression_problem(action.expression, frozenset(given.name for given in action.inputs))
    if wrong is not None:
        yield error(ProblemCode.INCOMPLETE_CONDITION, action.id, f"the expression cannot be computed: {wrong}")


def _api_call_problems(action: ApiCallAction, names: _Names) -> Iterator[DefinitionProblem]:
    texts = [action.url, action.body or "", *(header.value for header in action.headers)]
    yield from _text_problems(action.id, texts, action.dynamic_variables, names)
    for found in action.response:
        yield from _not_written(action.id, found.data_point_definition_id, Category.API_CALL, names)
        wrong = path_problem(found.path)
        if wrong is not None:
            message = f"the value of {found.data_point_definition_id} cannot be looked for: {wrong}"
            yield error(ProblemCode.INCOMPLETE_CONDITION, action.id, message)


def _text_problems(
    node_id: str, texts: Iterable[str], variables: Iterable[DynamicVariable], names: _Names
) -> Iterator[DefinitionProblem]:
    declared = {variable.name for variable in variables}
    yield from _repeated(node_id, "dynamic variable", [variable.name for variable in variables])
    yield from _missing(node_id, "data point", [one.data_point_definition_id for one in variables], names.points)
    for variable in variables:
        point = names.points.get(variable.data_point_definition_id)
        if variable.property == "collection_date" and point is not None and not point.collected:
            message = f"{point.id} is never collected, so it has no collection_date; use its value"
            yield error(ProblemCode.INCOMPLETE_CONDITION, node_id, message)
    used = [name for text in texts for name in names_in(text)]
    yield from _missing(node_id, "dynamic variable", used, declared | set(names.constants))


def _not_written(node_id: str, point_id: str, category: Category, names: _Names) -> Iterator[DefinitionProblem]:
    """The data point of an outcome has to be there for such outcomes, or it would overwrite what somebody said."""
    point = names.points.get(point_id)
    if point is None or point.category is not category:
        message = f"there is no data point {point_id} of category {category} for the outcome; declare it"
        yield error(ProblemCode.NOT_FOUND, node_id, message)


def _missing(node_id: str, kind: str, used: Iterable[str], known: Collection[str]) -> Iterator[DefinitionProblem]:
    for name in dict.fromkeys(used):
        if name not in known:
            yield error(ProblemCode.NOT_FOUND, node_id, f"there is no {kind} {name}")


def _repeated(node_id: str, kind: str, names: Iterable[str]) -> Iterator[DefinitionProblem]:
    for name, count in Counter(names).items():
        if count > 1:
            yield error(ProblemCode.DUPLICATE, node_id, f"more than one {kind} is called {name}")
