"""`make bench`: what it writes, what it warns of, and that it fails of neither."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.bench import __main__ as command
from tests.bench import report

from carewire_testing_bench import kept
from carewire_testing_bench.figures import Against, Ratio


def reaching(share: float) -> Callable[[], None]:
    def run() -> None:
        report.title("A part")
        report.line("of the ceiling", f"{share:.2f}", Ratio(share, Against.CEILING))

    return run


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs the command with parts that measure nothing, each of which reaches a share of its ceiling."""

    def run(*arguments: str, **shares: float) -> int:
        monkeypatch.setattr(command, "PARTS", {})
        monkeypatch.setattr(command, "ALONE", {name: reaching(share) for name, share in shares.items()})
        monkeypatch.setattr("sys.argv", ["bench", *arguments])
        return command.main()

    return run


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the report of the project."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()


def test_it_writes_a_report_only_where_it_is_asked_to(bench: Callable[..., int]) -> None:
    assert bench(idle=0.8) == 0
    assert not command.LAST.exists()
    assert bench("--report", str(command.LAST), idle=0.8) == 0
    assert "| idle | A part: of the ceiling | 80 % |" in command.LAST.read_text()


def test_a_run_of_some_parts_leaves_the_others_in_the_report(bench: Callable[..., int]) -> None:
    bench("--report", str(command.LAST), idle=0.8, ingress=0.7)
    bench("idle", "--report", str(command.LAST), idle=0.5, ingress=0.1)
    values = {part.name: ratio.value for part in kept.read(command.LAST) for _, _, ratio in part.ratios()}
    assert values == {"idle": 0.5, "ingress": 0.7}


@pytest.mark.parametrize("arguments", [(), ("--report", "docs/benchmarks.md")], ids=["printed", "written"])
def test_it_warns_of_what_is_worse_than_in_the_last_report_and_does_not_fail(
    arguments: tuple[str, ...], bench: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    bench("--report", str(command.LAST), idle=0.8, ingress=0.7)
    assert "WARNING" not in capsys.readouterr().out
    assert bench(*arguments, idle=0.5, ingress=0.7) == 0
    _, _, warned = capsys.readouterr().out.partition("WARNING: worse than in the last report by more than 15 %:")
    assert "idle: A part: of the ceiling: 80 % before" in warned
    assert "ingress" not in warned


def test_a_part_that_fails_costs_no_figures_of_those_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise RuntimeError("not every call was accepted")

    monkeypatch.setattr(command, "PARTS", {})
    monkeypatch.setattr(command, "ALONE", {"idle": reaching(0.8), "ingress": fails})
    monkeypatch.setattr("sys.argv", ["bench", "--report", str(command.LAST)])
    with pytest.raises(RuntimeError, match="not every call was accepted"):
        command.main()
    assert [part.name for part in kept.read(command.LAST)] == ["idle"]


def test_it_measures_nothing_where_the_last_report_cannot_be_read(
    bench: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    command.LAST.with_suffix(".json").write_text("{}")
    assert bench(idle=0.8) == command.NO_REPORT
    printed = capsys.readouterr().out
    assert "holds no figures of a report" in printed
    assert "A part" not in printed


def test_it_names_parts_that_there_are_not(bench: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        bench("idel", idle=0.8)
    assert "there is no part idel; there are idle" in capsys.readouterr().err
