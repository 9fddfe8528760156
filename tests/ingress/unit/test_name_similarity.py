"""How alike two names are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_ingress.domain.name_similarity import likeness, trigrams


def alike(one: str, other: str) -> float:
    return likeness(trigrams([one]), trigrams([other]))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("surgery_date", "surgeryDate"),
        ("surgery_date", "Surgery date"),
        ("surgery_date", "date-surgery"),
        ("MRN", "mrn"),
        ("HTTPServer", "http_server"),
        ("pain2", "Pain 2"),
        ("stra\u00dfe", "STRASSE"),
    ],
)
def test_style_case_and_order_do_not_matter(one: str, other: str) -> None:
    assert alike(one, other) == 1


@pytest.mark.parametrize(
    ("name", "closer", "farther"),
    [
        ("surgery_date", "date_of_surgery", "birth_date"),
        ("birth_date", "dateOfBirth", "surgery.date"),
        ("pain_score", "score", "sex"),
        ("first_name", "firstname", "family"),
        ("phone", "telephone", "zip"),
    ],
)
def test_what_shares_more_is_closer(name: str, closer: str, farther: str) -> None:
    assert alike(name, closer) > alike(name, farther)


@pytest.mark.parametrize(("one", "other"), [("", ""), ("", "a"), ("---", "a"), ("age", "zip")])
def test_without_anything_in_common_there_is_no_likeness(one: str, other: str) -> None:
    assert alike(one, other) == 0


def test_several_names_count_together() -> None:
    assert likeness(trigrams(["patient", "name"]), trigrams(["patientName"])) == 1
    assert trigrams([]) == frozenset()


names = st.text(max_size=20)


@given(names, names)
def test_likeness_goes_both_ways_and_stays_within_bounds(one: str, other: str) -> None:
    assert 0 <= alike(one, other) <= 1
    assert alike(one, other) == alike(other, one)


@given(names)
def test_a_name_is_like_itself(name: str) -> None:
    assert alike(name, name) == (1 if trigrams([name]) else 0)
