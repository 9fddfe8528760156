"""The operators, which types offer them, and what operand each needs."""

from enum import Enum, StrEnum
from typing import Final

from carewire_contracts.values import ValueType


class Operator(StrEnum):
    """The operators of the reference (section 5.7). What they mean stands in the package's text."""

    IS_EQUAL_TO = "is_equal_to"
    IS_NOT_EQUAL_TO = "is_not_equal_to"
    IS_GREATER_THAN = "is_greater_than"
    IS_GREATER_THAN_OR_EQUAL_TO = "is_greater_than_or_equal_to"
    IS_LESS_THAN = "is_less_than"
    IS_LESS_THAN_OR_EQUAL_TO = "is_less_than_or_equal_to"
    IS_IN_RANGE = "is_in_range"
    IS_ANY_OF = "is_any_of"
    IS_NONE_OF = "is_none_of"
    CONTAINS = "contains"
    DOES_NOT_CONTAIN = "does_not_contain"
    IS_EMPTY = "is_empty"
    IS_NOT_EMPTY = "is_not_empty"
    IS_TRUE = "is_true"
    IS_NOT_TRUE = "is_not_true"
    IS_TODAY = "is_today"
    IS_LESS_THAN_X_DAYS_AGO = "is_less_than_x_days_ago"
    IS_MORE_THAN_X_DAYS_AGO = "is_more_than_x_days_ago"
    HAS_FILE_UPLOADED = "has_file_uploaded"
    HAS_NO_FILE_UPLOADED = "has_no_file_uploaded"


_EMPTINESS: Final = frozenset({Operator.IS_EMPTY, Operator.IS_NOT_EMPTY})
_EQUALITY: Final = frozenset({Operator.IS_EQUAL_TO, Operator.IS_NOT_EQUAL_TO})
_ORDERING: Final = frozenset(
    {
        Operator.IS_GREATER_THAN,
        Operator.IS_GREATER_THAN_OR_EQUAL_TO,
        Operator.IS_LESS_THAN,
        Operator.IS_LESS_THAN_OR_EQUAL_TO,
    }
)
_MEMBERSHIP: Final = frozenset({Operator.IS_ANY_OF, Operator.IS_NONE_OF})
_CONTAINMENT: Final = frozenset({Operator.CONTAINS, Operator.DOES_NOT_CONTAIN})
_TRUTH: Final = frozenset({Operator.IS_TRUE, Operator.IS_NOT_TRUE})
_DAYS: Final = frozenset({Operator.IS_LESS_THAN_X_DAYS_AGO, Operator.IS_MORE_THAN_X_DAYS_AGO})
_FILES: Final = frozenset({Operator.HAS_FILE_UPLOADED, Operator.HAS_NO_FILE_UPLOADED})
_ARRAYS: Final = _CONTAINMENT | _MEMBERSHIP | _EMPTINESS

OFFERED_OPERATORS: Final[dict[ValueType, frozenset[Operator]]] = {
    ValueType.BOOLEAN: _TRUTH | _EMPTINESS,
    ValueType.NUMBER: _EQUALITY | _ORDERING | {Operator.IS_IN_RANGE} | _MEMBERSHIP | _EMPTINESS,
    ValueType.STRING: _EQUALITY | _CONTAINMENT | _MEMBERSHIP | _EMPTINESS,
    ValueType.DATE: _EQUALITY | _ORDERING | {Operator.IS_TODAY} | _DAYS | _EMPTINESS,
    ValueType.NUMBERS_ARRAY: _ARRAYS,
    ValueType.STRINGS_ARRAY: _ARRAYS,
    ValueType.TELEPHONE: _EQUALITY | _EMPTINESS,
    ValueType.JSON: _EQUALITY | _EMPTINESS,
    ValueType.ATTACHMENT: _FILES,
    ValueType.ATTACHMENTS_ARRAY: _FILES,
}
"""Which operators make sense for which type."""


class OperandShape(Enum):
    """What an operator needs beside the value."""

    NOTHING = "no operand"
    ITEM = "a value"
    LIST = "a list of values"
    RANGE = "a list of the lowest and the highest value"
    DAYS = "a number of days, 0 or more"


OPERAND_SHAPES: Final[dict[Operator, OperandShape]] = {
    **dict.fromkeys(_EQUALITY | _ORDERING | _CONTAINMENT, OperandShape.ITEM),
    **dict.fromkeys(_MEMBERSHIP, OperandShape.LIST),
    **dict.fromkeys(_EMPTINESS | _TRUTH | _FILES | {Operator.IS_TODAY}, OperandShape.NOTHING),
    **dict.fromkeys(_DAYS, OperandShape.DAYS),
    Operator.IS_IN_RANGE: OperandShape.RANGE,
}

SPEAKS_OF_EMPTY: Final = _EMPTINESS | _TRUTH | _FILES
"""Operators that an empty value can satisfy or refute; for all others it decides nothing."""
