"""`patient.updated` and `patient.deleted`: byte for byte what the contracts' models write."""

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.events.patient import Address, PatientDeleted, PatientProfile, PatientUpdated
from carewire_contracts.wire import decode, encode
from carewire_orchestrator.domain.patient_events import announce_patient_deleted, announce_patient_updated
from carewire_orchestrator.domain.profile import lay_out_profile
from carewire_testing_orchestrator.calls import mrn, ssn
from carewire_testing_orchestrator.playing import NOW

FIELDS = [name for name in PatientProfile.model_fields if name not in ("identifier", "address")]
FLAT_FIELDS = FIELDS + [f"address.{name}" for name in Address.model_fields]
profiles = st.dictionaries(st.sampled_from(FLAT_FIELDS), st.text(max_size=5)).map(lay_out_profile)
identifiers = st.lists(st.text(max_size=5).map(mrn) | st.text(max_size=5).map(ssn), max_size=3)


@given(identifiers, profiles)
def test_an_update_says_all_that_is_known(identifiers: list[Any], profile: dict[str, Any]) -> None:
    told = announce_patient_updated("p", "c", tenant_id="t", identifiers=identifiers, profile=profile, now=NOW)
    written = orjson.dumps(told.event)
    event = decode(PatientUpdated, written)
    assert encode(event) == written
    assert event.patient.profile is not None
    assert [(one.system, one.value) for one in event.patient.profile.identifier] == [
        (one.system, one.value) for one in identifiers
    ]
    assert event.patient.profile.model_dump(exclude_unset=True, exclude={"identifier"}) == profile


def test_a_deletion_names_the_patient_and_says_nothing_else_of_them() -> None:
    told = announce_patient_deleted("p", "c", tenant_id="t", now=NOW)
    written = orjson.dumps(told.event)
    event = decode(PatientDeleted, written)
    assert encode(event) == written
    assert event.patient.profile is None
    assert event.patient.user is not None
    assert event.patient.id == event.patient.user.id == "p"


def test_the_id_of_an_event_is_of_its_patient_its_kind_and_its_change() -> None:
    def updated(patient_id: str, change_id: str) -> str:
        return announce_patient_updated(patient_id, change_id, tenant_id="t", identifiers=(), profile={}, now=NOW).id

    deleted = announce_patient_deleted("p", "c", tenant_id="t", now=NOW).id
    ids = [updated("p", "c"), updated("p", "d"), updated("q", "c"), deleted]
    assert len(set(ids)) == len(ids)
    assert updated("p", "c") == ids[0]
