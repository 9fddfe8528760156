"""What a data point's definition allows beyond its type: possible values and a range."""

from collections.abc import Collection
from typing import Final

from carewire_contracts.values.comparing import Items
from carewire_contracts.values.parsing import Mismatch
from carewire_contracts.values.reading import canonical_number
from carewire_contracts.values.soundness import NUMBERS
from carewire_contracts.values.value_type import TypedValue

_ONE_OF: Final = "one of the possible values"


class Constraints:
    """Possible values and an inclusive range, prepared for checking many values.

    No possible values mean that all are; a bound that is None is open and bounds only numbers. Possible
    values may be written as strings for any type, as the reference does.
    """

    __slots__ = ("_allowed", "_is_bounded", "_maximum", "_minimum")

    def __init__(
        self,
        *,
        possible_values: Collection[str | int | float] = (),
        minimum: float | None = None,
        maximum: float | None = None,
    ) -> None:
        self._allowed = Items(possible_values) if possible_values else None
        self._minimum = minimum
        self._maximum = maximum
        self._is_bounded = minimum is not None or maximum is not None

    def check(self, value: TypedValue) -> Mismatch | None:
        """Check a parsed value, or each item of an array."""
        if not isinstance(value, list):
            return self._fault(value)
        return next((fault for fault in map(self._fault, value) if fault is not None), None)

    def _fault(self, item: object) -> Mismatch | None:
        if self._allowed is not None and item not in self._allowed:
            return Mismatch(_ONE_OF, "value that is not among them")
        if self._is_bounded and not _within(item, self._minimum, self._maximum):
            return Mismatch(_bounds(self._minimum, self._maximum), "number outside the range")
        return None


def check_constraints(
    value: TypedValue,
    *,
    possible_values: Collection[str | int | float] = (),
    minimum: float | None = None,
    maximum: float | None = None,
) -> Mismatch | None:
    """Check one value against `Constraints` of these arguments."""
    return Constraints(possible_values=possible_values, minimum=minimum, maximum=maximum).check(value)


def _within(item: object, minimum: float | None, maximum: float | None) -> bool:
    if isinstance(item, bool) or not isinstance(item, NUMBERS):
        return True
    return (minimum is None or item >= minimum) and (maximum is None or item <= maximum)


def _bounds(minimum: float | None, maximum: float | None) -> str:
    at_least = [] if minimum is None else [f"at least {canonical_number(minimum)}"]
    at_most = [] if maximum is None else [f"at most {canonical_number(maximum)}"]
    return f"number of {' and '.join(at_least + at_most)}"
