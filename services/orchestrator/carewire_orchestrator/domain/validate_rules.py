"""What may be wrong with the rules of a definition."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from carewire_contracts.definition import CareFlowDefinition, Form
from carewire_contracts.rules import ProblemCode as RuleProblemCode
from carewire_contracts.rules import Rule, validate_rule
from carewire_contracts.values import ValueType
from carewire_orchestrator.domain.definition_data_points import KnownDataPoint
from carewire_orchestrator.domain.definition_problems import DefinitionProblem, ProblemCode, error
from carewire_orchestrator.domain.validate_track import reachable


def rule_problems(definition: CareFlowDefinition, points: Mapping[str, KnownDataPoint]) -> Iterator[DefinitionProblem]:
    """Every problem of every rule, and questions whose conditions wait for each other."""
    types = {point.id: point.value_type for point in points.values()}
    for node_id, rule in _rules(definition):
        yield from _problems_of_rule(node_id, rule, types)
    for form in definition.forms:
        yield from _circular_questions(form)


def _rules(definition: CareFlowDefinition) -> Iterator[tuple[str, Rule]]:
    nodes = [(trigger.id, trigger.settings.rule) for trigger in definition.triggers]
    nodes += [(question.id, question.rule) for form in definition.forms for question in form.questions]
    nodes += [(arrow.id, arrow.rule) for track in definition.tracks for arrow in track.transitions]
    for node_id, rule in nodes:
        if rule is not None:
            yield node_id, rule


def _problems_of_rule(node_id: str, rule: Rule, types: Mapping[str, ValueType]) -> Iterator[DefinitionProblem]:
    for problem in validate_rule(rule, types):
        unknown = problem.code is RuleProblemCode.UNKNOWN_REFERENCE
        code = ProblemCode.NOT_FOUND if unknown else ProblemCode.INCOMPLETE_CONDITION
        yield error(code, node_id, f"rule at {problem.path}: {problem.message}")


def _circular_questions(form: Form) -> Iterator[DefinitionProblem]:
    """Questions that are only asked once they have been answered."""
    needs: defaultdict[str | None, set[str]] = defaultdict(set)
    for question in form.questions:
        if question.rule is not None:
            needs[question.id] |= question.rule.references()
    for question in form.questions:
        if question.id in reachable(needs[question.id], needs):
            message = "whether it is asked depends on its own answer; change the rule"
            yield error(ProblemCode.CYCLE_DETECTED, question.id, message)
