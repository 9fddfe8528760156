"""What a bench found, as plain data. A report is of parts, each with its day, commit and machine of its own."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum


class Against(StrEnum):
    """What a cost is set beside. All of it was measured in the same run, so that the machine cancels out."""

    CEILING = "ceiling"
    """The same work without any logic: how much of what that could do is reached. The more, the better."""
    REFERENCE = "reference"
    """The same work by what others made: the share of its cost. The less, the better."""
    GROWTH = "growth"
    """The same work with less of something there: how many times its cost. The less, the better."""


@dataclass(frozen=True)
class Ratio:
    """A figure that runs on other days and machines can be compared by."""

    value: float
    against: Against

    def __str__(self) -> str:
        return f"{self.value:.2f} times" if self.against is Against.GROWTH else f"{self.value * 100:.0f} %"

    def is_worse(self, than: "Ratio", by: float) -> bool:
        """Whether it is worse than another of its kind by more than a share of that one."""
        if self.against is Against.CEILING:
            return self.value < than.value * (1 - by)
        return self.value > than.value * (1 + by)


@dataclass(frozen=True)
class Figure:
    """One line. Its `text` is for people; of some there is a ratio besides."""

    label: str
    text: str
    ratio: Ratio | None = None


@dataclass(frozen=True)
class Section:
    """Figures under a title."""

    title: str
    figures: tuple[Figure, ...] = ()


@dataclass(frozen=True)
class Machine:
    """Where it ran."""

    cores: int
    memory_gib: float
    python: str
    kafka: str
    postgres: str


@dataclass(frozen=True)
class Part:
    """What a part of the bench found. `meanwhile` says what was left of the machine's time, and what was stolen."""

    name: str
    day: str
    commit: str
    seconds: float
    machine: Machine
    meanwhile: str
    sections: tuple[Section, ...]

    def ratios(self) -> Iterator[tuple[Section, Figure, Ratio]]:
        """All that can be compared, with where it stands."""
        for section in self.sections:
            for figure in section.figures:
                if figure.ratio is not None:
                    yield section, figure, figure.ratio


Report = tuple[Part, ...]


def renewed(report: Report, parts: Iterable[Part]) -> Report:
    """A report in which parts that were run now take the place of those of their name; others stay as they were."""
    found = {part.name: part for part in report}
    return tuple((found | {part.name: part for part in parts}).values())
