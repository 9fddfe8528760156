"""Whether a rule that does not hold could hold if empty values were known."""

from collections.abc import Iterator

from carewire_contracts.rules import ConditionOutcome, Evaluation, Rule
from carewire_contracts.rules.operators import SPEAKS_OF_EMPTY


def is_undecided(rule: Rule, evaluation: Evaluation) -> bool:
    """Whether it hangs on empty values alone that a rule does not hold. `evaluation` is that of this very rule."""
    return not evaluation.satisfied and _may_hold(rule, iter(evaluation.conditions))


def _may_hold(rule: Rule, outcomes: Iterator[ConditionOutcome]) -> bool:
    """Outcomes come in reading order, so each rule within takes its own."""
    results = [
        _may_hold(entry, outcomes) if isinstance(entry, Rule) else _may_be_satisfied(next(outcomes))
        for entry in rule.entries
    ]
    return any(results) if rule.all is None else all(results)


def _may_be_satisfied(outcome: ConditionOutcome) -> bool:
    return outcome.satisfied or (outcome.empty and outcome.operator not in SPEAKS_OF_EMPTY)
