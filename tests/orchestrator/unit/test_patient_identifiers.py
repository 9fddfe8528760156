"""How identifiers of a patient change by hand: nobody loses one to another, and nothing is done twice."""

from typing import TypeAlias

from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.identifiers import Identifier
from carewire_orchestrator.domain.identity import Fingerprint
from carewire_orchestrator.domain.patient_identifiers import add, remove, replace, taken_by_others

Identifiers: TypeAlias = dict[Fingerprint, Identifier]
fingerprints = st.tuples(st.sampled_from(["a", "b"]), st.sampled_from([b"1", b"2", b"3"]))


def identifier_of(fingerprint: Fingerprint) -> Identifier:
    return Identifier(fingerprint[0], fingerprint[1].decode())


identifiers = st.lists(fingerprints, max_size=6).map(lambda found: {one: identifier_of(one) for one in found})
owners = st.dictionaries(fingerprints, st.sampled_from(["iris", "ada", "eve"]))


@given(identifiers, identifiers)
def test_what_is_added_is_what_was_missing(had: Identifiers, given_: dict[Fingerprint, Identifier]) -> None:
    change = add(had, given_)
    assert change.added.keys() == given_.keys() - had.keys()
    assert change.removed == ()
    assert change.whole == {**given_, **had}
    assert add(change.whole, given_).is_empty


@given(identifiers, st.lists(fingerprints))
def test_what_is_removed_is_what_was_there(had: Identifiers, given_: list[Fingerprint]) -> None:
    change = remove(had, given_)
    assert set(change.removed) == had.keys() & set(given_)
    assert len(set(change.removed)) == len(change.removed)
    assert change.whole.keys() == had.keys() - set(given_)
    assert remove(change.whole, given_).is_empty


@given(identifiers, identifiers)
def test_after_a_replacement_the_patient_has_what_was_given(
    had: Identifiers, given_: dict[Fingerprint, Identifier]
) -> None:
    change = replace(had, given_)
    assert change.whole == given_
    assert change.added.keys().isdisjoint(had)
    assert set(change.removed) <= had.keys()
    assert change.is_empty == (had.keys() == given_.keys())


@given(st.lists(fingerprints, max_size=6), owners, st.sampled_from([None, "iris"]))
def test_taken_is_what_others_have_at_each_place_that_names_it(
    given_: list[Fingerprint], owners: dict[Fingerprint, str], patient_id: str | None
) -> None:
    taken = taken_by_others(given_, owners, patient_id)
    expected = [place for place, one in enumerate(given_) if owners.get(one) not in (None, patient_id)]
    assert list(taken.places) == expected
    assert list(taken.owners) == sorted({owners[given_[place]] for place in expected})
