"""A report in its two files: the page for people, and beside it the same figures, by which the next run compares."""

from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from carewire_testing_bench.figures import Report
from carewire_testing_bench.page import page

_REPORT: Final = TypeAdapter(Report)


class NotAReport(Exception):
    """A file beside a page holds no figures of a report."""


def read(file: Path) -> Report:
    """The figures beside a page; none where there are none yet. Raises NotAReport."""
    beside = _beside(file)
    if not beside.exists():
        return ()
    try:
        return _REPORT.validate_json(beside.read_bytes())
    except ValidationError:
        raise NotAReport(f"{beside} holds no figures of a report: take it from the last commit, or remove it") from None


def write(file: Path, report: Report) -> None:
    """Write page and figures."""
    _beside(file).write_bytes(_REPORT.dump_json(report, indent=1) + b"\n")
    file.write_text(page(report), "utf-8")


def _beside(file: Path) -> Path:
    return file.with_suffix(".json")
