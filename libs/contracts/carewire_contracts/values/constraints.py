"""What a data point's definition allows beyond its type: possible values and a range."""

from collections.abc import Collection
from typing import Final

from carewire_contracts.values.comparing import Items
from carewire_contracts.values.parsing import Mismatch
from carewire_contracts.values.reading import canonical_number
from carewire_contracts.values.value_type import TypedValue

_ONE_OF: Final = "one of the possible values"


def check_constraints(
    value: TypedValue,
    *,
    possible_values: Collection[str | int | float] = (),
    minimum: float | None = None,
    maximum: float | None = None,
) -> Mismatch | None:
    """Check a parsed value, or each item of an array, against possible values and an inclusive range.

    No possible values mean that all are; a bound that is None is open and bounds only numbers. Possible
    values may be written as strings for any type, as the reference does.
    """
    allowed = Items(possible_values) if possible_values else None
    for item in value if isinstance(value, list) else [value]:
        if allowed is not None and item not in allowed:
            return Mismatch(_ONE_OF, "value that is not among them")
        if not _within(item, minimum, maximum):
            return Mismatch(_bounds(minimum, maximum), "number outside the range")
    return None


def _within(item: object, minimum: float | None, maximum: float | None) -> bool:
    if isinstance(item, bool) or not isinstance(item, int | float):
        return True
    return (minimum is None or item >= minimum) and (maximum is None or item <= maximum)


def _bounds(minimum: float | None, maximum: float | None) -> str:
    at_least = [] if minimum is None else [f"at least {canonical_number(minimum)}"]
    at_most = [] if maximum is None else [f"at most {canonical_number(maximum)}"]
    return f"number of {' and '.join(at_least + at_most)}"
