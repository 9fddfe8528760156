"""The text of a path leads back to the node it was made for."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from carewire_contracts.json_path import InvalidPath, JsonPath
from carewire_ingress.domain.path_text import is_writable, quoted, step


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("name", ".name"),
        ("_name2", "._name2"),
        ("2name", "['2name']"),
        ("x y", "['x y']"),
        ("x-y", "['x-y']"),
        ("", "['']"),
        ("*", "['*']"),
        ("it's", r"['it\'s']"),
        ('say "it"', "['say \"it\"']"),
        ("back\\slash", r"['back\\slash']"),
        ("line\nbreak", r"['line\nbreak']"),
        ("delete\x7f", "['delete\x7f']"),
        ("caf\u00e9", "['caf\u00e9']"),
        ("\U0001f600", "['\U0001f600']"),
        (0, "[0]"),
        (17, "[17]"),
    ],
)
def test_a_step_is_written_in_shorthand_where_that_is_allowed(place: str | int, text: str) -> None:
    assert step(place) == text


@pytest.mark.parametrize("name", ["nul\0", "\x07", "\x0b", "\x0e", "a\x1fb"])
def test_names_with_odd_control_characters_have_no_path(name: str) -> None:
    assert not is_writable(name)
    with pytest.raises(InvalidPath):
        JsonPath(f"${step(name)}")


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12).filter(is_writable)


@given(st.lists(texts | st.integers(0, 3), max_size=5))
@example(["\b\t\n\f\r'\"\\\x7f\u2028"])
def test_every_path_leads_back(places: list[str | int]) -> None:
    payload: Any = "here"
    for place in reversed(places):
        payload = {place: payload} if isinstance(place, str) else [None] * place + [payload]
    assert JsonPath("$" + "".join(map(step, places))).find(payload) == "here"


@given(texts)
@example("it's \\ \n")
def test_a_literal_equals_the_text(text: str) -> None:
    assert JsonPath(f"$[?@.v == {quoted(text)}].v").find([{"v": text}, {"v": text + "x"}]) == text
