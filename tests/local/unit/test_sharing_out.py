"""Files of tests that wait are spread among those that compute."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_testing.sharing_out import spread


@pytest.mark.parametrize(
    ("waiting", "computing", "order"),
    [
        ("", "", ""),
        ("AB", "", "AB"),
        ("", "ab", "ab"),
        ("A", "abc", "Aabc"),
        ("ABCD", "abcdefghijk", "AabcBdeCfgDhijk"),
    ],
    ids=["nothing", "nothing that computes", "nothing that waits", "one that waits", "both"],
)
def test_both_take_turns_and_the_end_only_computes(waiting: str, computing: str, order: str) -> None:
    assert "".join(spread(waiting, computing)) == order


@given(st.lists(st.integers(0), max_size=20), st.lists(st.integers(max_value=-1), max_size=20))
def test_nothing_is_left_out_and_each_kind_keeps_its_order(waiting: list[int], computing: list[int]) -> None:
    order = spread(waiting, computing)
    assert [one for one in order if one >= 0] == waiting
    assert [one for one in order if one < 0] == computing
