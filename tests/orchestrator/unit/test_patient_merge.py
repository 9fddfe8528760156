"""Two patients who are one person: who stays, with what."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.identifiers import Identifier
from carewire_orchestrator.domain.patient import Patient
from carewire_orchestrator.domain.patient_merge import AlreadyMerged, Merged, MergeRefusal, fill_gaps, merge
from carewire_orchestrator.domain.profile import flatten_profile, lay_out_profile
from carewire_testing_orchestrator.playing import NOW

FIELDS = ["email", "first_name", "birth_date", "address.city", "address.zip"]
profiles = st.dictionaries(st.sampled_from(FIELDS), st.text(min_size=1, max_size=3)).map(lay_out_profile)


def patient(patient_id: str, *values: str, **profile: Any) -> Patient:
    identifiers = {("mrn", value.encode()): Identifier("mrn", value) for value in values}
    return Patient(patient_id, NOW, identifiers, profile)


def test_the_one_who_stays_gets_all_identifiers_and_what_is_known_of_the_other_alone() -> None:
    kept = patient("kept", "1", first_name="Iris", address={"city": "Gent"})
    other = patient("other", "2", "3", first_name="I.", email="i@b.example", address={"zip": "9000"})
    outcome = merge("kept", "other", kept, other)
    assert isinstance(outcome, Merged)
    assert outcome.patient.id == "kept"
    assert [one.value for one in outcome.patient.identifiers.values()] == ["1", "2", "3"]
    assert list(outcome.patient.profile.items()) == [
        ("email", "i@b.example"),
        ("first_name", "Iris"),
        ("address", {"city": "Gent"}),
    ]


def test_a_merge_that_was_done_is_not_done_again() -> None:
    kept = patient("kept")
    assert merge("kept", "merged before", kept, kept) == AlreadyMerged(kept)
    assert merge("merged before", "kept", kept, kept) == AlreadyMerged(kept)


def test_earlier_merges_of_both_are_heeded() -> None:
    outcome = merge("pointer to kept", "pointer to other", patient("kept"), patient("other"))
    assert outcome == Merged(patient("kept"))


def test_nobody_is_merged_with_themselves_nor_with_somebody_who_was_deleted() -> None:
    kept, other = patient("kept"), patient("other")
    gone = replace(other, deleted_at=NOW, erase_after=NOW + timedelta(days=30))
    assert merge("kept", "kept", kept, kept) is MergeRefusal.SAME_PATIENT
    assert merge("kept", "other", kept, gone) is MergeRefusal.DELETED
    assert merge("other", "kept", gone, kept) is MergeRefusal.DELETED


@given(profiles, profiles)
def test_gaps_are_filled_and_nothing_that_is_known_changes(profile: dict[str, Any], other: dict[str, Any]) -> None:
    filled = fill_gaps(profile, other)
    assert filled == {**other, **profile}
    assert fill_gaps(filled, other) == filled
    assert lay_out_profile(flatten_profile(filled)) == filled
