"""One small function an operator: does the value satisfy it? Total over whatever it is given.

Functions of comparing operators are never given an empty value or operand.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

from carewire_contracts.rules.operators import Operator
from carewire_contracts.values.comparing import Items, comparable, equal, is_empty

Decision: TypeAlias = Callable[[Any, Any, datetime], bool]
"""(value, operand, now) -> satisfied."""

_DAY: Final = timedelta(days=1)
_SECONDS_A_DAY: Final = 86_400


def _is_equal_to(value: Any, operand: Any, _now: datetime) -> bool:
    return equal(value, operand)


def _is_greater_than(value: Any, operand: Any, _now: datetime) -> bool:
    pair = comparable(value, operand)
    return pair is not None and bool(pair[0] > pair[1])


def _is_greater_than_or_equal_to(value: Any, operand: Any, _now: datetime) -> bool:
    pair = comparable(value, operand)
    return pair is not None and bool(pair[0] >= pair[1])


def _is_less_than(value: Any, operand: Any, _now: datetime) -> bool:
    pair = comparable(value, operand)
    return pair is not None and bool(pair[0] < pair[1])


def _is_less_than_or_equal_to(value: Any, operand: Any, _now: datetime) -> bool:
    pair = comparable(value, operand)
    return pair is not None and bool(pair[0] <= pair[1])


def _is_in_range(value: Any, operand: Any, now: datetime) -> bool:
    if not isinstance(operand, list) or len(operand) != 2:
        return False
    lowest, highest = operand
    return _is_greater_than_or_equal_to(value, lowest, now) and _is_less_than_or_equal_to(value, highest, now)


def _is_any_of(value: Any, operand: Any, _now: datetime) -> bool:
    if not isinstance(operand, list):
        return False
    if not isinstance(value, list):
        return any(equal(value, item) for item in operand)
    items = Items(operand)
    return any(item in items for item in value)


def _contains(value: Any, operand: Any, _now: datetime) -> bool:
    if isinstance(value, str):
        return isinstance(operand, str) and operand in value
    return isinstance(value, list) and any(equal(item, operand) for item in value)


def _is_empty(value: Any, _operand: Any, _now: datetime) -> bool:
    return is_empty(value)


def _is_true(value: Any, _operand: Any, _now: datetime) -> bool:
    return equal(value, True)


def _is_today(value: Any, _operand: Any, now: datetime) -> bool:
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    pair = comparable(value, midnight)
    return pair is not None and timedelta() <= pair[0] - midnight < _DAY


def _seconds_ago(value: Any, days: Any, now: datetime) -> tuple[float, Any] | None:
    """How long ago the value was, and how long the operand says, both in seconds."""
    dates, numbers = comparable(value, now), comparable(days, _SECONDS_A_DAY)
    if dates is None or numbers is None:
        return None
    return (now - dates[0]).total_seconds(), numbers[0] * _SECONDS_A_DAY


def _is_less_than_x_days_ago(value: Any, operand: Any, now: datetime) -> bool:
    times = _seconds_ago(value, operand, now)
    return times is not None and bool(0 <= times[0] < times[1])


def _is_more_than_x_days_ago(value: Any, operand: Any, now: datetime) -> bool:
    times = _seconds_ago(value, operand, now)
    return times is not None and times[0] > 0 and bool(times[0] > times[1])


def _opposite(decision: Decision) -> Decision:
    def decide(value: Any, operand: Any, now: datetime) -> bool:
        return not decision(value, operand, now)

    return decide


DECISIONS: Final[dict[Operator, Decision]] = {
    Operator.IS_EQUAL_TO: _is_equal_to,
    Operator.IS_NOT_EQUAL_TO: _opposite(_is_equal_to),
    Operator.IS_GREATER_THAN: _is_greater_than,
    Operator.IS_GREATER_THAN_OR_EQUAL_TO: _is_greater_than_or_equal_to,
    Operator.IS_LESS_THAN: _is_less_than,
    Operator.IS_LESS_THAN_OR_EQUAL_TO: _is_less_than_or_equal_to,
    Operator.IS_IN_RANGE: _is_in_range,
    Operator.IS_ANY_OF: _is_any_of,
    Operator.IS_NONE_OF: _opposite(_is_any_of),
    Operator.CONTAINS: _contains,
    Operator.DOES_NOT_CONTAIN: _opposite(_contains),
    Operator.IS_EMPTY: _is_empty,
    Operator.IS_NOT_EMPTY: _opposite(_is_empty),
    Operator.IS_TRUE: _is_true,
    Operator.IS_NOT_TRUE: _opposite(_is_true),
    Operator.IS_TODAY: _is_today,
    Operator.IS_LESS_THAN_X_DAYS_AGO: _is_less_than_x_days_ago,
    Operator.IS_MORE_THAN_X_DAYS_AGO: _is_more_than_x_days_ago,
    Operator.HAS_FILE_UPLOADED: _opposite(_is_empty),
    Operator.HAS_NO_FILE_UPLOADED: _is_empty,
}
