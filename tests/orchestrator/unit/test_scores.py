"""Clinical scores at every bound of their published classes."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_orchestrator.domain.scores import NoScore, bmi, bmi_class, gad7, gad7_severity, phq9, phq9_severity

ITEM = st.integers(0, 3)


@pytest.mark.parametrize(
    ("score", "severity"),
    [
        (0, "minimal"),
        (4, "minimal"),
        (5, "mild"),
        (9, "mild"),
        (10, "moderate"),
        (14, "moderate"),
        (15, "moderately severe"),
        (19, "moderately severe"),
        (20, "severe"),
        (27, "severe"),
    ],
)
def test_phq9_severities_begin_at_5_10_15_and_20(score: int, severity: str) -> None:
    assert phq9_severity(score) == severity


@pytest.mark.parametrize(
    ("score", "severity"),
    [
        (0, "minimal"),
        (4, "minimal"),
        (5, "mild"),
        (9, "mild"),
        (10, "moderate"),
        (14, "moderate"),
        (15, "severe"),
        (21, "severe"),
    ],
)
def test_gad7_severities_begin_at_5_10_and_15(score: int, severity: str) -> None:
    assert gad7_severity(score) == severity


@pytest.mark.parametrize(
    ("index", "name"),
    [
        (18.4, "underweight"),
        (18.5, "normal"),
        (24.9, "normal"),
        (25, "overweight"),
        (29.9, "overweight"),
        (30, "obese"),
    ],
)
def test_classes_of_the_body_mass_index_begin_at_18_and_a_half_25_and_30(index: float, name: str) -> None:
    assert bmi_class(index) == name


def test_the_body_mass_index_is_weight_by_the_square_of_height() -> None:
    assert bmi(81, 1.8) == pytest.approx(25)


@given(st.lists(ITEM, min_size=9, max_size=9))
def test_phq9_adds_nine_items(items: list[int]) -> None:
    assert phq9(*items) == sum(items)


@given(st.lists(ITEM, min_size=7, max_size=7))
def test_gad7_adds_seven_items(items: list[int]) -> None:
    assert gad7(*items) == sum(items)


@pytest.mark.parametrize(
    ("score", "items"),
    [
        (phq9, [0] * 8),
        (phq9, [0] * 10),
        (phq9, [0] * 8 + [4]),
        (phq9, [0] * 8 + [-1]),
        (phq9, [0] * 8 + [0.5]),
        (gad7, [0] * 6),
        (phq9_severity, [28]),
        (phq9_severity, [-1]),
        (gad7_severity, [22]),
        (bmi, [81, 180]),
        (bmi, [0, 1.8]),
        (bmi, [81, 0]),
        (bmi_class, [0]),
    ],
)
def test_what_is_missing_or_out_of_range_makes_no_score(score: Callable[..., object], items: list[float]) -> None:
    with pytest.raises(NoScore):
        score(*items)
