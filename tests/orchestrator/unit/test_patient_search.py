"""By which keys a patient is found, and what makes two of them the same."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_orchestrator.domain.patient_search import (
    SearchKind,
    fold,
    name_and_birth_date,
    patient_code,
    search_keys,
)

BORN = "1961-07-04"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Müller", "MULLER"),
        ("O'Brien", "obrien"),
        ("van der Berg", "Vanderberg"),
        ("Smith-Jones", "smith jones"),
        ("Straße", "STRASSE"),
        ("Çelik", "celik"),
        ("ﬁsher", "Fisher"),
    ],
)
def test_spellings_of_one_name_fold_to_one(one: str, other: str) -> None:
    assert fold(one) == fold(other) != ""


@pytest.mark.parametrize(("one", "other"), [("Muller", "Mueller"), ("की", "का"), ("王", "李"), ("Smith 2", "Smith")])
def test_other_names_stay_apart(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@given(st.text(max_size=12))
def test_folding_is_done_once_for_all_and_knows_no_form_of_unicode(name: str) -> None:
    assert fold(fold(name)) == fold(name)
    assert fold(unicodedata.normalize("NFD", name)) == fold(unicodedata.normalize("NFC", name))


@pytest.mark.parametrize(
    ("profile", "kinds"),
    [
        ({}, set()),
        ({"last_name": "Example"}, set()),
        ({"birth_date": BORN}, set()),
        ({"last_name": " -' ", "birth_date": BORN}, set()),
        ({"name": "Iris Example", "birth_date": BORN}, set()),
        ({"last_name": "Example", "birth_date": BORN}, {SearchKind.NAME_AND_BIRTH_DATE}),
        ({"patient_code": "  "}, set()),
        ({"patient_code": " NC-1 "}, {SearchKind.PATIENT_CODE}),
        ({"last_name": "Example", "birth_date": BORN, "patient_code": "1"}, set(SearchKind)),
    ],
)
def test_a_key_is_made_only_of_what_is_known_whole(profile: dict[str, str], kinds: set[SearchKind]) -> None:
    assert search_keys(profile).keys() == kinds


@given(st.tuples(st.text(max_size=5), st.text(max_size=5)), st.tuples(st.text(max_size=5), st.text(max_size=5)))
def test_two_pairs_share_a_key_only_if_name_and_date_are_the_same(one: tuple[str, str], other: tuple[str, str]) -> None:
    keys = name_and_birth_date(*one), name_and_birth_date(*other)
    if keys[0] is not None and keys[0] == keys[1]:
        assert fold(one[0]) == fold(other[0])
        assert one[1] == other[1]


def test_a_code_is_compared_without_case_and_blanks_around_but_with_its_signs() -> None:
    assert patient_code(" nc-42 ") == patient_code("NC-42") != patient_code("NC42")
