"""Conditions of a query that are known only when it is asked.

Text comes from our own code alone (a `LiteralString`, so the type checker sees to it); whatever a caller gave is a
parameter. A condition that is not asked for is left out, instead of `$1 is null or …`: such a query has one plan for
all askers, which uses no index.
"""

from typing import Any, LiteralString


class Conditions:
    """Collects conditions and their parameters, in order."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._texts: list[str] = []

    def parameter(self, value: Any) -> str:
        """Add a parameter; returns its placeholder, such as `$3`."""
        self.values.append(value)
        return f"${len(self.values)}"

    def add(self, text: LiteralString, value: Any) -> None:
        """Demand a condition, in whose text `{}` stands for the value; None demands nothing."""
        if value is not None:
            self._texts.append(text.format(self.parameter(value)))

    def where(self, *more: str) -> str:
        """All conditions and some more as a `where` clause; empty where there is none."""
        texts = [*more, *self._texts]
        return f"where {' and '.join(texts)}" if texts else ""
