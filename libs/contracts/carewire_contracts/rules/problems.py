"""What is wrong with a rule, all at once, for the moment when it is published."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias

from carewire_contracts.rules.operators import OFFERED_OPERATORS, OPERAND_SHAPES, OperandShape, Operator
from carewire_contracts.rules.rule import Condition, DataPointOperand, Rule
from carewire_contracts.values import Mismatch, ValueType, parse_value
from carewire_contracts.values.comparing import comparable


class ProblemCode(StrEnum):
    """Kinds of problems, stable for programs."""

    UNKNOWN_REFERENCE = "unknown_reference"
    OPERATOR_NOT_OFFERED = "operator_not_offered"
    OPERAND_MISSING = "operand_missing"
    OPERAND_NOT_USED = "operand_not_used"
    OPERAND_TYPE = "operand_type"
    RANGE_INVERTED = "range_inverted"


class RuleProblem(NamedTuple):
    """One thing to mend. The message names references and types, never an operand's value."""

    path: str
    """Where the condition stands, such as `all[0].any[1]`."""
    condition_id: str | None
    reference: str
    code: ProblemCode
    message: str


def validate_rule(rule: Rule, types: Mapping[str, ValueType] | None = None) -> list[RuleProblem]:
    """List everything that is wrong with a rule.

    `types` are the declared references. None says that references are undeclared (JSONPaths into a
    payload): their existence and types cannot be known, so only the operands' shapes are checked.
    """
    return [
        RuleProblem(path, condition.id, condition.reference, code, message)
        for path, condition in rule.walk()
        for code, message in _problems(condition, types)
    ]


_Problem: TypeAlias = tuple[ProblemCode, str]

_LISTS_OF: Final = {ValueType.NUMBER: ValueType.NUMBERS_ARRAY, ValueType.STRING: ValueType.STRINGS_ARRAY}


def _problems(condition: Condition, types: Mapping[str, ValueType] | None) -> Iterator[_Problem]:
    value_type = None if types is None else types.get(condition.reference)
    if types is not None and value_type is None:
        yield ProblemCode.UNKNOWN_REFERENCE, f"nothing is called {condition.reference}"
    if value_type is not None and condition.operator not in OFFERED_OPERATORS[value_type]:
        yield ProblemCode.OPERATOR_NOT_OFFERED, f"{value_type} does not offer {condition.operator}"
        value_type = None  # what its operand should be is then unknown
    yield from _operand_problems(condition, value_type, types)


def _operand_problems(
    condition: Condition, value_type: ValueType | None, types: Mapping[str, ValueType] | None
) -> Iterator[_Problem]:
    shape, operand = OPERAND_SHAPES[condition.operator], condition.operand
    if shape is OperandShape.NOTHING:
        if operand is not None:
            yield ProblemCode.OPERAND_NOT_USED, f"{condition.operator} takes no operand"
    elif operand is None:
        yield ProblemCode.OPERAND_MISSING, f"{condition.operator} needs {shape.value}"
    elif isinstance(operand, DataPointOperand):
        yield from _reference_problems(operand.data_point, _needed(condition.operator, value_type), types)
    else:
        yield from _literal_problems(operand, shape, _item(condition.operator, value_type))


def _item(operator: Operator, value_type: ValueType | None) -> ValueType | None:
    """Name the type of what a literal operand holds: no operator compares arrays whole, so their items'."""
    if value_type is None or OPERAND_SHAPES[operator] is OperandShape.DAYS:
        return None
    return value_type.item or value_type


def _needed(operator: Operator, value_type: ValueType | None) -> ValueType | None:
    """Name the type that a data point must have to serve as the operand; None where any will do."""
    shape = OPERAND_SHAPES[operator]
    if shape is OperandShape.DAYS:
        return ValueType.NUMBER
    item = _item(operator, value_type)
    if item is None or shape is OperandShape.ITEM:
        return item
    return _LISTS_OF[item]


def _reference_problems(
    reference: str, needed: ValueType | None, types: Mapping[str, ValueType] | None
) -> Iterator[_Problem]:
    if types is None:
        return
    found = types.get(reference)
    if found is None:
        yield ProblemCode.UNKNOWN_REFERENCE, f"nothing is called {reference}, which is the operand"
    elif needed is not None and found is not needed:
        yield ProblemCode.OPERAND_TYPE, f"the operand {reference} is of type {found}, not {needed}"


def _literal_problems(operand: object, shape: OperandShape, item: ValueType | None) -> Iterator[_Problem]:
    if shape is OperandShape.ITEM:
        yield from _mismatches([operand], item)
    elif shape is OperandShape.DAYS:
        yield from _days_problems(operand)
    elif not isinstance(operand, list) or not operand or (shape is OperandShape.RANGE and len(operand) != 2):
        yield ProblemCode.OPERAND_TYPE, f"the operand must be {shape.value}"
    elif shape is OperandShape.RANGE:
        yield from _range_problems(operand, item)
    else:
        yield from _mismatches(operand, item)


def _mismatches(literals: list[object], item: ValueType | None) -> Iterator[_Problem]:
    if item is None or item is ValueType.JSON:
        return
    for literal in literals:
        outcome = parse_value(literal, item)
        if isinstance(outcome, Mismatch):
            yield ProblemCode.OPERAND_TYPE, f"wrong operand: {outcome}"


def _range_problems(bounds: list[object], item: ValueType | None) -> Iterator[_Problem]:
    wrong = list(_mismatches(bounds, item))
    yield from wrong
    pair = comparable(*bounds)
    if pair is None and not wrong:
        yield ProblemCode.OPERAND_TYPE, "the bounds of the range have no order"
    elif pair is not None and pair[0] > pair[1]:
        yield ProblemCode.RANGE_INVERTED, "the lowest value of the range is above the highest"


def _days_problems(operand: object) -> Iterator[_Problem]:
    wrong = list(_mismatches([operand], ValueType.NUMBER))
    yield from wrong
    pair = None if wrong else comparable(operand, 0)
    if pair is not None and pair[0] < pair[1]:
        yield ProblemCode.OPERAND_TYPE, f"the operand must be {OperandShape.DAYS.value}"
