"""What a call says of a patient who gets created: kept, told, and shown in the words of the contract."""

import base64
from collections.abc import Mapping

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.events.patient import Address, PatientCreated, PatientProfile
from carewire_contracts.wire import decode, encode
from carewire_orchestrator.adapters.api.patient_forms import AddressView, ProfileView
from carewire_orchestrator.adapters.store.identities import Identities
from carewire_orchestrator.domain.announcing import announce_patient
from carewire_orchestrator.domain.profile import lay_out_profile
from carewire_orchestrator.domain.starting import Call, Intake, Outcome, StartedCareFlow
from carewire_runtime.errors import SealBroken
from carewire_runtime.sealing import Keyring
from carewire_testing_orchestrator.calls import MRN, accepted, mrn
from carewire_testing_orchestrator.definitions import release
from carewire_testing_orchestrator.playing import NOW

RELEASE = release()
KEYRING = Keyring.parse(f"k1:{base64.b64encode(bytes(32)).decode()}")
PLAIN_FIELDS = [name for name in PatientProfile.model_fields if name not in ("identifier", "address")]
ADDRESS_FIELDS = [f"address.{name}" for name in Address.model_fields]
profiles = st.dictionaries(st.sampled_from(PLAIN_FIELDS + ADDRESS_FIELDS), st.text(max_size=8))


@pytest.mark.parametrize(
    ("flat", "document"),
    [
        ({}, {}),
        ({"first_name": "Iris"}, {"first_name": "Iris"}),
        ({"address.city": "Ghent"}, {"address": {"city": "Ghent"}}),
        (
            {"address.zip": "9000", "email": "iris@example.org", "address.city": "Ghent"},
            {"email": "iris@example.org", "address": {"city": "Ghent", "zip": "9000"}},
        ),
        ({"shoe_size": "38", "address": "Ghent", "address.planet": "Earth", "identifier": "1"}, {}),
    ],
    ids=["nothing", "a field", "an address alone", "in the contract's order", "what the contract doesn't have"],
)
def test_flat_fields_become_the_document_of_the_contract(flat: dict[str, str], document: dict[str, object]) -> None:
    assert orjson.dumps(lay_out_profile(flat)) == orjson.dumps(document)


@given(profiles)
def test_every_field_of_the_contract_is_kept_and_told_in_its_bytes(flat: dict[str, str]) -> None:
    told = announce_patient("patient", tenant_id="t", identifiers=[mrn("1")], profile=lay_out_profile(flat), now=NOW)
    written = orjson.dumps(told.event)
    event = decode(PatientCreated, written)
    assert encode(event) == written
    assert event.patient.profile is not None
    address = event.patient.profile.address or Address()
    said = {name: getattr(event.patient.profile, name) for name in PLAIN_FIELDS}
    said |= {name: getattr(address, name.removeprefix("address.")) for name in ADDRESS_FIELDS}
    assert {name: value for name, value in said.items() if value is not None} == flat
    assert [one.value for one in event.patient.profile.identifier] == ["1"]


def test_the_api_shows_every_field_of_the_contract() -> None:
    assert {*ProfileView.model_fields, "identifier"} == {*PatientProfile.model_fields}
    assert {*AddressView.model_fields} == {*Address.model_fields}


def decide(*profiles_and_keys: tuple[Mapping[str, str], str | None]) -> list[Outcome]:
    """Decide calls with these profiles, each by the record number given, or anonymous."""
    intake = Intake({RELEASE.release_id: RELEASE}, {}, {(MRN, b"known"): "patient"}, {}, {})
    outcomes = []
    for number, (profile, value) in enumerate(profiles_and_keys):
        identifiers = () if value is None else (mrn(value),)
        request = accepted(
            RELEASE.definition.id, RELEASE.release_id, identifiers=identifiers, profile=profile, expires_at=NOW
        )
        prints = tuple((one.system, one.value.encode()) for one in identifiers)
        outcomes.append(intake.decide(Call(request, NOW, prints, f"care-flow-{number}", f"patient-{number}"), NOW))
    return outcomes


@pytest.mark.parametrize(
    ("calls", "kept"),
    [
        ([({"email": "a@example.org"}, "new")], [{"email": "a@example.org"}]),
        ([({"email": "a@example.org"}, None)], [{"email": "a@example.org"}]),
        ([({}, "new")], [{}]),
        ([({"email": "a@example.org"}, "known")], [{}]),
        ([({"email": "a@example.org"}, "new"), ({"email": "b@example.org"}, "new")], [{"email": "a@example.org"}, {}]),
        ([({}, "new"), ({"email": "b@example.org"}, "new")], [{}, {}]),
    ],
    ids=[
        "a new patient",
        "an anonymous one",
        "nothing said",
        "a known patient is not changed",
        "nor is one whom the batch created",
        "not even where nothing was known",
    ],
)
def test_a_profile_is_for_the_patient_whom_its_call_creates(
    calls: list[tuple[dict[str, str], str | None]], kept: list[dict[str, str]]
) -> None:
    outcomes = decide(*calls)
    assert [one.profile for one in outcomes if isinstance(one, StartedCareFlow)] == kept


def test_a_profile_stays_out_of_the_repr_of_what_was_started() -> None:
    [started] = decide(({"email": "CANARY-77"}, None))
    assert "CANARY-77" not in repr(started)


@given(profiles)
def test_a_profile_is_kept_sealed_for_its_patient_alone(flat: dict[str, str]) -> None:
    identities = Identities(KEYRING)
    [started] = decide((flat, None))
    assert isinstance(started, StartedCareFlow)
    sealed = identities.seal_profile(started)
    assert (sealed is None) is (flat == {})
    assert identities.open_profile(sealed, "patient-0") == lay_out_profile(flat)
    if sealed is not None:
        with pytest.raises(SealBroken):
            identities.open_profile(sealed, "patient-1")
