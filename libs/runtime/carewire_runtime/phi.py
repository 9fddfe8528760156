"""Values that may be protected health information."""

from typing import Generic, NoReturn, TypeVar, final

T = TypeVar("T")


@final
class Phi(Generic[T]):
    """A value that shows itself only when asked by name.

    Its repr, str and format are redacted, so that it cannot slip into a log line or an error text, and it
    refuses to be pickled. Two are equal when their values are.
    """

    __slots__ = ("_value",)

    def __init__(self, value: T) -> None:
        self._value = value

    def reveal(self) -> T:
        """Return the value. Each call is a place to look at when asking where health data goes."""
        return self._value

    def __repr__(self) -> str:
        return "Phi(redacted)"

    def __format__(self, spec: str) -> str:
        return "Phi(redacted)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Phi) and bool(self._value == other._value)

    def __hash__(self) -> int:
        return hash((Phi, self._value))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Phi value is not to be pickled")
