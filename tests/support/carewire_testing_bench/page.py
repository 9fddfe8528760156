"""A report as a page for people: where and how it was measured, what can be compared, then all figures by part."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from carewire_testing_bench.figures import Against, Machine, Part, Report, Section
from carewire_testing_bench.guard import BEARABLE

CHAPTERS: Final[Mapping[str, tuple[str, ...]]] = {
    "Ingress": ("ingress", "request-log"),
    "Orchestrator": ("starts", "timers"),
    "Dispatcher": ("delivery-client", "worker", "deliveries", "deliveries-steady", "deliveries-backlog"),
    "Whole journeys, and nothing at all": ("journeys", "idle"),
}
"""All parts, in the order of the page."""

_COMPARED: Final = {
    Against.CEILING: ("Beside the bare ceiling", "of the ceiling, per CPU second; more is better"),
    Against.REFERENCE: ("Beside what others made", "of its cost; less is better"),
    Against.GROWTH: ("How cost grows", "the cost; 1 is best"),
}
_HEAD: Final = (
    "# Benchmarks: what operations cost",
    "",
    "This page is written by runs (`make bench REPORT=docs/benchmarks.md`), not by hand. Each part was measured on the "
    "day and at the commit that stand beside it; a run of some parts leaves the others as they were. The file of this "
    "name that ends in `.json` holds the same, for the next run: it warns of each ratio that is worse by more than "
    f"{BEARABLE * 100:.0f} %.",
    "",
)
_METHOD: Final = (
    "## How it is measured",
    "",
    "Services, Kafka and Postgres run as processes of their own on one machine, together with what calls them and what "
    "they call, each part on servers started afresh. CPU is that of processes, by the kernel's accounting. A ceiling "
    "does the same work on the same servers and libraries without any logic; it takes turns with what it is compared "
    "with, in the same run, and of several rounds the median counts. Latencies and rates tell of the machine as much "
    "as of Carewire, and most of all where little of it was left. Ratios can be compared from one day to the next, "
    "other figures only within a run.",
    "",
)


def page(report: Report) -> str:
    """Write the page."""
    parts = {part.name: part for part in report}
    lines = [*_HEAD, *_runs(parts), *_machines(report), *_METHOD]
    for against in Against:
        lines += _ratios(against, parts)
    for chapter, names in CHAPTERS.items():
        lines += _chapter(chapter, [parts[name] for name in names if name in parts])
    return "\n".join(lines).rstrip() + "\n"


def _runs(parts: Mapping[str, Part]) -> Iterator[str]:
    yield "## What was run"
    yield ""
    yield from _table_head("part", "run", "time of the machine meanwhile")
    for name in _known():
        part = parts.get(name)
        if part is None:
            yield _row(name, f"not yet: `make bench PARTS={name} REPORT=docs/benchmarks.md`", "")
        else:
            yield _row(name, f"{_when(part)}, {part.seconds / 60:.1f} minutes", part.meanwhile)
    yield ""


def _machines(report: Report) -> Iterator[str]:
    of: dict[Machine, list[str]] = {}
    for part in report:
        of.setdefault(part.machine, []).append(part.name)
    yield from _table_head("machine of", "cores", "memory", "Python", "Kafka", "Postgres")
    for machine, names in of.items():
        whose = "all parts" if len(of) == 1 else ", ".join(names)
        memory = f"{machine.memory_gib:.1f} GiB"
        yield _row(whose, str(machine.cores), memory, machine.python, machine.kafka, machine.postgres)
    yield ""


def _ratios(against: Against, parts: Mapping[str, Part]) -> Iterator[str]:
    title, meaning = _COMPARED[against]
    rows = [
        _row(name, f"{section.title}: {figure.label}", str(ratio))
        for name in _known()
        if name in parts
        for section, figure, ratio in parts[name].ratios()
        if ratio.against is against
    ]
    if rows:
        yield from (f"## {title}", "", *_table_head("part", "what", meaning), *rows, "")


def _chapter(title: str, parts: Iterable[Part]) -> Iterator[str]:
    for number, part in enumerate(parts):
        if number == 0:
            yield f"## {title}"
            yield ""
        yield f"### {part.name}"
        yield ""
        yield f"{_when(part)}."
        yield ""
        for section in part.sections:
            yield from _section(section)


def _section(section: Section) -> Iterator[str]:
    yield from _table_head(section.title, "")
    yield from (_row(figure.label, figure.text) for figure in section.figures)
    yield ""


def _when(part: Part) -> str:
    return f"{part.day}, commit `{part.commit}`"


def _known() -> Iterator[str]:
    return (name for names in CHAPTERS.values() for name in names)


def _table_head(*cells: str) -> Iterator[str]:
    yield _row(*cells)
    yield "|" + "---|" * len(cells)


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
