"""What became worse since the last report. Costs depend on the machine and its day: only ratios are compared."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from carewire_testing_bench.figures import Part, Ratio, Report

BEARABLE: Final = 0.15
"""By which share a ratio may be worse without a word: less differs between runs of the same commit."""


@dataclass(frozen=True)
class Worse:
    """A ratio that is worse than it was."""

    before: Part
    title: str
    label: str
    was: Ratio
    now: Ratio

    def __str__(self) -> str:
        then = f"{self.before.day}, commit {self.before.commit}"
        return f"{self.before.name}: {self.title}: {self.label}: {self.was} before ({then}), {self.now} now"


def worse(before: Report, now: Report) -> list[Worse]:
    """Name each ratio that is worse by more than is bearable. What either report does not know is not compared."""
    parts = {part.name: part for part in before}
    return [one for part in now if part.name in parts for one in _worse(parts[part.name], part)]


def _worse(before: Part, now: Part) -> Iterator[Worse]:
    known = {(section.title, figure.label): ratio for section, figure, ratio in before.ratios()}
    for section, figure, ratio in now.ratios():
        was = known.get((section.title, figure.label))
        if was is not None and was.against is ratio.against and ratio.is_worse(was, BEARABLE):
            yield Worse(before, section.title, figure.label, was, ratio)
