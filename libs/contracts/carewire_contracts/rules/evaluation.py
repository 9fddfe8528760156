"""Evaluation of a rule over values: pure, total, and it explains itself.

Every condition is evaluated, also those that no longer matter, so that people see why a rule did not hold.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from carewire_contracts.rules.deciding import DECISIONS
from carewire_contracts.rules.operators import SPEAKS_OF_EMPTY, Operator
from carewire_contracts.rules.rule import Condition, DataPointOperand, Rule
from carewire_contracts.values.comparing import is_empty


class ConditionOutcome(NamedTuple):
    """What became of one condition. Its repr is without values."""

    id: str | None
    reference: str
    operator: Operator
    operand: Any
    """What the value was compared with: the literal, or what the operand's data point held."""
    value: Any
    """The value seen; None where it was absent."""
    satisfied: bool
    empty: bool
    """Whether the value was empty, or the operand of a comparison; a comparison then decides nothing."""

    def redacted(self) -> dict[str, object]:
        """Everything but value and operand."""
        return {
            "id": self.id,
            "reference": self.reference,
            "operator": self.operator.value,
            "satisfied": self.satisfied,
            "empty": self.empty,
        }

    def __repr__(self) -> str:
        return f"ConditionOutcome({self.redacted()})"


class Evaluation(NamedTuple):
    """Whether a rule holds, with the outcome of every condition in reading order."""

    satisfied: bool
    conditions: tuple[ConditionOutcome, ...]

    def redacted(self) -> dict[str, object]:
        """Explain without any value, fit for a log line."""
        return {
            "satisfied": self.satisfied,
            "conditions": [condition.redacted() for condition in self.conditions],
        }


def evaluate(rule: Rule, values: Mapping[str, Any], now: datetime) -> Evaluation:
    """Evaluate a rule over values keyed by reference.

    Values are typed values or raw JSON; what is absent or None is empty. `now` is aware and serves the
    operators about days. Never raises, whatever the values are. Meaning of the operators: see the package's
    text.
    """
    outcomes: list[ConditionOutcome] = []
    satisfied = _evaluate_rule(rule, values, now, outcomes)
    return Evaluation(satisfied, tuple(outcomes))


def _evaluate_rule(rule: Rule, values: Mapping[str, Any], now: datetime, outcomes: list[ConditionOutcome]) -> bool:
    results = []
    for entry in rule.entries:
        if isinstance(entry, Rule):
            results.append(_evaluate_rule(entry, values, now, outcomes))
        else:
            outcome = _evaluate_condition(entry, values, now)
            outcomes.append(outcome)
            results.append(outcome.satisfied)
    return any(results) if rule.all is None else all(results)


def _evaluate_condition(condition: Condition, values: Mapping[str, Any], now: datetime) -> ConditionOutcome:
    operator, operand = condition.operator, condition.operand
    value = values.get(condition.reference)
    empty = is_empty(value)
    if isinstance(operand, DataPointOperand):
        operand = values.get(operand.data_point)
        undecided = empty or is_empty(operand)
    else:
        undecided = empty or (operand is None and operator is not Operator.IS_TODAY)
    if operator in SPEAKS_OF_EMPTY:
        satisfied = DECISIONS[operator](value, operand, now)
    else:
        empty = undecided
        satisfied = not undecided and DECISIONS[operator](value, operand, now)
    return ConditionOutcome(condition.id, condition.reference, operator, operand, value, satisfied, empty)
