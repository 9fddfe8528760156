"""Clinical scores by their published rules. Items that are missing or out of range make no score at all.

- PHQ-9: Kroenke, Spitzer, Williams. The PHQ-9: validity of a brief depression severity measure. J Gen Intern Med
  2001;16:606-613. Nine items of 0 to 3 are added; 5, 10, 15 and 20 begin mild, moderate, moderately severe and severe.
- GAD-7: Spitzer, Kroenke, Williams, Löwe. A brief measure for assessing generalized anxiety disorder. Arch Intern Med
  2006;166:1092-1097. Seven items of 0 to 3 are added; 5, 10 and 15 begin mild, moderate and severe.
- BMI: weight in kilograms by the square of the height in metres; classes of WHO Technical Report Series 894 (2000).
"""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

_LOWEST_ITEM: Final = 0
_HIGHEST_ITEM: Final = 3

PHQ9_SEVERITIES: Final = ("minimal", "mild", "moderate", "moderately severe", "severe")
GAD7_SEVERITIES: Final = ("minimal", "mild", "moderate", "severe")
BMI_CLASSES: Final = ("underweight", "normal", "overweight", "obese")

_PHQ9_BOUNDS: Final = (5, 10, 15, 20)
_GAD7_BOUNDS: Final = (5, 10, 15)
_BMI_BOUNDS: Final = (18.5, 25, 30)


class NoScore(ValueError):
    """The items do not make a score."""


def phq9(*items: float) -> float:
    """The PHQ-9 score, 0 to 27, of its nine items. Raises NoScore."""
    return _sum_of_items(items, 9)


def phq9_severity(score: float) -> str:
    """How severe a depression a PHQ-9 score speaks of. Raises NoScore."""
    return _class_of(score, 27, _PHQ9_BOUNDS, PHQ9_SEVERITIES)


def gad7(*items: float) -> float:
    """The GAD-7 score, 0 to 21, of its seven items. Raises NoScore."""
    return _sum_of_items(items, 7)


def gad7_severity(score: float) -> str:
    """How severe an anxiety disorder a GAD-7 score speaks of. Raises NoScore."""
    return _class_of(score, 21, _GAD7_BOUNDS, GAD7_SEVERITIES)


def bmi(weight_kg: float, height_m: float) -> float:
    """The body mass index in kg/m². Raises NoScore for what is no weight or no height in metres."""
    if not 0 < weight_kg < 1_000 or not 0 < height_m < 3:
        raise NoScore("weight in kilograms and height in metres are needed")
    return weight_kg / height_m**2


def bmi_class(index: float) -> str:
    """The class of an adult's body mass index. Raises NoScore."""
    if index <= 0:
        raise NoScore("a body mass index is more than 0")
    return BMI_CLASSES[bisect_right(_BMI_BOUNDS, index)]


def _sum_of_items(items: Sequence[float], count: int) -> float:
    if len(items) != count:
        raise NoScore(f"{count} items are needed")
    if any(item != int(item) or not _LOWEST_ITEM <= item <= _HIGHEST_ITEM for item in items):
        raise NoScore(f"each item is {_LOWEST_ITEM} to {_HIGHEST_ITEM}")
    return sum(items)


def _class_of(score: float, highest: int, bounds: Sequence[float], names: Sequence[str]) -> str:
    if not 0 <= score <= highest:
        raise NoScore(f"a score is 0 to {highest}")
    return names[bisect_right(bounds, score)]
