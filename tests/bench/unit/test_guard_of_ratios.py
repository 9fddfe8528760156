"""What is worse than in the last report by more than 15 % is named, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_testing_bench.figures import Against, Figure, Machine, Part, Ratio, Report, Section
from carewire_testing_bench.guard import worse


def report(
    ratio: Ratio | None,
    *,
    part: str = "ingress",
    title: str = "64 connections",
    label: str = "of the ceiling",
    cores: int = 2,
) -> Report:
    section = Section(title, (Figure("rate", "3,000 a second"), Figure(label, "so much", ratio)))
    machine = Machine(cores, 7.6, "3.11.9", "4.3.1", "17.5")
    return (Part(part, "2026-11-22", "abc1234", 90.0, machine, "40% left", (section,)),)


@pytest.mark.parametrize(
    ("against", "was", "now", "is_named"),
    [
        pytest.param(Against.CEILING, 0.80, 0.60, True, id="far less of the ceiling"),
        pytest.param(Against.CEILING, 0.80, 0.69, False, id="a little less of the ceiling"),
        pytest.param(Against.CEILING, 0.60, 0.80, False, id="more of the ceiling"),
        pytest.param(Against.REFERENCE, 0.50, 0.60, True, id="far dearer beside the reference"),
        pytest.param(Against.REFERENCE, 0.50, 0.57, False, id="a little dearer beside the reference"),
        pytest.param(Against.REFERENCE, 0.60, 0.40, False, id="cheaper beside the reference"),
        pytest.param(Against.GROWTH, 1.00, 1.20, True, id="grows far more"),
        pytest.param(Against.GROWTH, 1.00, 1.14, False, id="grows a little more"),
        pytest.param(Against.GROWTH, 1.20, 1.00, False, id="grows less"),
    ],
)
def test_a_ratio_is_named_where_it_is_worse_by_more_than_is_bearable(
    against: Against, was: float, now: float, is_named: bool
) -> None:
    found = worse(report(Ratio(was, against)), report(Ratio(now, against)))
    assert bool(found) is is_named


def test_it_names_part_figure_before_and_now() -> None:
    [found] = worse(report(Ratio(0.8, Against.CEILING)), report(Ratio(0.6, Against.CEILING)))
    then = "2026-11-22, commit abc1234"
    assert str(found) == f"ingress: 64 connections: of the ceiling: 80 % before ({then}), 60 % now"


def test_another_machine_is_no_excuse() -> None:
    assert worse(report(Ratio(0.8, Against.CEILING)), report(Ratio(0.6, Against.CEILING), cores=16))


BEFORE = report(Ratio(0.8, Against.CEILING))
BAD = Ratio(0.1, Against.CEILING)


@pytest.mark.parametrize(
    ("before", "now"),
    [
        pytest.param((), report(BAD), id="no report yet"),
        pytest.param(BEFORE, (), id="nothing was run"),
        pytest.param(BEFORE, report(BAD, part="deliveries"), id="another part"),
        pytest.param(BEFORE, report(BAD, title="1 connection"), id="another case"),
        pytest.param(BEFORE, report(BAD, label="with 20,000 webhooks"), id="another size"),
        pytest.param(BEFORE, report(None), id="no ratio any more"),
        pytest.param(report(None), report(BAD), id="no ratio before"),
        pytest.param(BEFORE, report(Ratio(9.0, Against.GROWTH)), id="another kind of ratio"),
    ],
)
def test_what_one_of_them_does_not_know_is_not_compared(before: Report, now: Report) -> None:
    assert worse(before, now) == []


@given(value=st.floats(1e-3, 1e3), against=st.sampled_from(Against))
def test_the_same_again_is_never_named(value: float, against: Against) -> None:
    assert worse(report(Ratio(value, against)), report(Ratio(value, against))) == []


@given(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3), st.sampled_from(Against))
def test_of_two_ratios_at_most_one_is_worse_than_the_other(one: float, other: float, against: Against) -> None:
    first, second = report(Ratio(one, against)), report(Ratio(other, against))
    assert not (worse(first, second) and worse(second, first))
