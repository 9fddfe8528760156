"""Expressions of calculations: arithmetic, comparisons and choices over named values, and a closed list of functions.

They are written as in Python (`weight / height ** 2`, `"high" if score >= 10 else "low"`) and evaluated by
`simpleeval` with everything taken away that is not listed here: no attributes, no subscripts, no keywords, nothing
that loops. All numbers are floating-point ones, texts are compared but never joined or repeated, and an expression
and its lists are bounded, so that every evaluation ends in short time and little memory, always with the same result.

An empty value is None. Whatever reckons with it fails; `coalesce` and `is_empty` are there to ask first.
"""

import ast
import math
import operator
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final, TypeAlias

from simpleeval import InvalidExpression, SimpleEval

from carewire_contracts.record import record
from carewire_contracts.values import TypedValue, is_empty
from carewire_orchestrator.domain import scores

Known: TypeAlias = Mapping[str, TypedValue | None]

MAX_DEPTH: Final = 50
"""Expressions within expressions: evaluation recurses, and nobody reads deeper."""

MAX_ITEMS: Final = 1_000
"""Items of a list that an expression reckons with."""

MAX_DIGITS: Final = 15
"""Decimals to round to: a floating-point number has no more."""


@record()
class NotComputed:
    """Why an expression has no result, in words without values."""

    message: str


def evaluate_expression(expression: str, known: Known) -> TypedValue | NotComputed:
    """The result of an expression over named values; None stands for one that is empty."""
    parsed = _parse(expression)
    if isinstance(parsed, NotComputed):
        return parsed
    if any(isinstance(value, list) and len(value) > MAX_ITEMS for value in known.values()):
        return NotComputed(f"a list has more than {MAX_ITEMS} items")
    try:
        return _sound(_evaluator(known).eval(expression, previously_parsed=parsed))
    except (InvalidExpression, ArithmeticError, ValueError, TypeError) as error:
        return NotComputed(f"it fails with {type(error).__name__}")


def expression_problem(expression: str, names: frozenset[str]) -> str | None:
    """What is wrong with an expression that may use these names, before it is ever evaluated."""
    parsed = _parse(expression)
    if isinstance(parsed, NotComputed):
        return parsed.message
    called = {node.func for node in ast.walk(parsed) if isinstance(node, ast.Call)}
    for node in ast.walk(parsed):
        if isinstance(node, ast.Name) and node not in called and node.id not in names:
            return f"there is no input {node.id}"
        if isinstance(node, ast.Call) and not (isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS):
            return f"a call of something else than {', '.join(FUNCTIONS)}"
    return None


def _parse(expression: str) -> ast.Expr | NotComputed:
    try:
        body = ast.parse(expression.strip()).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return NotComputed("it is no expression")
    if len(body) != 1 or not isinstance(body[0], ast.Expr):
        return NotComputed("it is no expression")
    if _depth(body[0]) > MAX_DEPTH:
        return NotComputed(f"it is nested more than {MAX_DEPTH} deep")
    for node in ast.walk(body[0]):
        if not isinstance(node, _NODES):
            return NotComputed(f"{type(node).__name__} is not allowed in it")
        if isinstance(node, ast.Call) and node.keywords:
            return NotComputed("named arguments are not allowed in it")
        if isinstance(node, ast.Constant) and not isinstance(node.value, str | bool | int | float):
            return NotComputed(f"a constant of type {type(node.value).__name__} is not allowed in it")
    return body[0]


def _depth(tree: ast.AST) -> int:
    """Level by level, so that no depth exhausts the stack."""
    level, depth = [tree], 0
    while level:
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        depth += 1
    return depth


def _evaluator(known: Known) -> Any:
    evaluator = SimpleEval(operators=_OPERATORS, functions=FUNCTIONS, names=dict(known))
    evaluator.nodes = {node: evaluate for node, evaluate in evaluator.nodes.items() if node in _NODES}
    return evaluator


def _sound(result: object) -> TypedValue | NotComputed:
    if isinstance(result, bool | str | datetime):
        return result
    if isinstance(result, int | float) and math.isfinite(result):
        return int(result) if float(result).is_integer() and abs(result) < _EXACT else float(result)
    return NotComputed("it has no result")


_EXACT: Final = 2**53
"""Integers below are exact as floating-point numbers."""


def _number(value: object) -> float:
    if not isinstance(value, int | float):
        raise TypeError("a number is needed")
    return float(value)


def _of_numbers(operation: Callable[..., float]) -> Callable[..., float]:
    def operate(*operands: object) -> float:
        return operation(*(_number(operand) for operand in operands))

    return operate


def _power(base: float, exponent: float) -> float:
    return math.pow(base, exponent)


def _ordered(operation: Callable[[Any, Any], bool]) -> Callable[[object, object], bool]:
    def compare(left: object, right: object) -> bool:
        if isinstance(left, datetime) and isinstance(right, datetime):
            return operation(left, right)
        return operation(_number(left), _number(right))

    return compare


def _numbers(items: tuple[object, ...]) -> list[float]:
    """Numbers, and those of lists."""
    flat = [part for item in items for part in (item if isinstance(item, list) else [item])]
    return [_number(item) for item in flat]


def _mean(*items: object) -> float:
    numbers = _numbers(items)
    return math.fsum(numbers) / len(numbers)


def _round(value: object, digits: object = 0) -> float:
    """Half away from zero, as people round."""
    places = int(_number(digits))
    if not 0 <= places <= MAX_DIGITS:
        raise ValueError("that many digits cannot be kept")
    step = Decimal(1).scaleb(-places)
    return float(Decimal(repr(_number(value))).quantize(step, ROUND_HALF_UP))


def _coalesce(*values: object) -> object:
    return next((value for value in values if not is_empty(value)), None)


def _days_between(first: object, second: object) -> float:
    """Calendar days in UTC, as dates without a time are."""
    return (_date(second).date() - _date(first).date()).days


def _years_between(first: object, second: object) -> float:
    """Whole years, such as an age; somebody born on 29 February grows older on 1 March."""
    born, then = _date(first).date(), _date(second).date()
    return then.year - born.year - ((then.month, then.day) < (born.month, born.day))


def _date(value: object) -> datetime:
    if not isinstance(value, datetime):
        raise TypeError("a date is needed")
    return value.astimezone(UTC)


def _score(score: Callable[..., float | str]) -> Callable[..., float | str]:
    def of(*items: object) -> float | str:
        return score(*_numbers(items))

    return of


_OPERATORS: Final[Mapping[type[ast.AST], Callable[..., Any]]] = {
    ast.Add: _of_numbers(operator.add),
    ast.Sub: _of_numbers(operator.sub),
    ast.Mult: _of_numbers(operator.mul),
    ast.Div: _of_numbers(operator.truediv),
    ast.FloorDiv: _of_numbers(operator.floordiv),
    ast.Mod: _of_numbers(operator.mod),
    ast.Pow: _of_numbers(_power),
    ast.UAdd: _of_numbers(operator.pos),
    ast.USub: _of_numbers(operator.neg),
    ast.Not: operator.not_,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: _ordered(operator.lt),
    ast.LtE: _ordered(operator.le),
    ast.Gt: _ordered(operator.gt),
    ast.GtE: _ordered(operator.ge),
}

_NODES: Final = (
    ast.Expr,
    ast.Constant,
    ast.Name,
    ast.Load,
    ast.UnaryOp,
    ast.BinOp,
    ast.BoolOp,
    ast.And,
    ast.Or,
    ast.Compare,
    ast.IfExp,
    ast.Call,
    *_OPERATORS,
)
"""All that an expression is made of."""

FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "abs": _of_numbers(abs),
    "min": lambda *items: min(_numbers(items)),
    "max": lambda *items: max(_numbers(items)),
    "sum": lambda *items: math.fsum(_numbers(items)),
    "mean": _mean,
    "count": lambda *items: sum(not is_empty(item) for item in items),
    "round": _round,
    "floor": _of_numbers(math.floor),
    "ceil": _of_numbers(math.ceil),
    "sqrt": _of_numbers(math.sqrt),
    "coalesce": _coalesce,
    "is_empty": is_empty,
    "days_between": _days_between,
    "years_between": _years_between,
    "bmi": _score(scores.bmi),
    "bmi_class": _score(scores.bmi_class),
    "phq9": _score(scores.phq9),
    "phq9_severity": _score(scores.phq9_severity),
    "gad7": _score(scores.gad7),
    "gad7_severity": _score(scores.gad7_severity),
}
"""All that an expression can call."""
