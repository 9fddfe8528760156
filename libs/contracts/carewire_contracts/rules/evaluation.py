"""Evaluation of a rule over values: pure, total, and it explains itself.

Every condition is evaluated, also those that no longer matter, so that people see why a rule did not hold.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import count
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias

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


Evaluator: TypeAlias = Callable[[Mapping[str, Any], datetime], Evaluation]
"""A prepared rule: (values, now) -> evaluation."""


def evaluate(rule: Rule, values: Mapping[str, Any], now: datetime) -> Evaluation:
    """Evaluate a rule over values keyed by reference.

    Values are typed values or raw JSON; what is absent or None is empty. `now` is aware and serves the
    operators about days. Never raises, whatever the values are. Meaning of the operators: see the package's
    text.
    """
    return evaluator_of(rule)(values, now)


def evaluator_of(rule: Rule) -> Evaluator:
    """Prepare a rule for many evaluations: what only the rule decides is decided once. It does as `evaluate`."""
    judges = [_judge_of(condition) for _, condition in rule.walk()]
    # Most rules are flat: the verdicts on their conditions are those to be joined, in that order.
    is_flat = not any(isinstance(entry, Rule) for entry in rule.entries)
    holds = _join(rule) if is_flat else _join_of(rule, count())

    def evaluated(values: Mapping[str, Any], now: datetime) -> Evaluation:
        outcomes = tuple([judge(values, now) for judge in judges])
        return Evaluation(holds([outcome.satisfied for outcome in outcomes]), outcomes)

    return evaluated


def _join_of(rule: Rule, numbers: Iterator[int]) -> Callable[[Sequence[bool]], bool]:
    """What joins the verdicts on a rule's conditions, which are numbered in reading order."""
    parts = [
        _join_of(entry, numbers) if isinstance(entry, Rule) else itemgetter(next(numbers)) for entry in rule.entries
    ]
    join = _join(rule)
    return lambda verdicts: join([part(verdicts) for part in parts])


def _join(rule: Rule) -> Callable[[Sequence[bool]], bool]:
    return any if rule.all is None else all


def _judge_of(condition: Condition) -> Callable[[Mapping[str, Any], datetime], ConditionOutcome]:
    """What judges one condition. Operators are looked up here: their hash alone costs as much as a comparison."""
    name, reference, operator, literal = condition.id, condition.reference, condition.operator, condition.operand
    decide, speaks_of_empty = DECISIONS[operator], operator in SPEAKS_OF_EMPTY
    other = literal.data_point if isinstance(literal, DataPointOperand) else None
    lacks_operand = literal is None and operator is not Operator.IS_TODAY
    # As the class makes it, but without a call of Python's, which costs as much as a comparison.
    told: Callable[[tuple[Any, ...]], ConditionOutcome] = partial(tuple.__new__, ConditionOutcome)

    def judge(values: Mapping[str, Any], now: datetime) -> ConditionOutcome:
        value = values.get(reference)
        operand = literal if other is None else values.get(other)
        empty = is_empty(value)
        if speaks_of_empty:
            return told((name, reference, operator, operand, value, decide(value, operand, now), empty))
        undecided = empty or lacks_operand or (other is not None and is_empty(operand))
        satisfied = not undecided and decide(value, operand, now)
        return told((name, reference, operator, operand, value, satisfied, undecided))

    return judge
