"""The order in which files of tests are shared out to workers that run side by side."""

from collections.abc import Iterable, Sequence
from itertools import chain
from operator import itemgetter
from typing import Final, TypeVar

T = TypeVar("T")

_LAST_WAITING_AT: Final = 0.8


def spread(waiting: Sequence[T], computing: Sequence[T]) -> list[T]:
    """Spread what waits for servers evenly among what computes, so that cores and servers always have work.

    The last fifth only computes: whoever is left with the last long wait keeps nobody else waiting.
    """
    placed = chain(_places(waiting, _LAST_WAITING_AT), _places(computing, 1.0))
    return [one for _, one in sorted(placed, key=itemgetter(0))]


def _places(ones: Sequence[T], end: float) -> Iterable[tuple[float, T]]:
    return ((end * number / len(ones), one) for number, one in enumerate(ones))
