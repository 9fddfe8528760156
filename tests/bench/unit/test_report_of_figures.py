"""A report renews what was run, keeps what was not, is a page for people, and can be read again from beside it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.bench.__main__ import ALONE, PARTS

from carewire_testing_bench.collector import Collector
from carewire_testing_bench.figures import Against, Figure, Machine, Part, Ratio, Section, renewed
from carewire_testing_bench.kept import NotAReport, read, write
from carewire_testing_bench.page import CHAPTERS, page

MACHINE = Machine(2, 7.6, "3.11.9", "4.3.1", "17.5")
CEILING = Figure("of the ceiling per CPU second", "62 % (pairs: 61 %, 62 %)", Ratio(0.62, Against.CEILING))
GROWN = Figure("10,000 more webhooks", "1.04 times the CPU a request", Ratio(1.04, Against.GROWTH))
PLAIN = Figure("ingress", "310 us CPU a request")


def part(name: str, *figures: Figure, day: str = "2026-11-22", machine: Machine = MACHINE) -> Part:
    section = Section("64 connections", figures or (PLAIN,))
    return Part(name, day, "abc1234", 90.0, machine, "40% left, 0% taken by its host", (section,))


def test_the_page_knows_each_part_of_the_bench_once() -> None:
    shown = [name for names in CHAPTERS.values() for name in names]
    assert sorted(shown) == sorted([*PARTS, *ALONE])


def test_the_page_says_of_each_part_when_and_of_what_it_was_run_or_that_it_was_not() -> None:
    lines = page((part("ingress"),)).splitlines()
    assert "| ingress | 2026-11-22, commit `abc1234`, 1.5 minutes | 40% left, 0% taken by its host |" in lines
    assert "| timers | not yet: `make bench PARTS=timers REPORT=docs/benchmarks.md` |  |" in lines
    assert "### ingress" in lines
    assert "### timers" not in lines
    assert "## Orchestrator" not in lines


def test_the_page_shows_all_figures_of_a_part_and_by_themselves_those_that_can_be_compared() -> None:
    lines = page((part("ingress", PLAIN, CEILING, GROWN),)).splitlines()
    for figure in (PLAIN, CEILING, GROWN):
        assert f"| {figure.label} | {figure.text} |" in lines
    assert "| ingress | 64 connections: of the ceiling per CPU second | 62 % |" in lines
    assert "| ingress | 64 connections: 10,000 more webhooks | 1.04 times |" in lines
    assert lines.index("## Beside the bare ceiling") < lines.index("## How cost grows") < lines.index("## Ingress")
    assert "## Beside what others made" not in lines


def test_the_page_says_which_part_ran_on_which_machine_where_they_differ() -> None:
    assert "| all parts | 2 | 7.6 GiB | 3.11.9 | 4.3.1 | 17.5 |" in page((part("ingress"), part("idle")))
    other = Machine(16, 64.0, "3.13.1", "4.3.1", "of its own")
    lines = page((part("ingress"), part("idle", machine=other))).splitlines()
    assert "| ingress | 2 | 7.6 GiB | 3.11.9 | 4.3.1 | 17.5 |" in lines
    assert "| idle | 16 | 64.0 GiB | 3.13.1 | 4.3.1 | of its own |" in lines


def test_no_figure_breaks_a_table() -> None:
    assert "| a \\| b | c \\| d |" in page((part("idle", Figure("a | b", "c | d")),))


def test_parts_that_were_run_take_the_place_of_those_before_and_others_stay() -> None:
    report = (part("ingress"), part("idle"))
    new = part("idle", day="2026-12-01")
    assert renewed(report, [new]) == (part("ingress"), new)
    assert renewed((), [new]) == (new,)


def test_figures_are_gathered_by_their_titles_without_what_aligns_them() -> None:
    collector = Collector()
    collector.title("Idle")
    collector.figure(Figure("CPU  Kafka", "   3.25 % of a core"))
    collector.figure(CEILING)
    collector.title("Busy")
    collector.figure(PLAIN)
    expected = (Section("Idle", (Figure("CPU Kafka", "3.25 % of a core"), CEILING)), Section("Busy", (PLAIN,)))
    assert collector.give_away() == expected
    assert collector.give_away() == ()


def test_a_figure_without_a_title_is_a_mistake() -> None:
    with pytest.raises(RuntimeError, match="'ingress' stands under no title"):
        Collector().figure(PLAIN)


TEXTS = st.text(max_size=5)
RATIOS = st.builds(Ratio, st.floats(0, 1e6), st.sampled_from(Against))
FIGURES = st.builds(Figure, TEXTS, TEXTS, st.none() | RATIOS)


@given(report=st.lists(st.builds(part, st.sampled_from([*PARTS, *ALONE]), FIGURES), max_size=2).map(tuple))
def test_what_is_written_is_read_again(report: tuple[Part, ...], tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.getbasetemp() / "benchmarks.md"
    write(file, report)
    assert read(file) == report
    assert file.read_bytes().decode() == page(report)


def test_before_the_first_report_there_is_none(tmp_path: Path) -> None:
    assert read(tmp_path / "benchmarks.md") == ()


@pytest.mark.parametrize("text", ["", "{", "{}", '[{"name": "ingress"}]'])
def test_a_file_that_holds_no_figures_is_named_with_a_remedy(text: str, tmp_path: Path) -> None:
    (tmp_path / "benchmarks.json").write_text(text)
    with pytest.raises(NotAReport, match=r"benchmarks\.json holds no figures .* remove it"):
        read(tmp_path / "benchmarks.md")
