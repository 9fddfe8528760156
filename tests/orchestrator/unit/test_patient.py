"""A patient who goes and comes back."""

from datetime import timedelta

from carewire_contracts.identifiers import Identifier
from carewire_orchestrator.domain.patient import Patient
from carewire_testing_orchestrator.playing import NOW

MRN = {("mrn", b"1"): Identifier("mrn", "1")}
PATIENT = Patient("p", NOW, {**MRN, ("ssn", b"2"): Identifier("ssn", "2")}, {"first_name": "Iris"})


def test_a_patient_is_deleted_until_they_are_restored_with_what_they_get_back() -> None:
    gone = PATIENT.gone(NOW, NOW + timedelta(days=30))
    assert not PATIENT.is_deleted
    assert gone.is_deleted
    assert gone.erase_after == NOW + timedelta(days=30)
    assert gone.back(PATIENT.identifiers) == PATIENT
    assert gone.back(MRN) == PATIENT.with_identifiers(MRN)


def test_a_changed_patient_is_another_value() -> None:
    assert PATIENT.with_profile({}).profile == {}
    assert PATIENT.profile == {"first_name": "Iris"}
