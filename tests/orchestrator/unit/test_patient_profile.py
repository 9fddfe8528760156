"""What staff may say of a patient, and what is known after a change."""

from datetime import date
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.events.patient import Address, PatientProfile
from carewire_orchestrator.domain.patient_profile import EARLIEST_BIRTH, change_profile, read_profile_change
from carewire_orchestrator.domain.profile import flatten_profile, lay_out_profile

TODAY = date(2026, 3, 2)
PLAIN_FIELDS = [name for name in PatientProfile.model_fields if name not in ("identifier", "address")]
FLAT_FIELDS = PLAIN_FIELDS + [f"address.{name}" for name in Address.model_fields]
texts = st.text(min_size=1, max_size=8)
profiles = st.dictionaries(st.sampled_from(FLAT_FIELDS), texts).map(lay_out_profile)
changes = st.dictionaries(st.sampled_from(FLAT_FIELDS), st.none() | texts)

GOOD = {
    "email": "iris@example.org",
    "first_name": "Iris",
    "last_name": "van der Example-Ünal",
    "name": "न\u200dरगिस",
    "sex": "NOT_KNOWN",
    "birth_date": "1961-07-04",
    "phone": "+3225550101",
    "mobile_phone": "+32470123456",
    "preferred_language": "nl-BE",
    "patient_code": "NC-004217",
    "national_registry_number": "61.07.04-123.45",
    "patient_timezone": "Europe/Brussels",
}


def problems(**profile: Any) -> dict[str, str]:
    found = read_profile_change(profile, TODAY)
    assert isinstance(found, list)
    return {one.field: one.message for one in found}


def test_every_field_takes_what_it_is_for() -> None:
    address = {"street": "Kerkstraat 1", "city": "Gent", "zip": "9000", "state": "x" * 256, "country": "BE"}
    assert set(GOOD) == set(PLAIN_FIELDS)
    flat = {f"address.{name}": text for name, text in address.items()}
    assert read_profile_change({**GOOD, "address": address}, TODAY) == GOOD | flat


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("email", "nobody"),
        ("email", "nobody@nowhere"),
        ("email", f"{'x' * 60}@{'y' * 190}.example"),
        ("sex", "female"),
        ("birth_date", "04/07/1961"),
        ("birth_date", "19610704"),
        ("birth_date", "1961-02-30"),
        ("birth_date", "1849-12-31"),
        ("birth_date", "2026-03-03"),
        ("phone", "02 555 01 01"),
        ("mobile_phone", "+1"),
        ("preferred_language", "Dutch language"),
        ("preferred_language", "-".join(["nl", *["x" * 8] * 4])),
        ("patient_timezone", "Europe/Gent"),
        ("patient_timezone", "europe/brussels"),
        ("last_name", "x" * 257),
        ("last_name", "Ex\u202eample"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_the_form_that_can(field: str, text: str) -> None:
    [(name, message)] = problems(**{field: text}).items()
    assert name == f"profile.{field}"
    assert message.startswith("must ")
    assert text not in message


@pytest.mark.parametrize("born", [EARLIEST_BIRTH, TODAY])
def test_the_bounds_of_a_birth_date_are_included(born: date) -> None:
    assert read_profile_change({"birth_date": born.isoformat()}, TODAY) == {"birth_date": born.isoformat()}


def test_everything_wrong_is_told_at_once() -> None:
    assert set(problems(email="x", sex="x", address={"city": "\u0000", "zip": "9000"})) == {
        "profile.email",
        "profile.sex",
        "profile.address.city",
    }


@pytest.mark.parametrize(
    ("given", "change"),
    [
        ({}, {}),
        ({"email": None}, {"email": None}),
        ({"email": ""}, {"email": None}),
        ({"first_name": " \t "}, {"first_name": None}),
        ({"first_name": "  Iris \n Ada "}, {"first_name": "Iris Ada"}),
        ({"address": {}}, {}),
        ({"address": {"city": None}}, {"address.city": None}),
        ({"address": None}, {f"address.{name}": None for name in Address.model_fields}),
    ],
)
def test_null_and_empty_clear_and_what_is_not_said_stays(given: dict[str, Any], change: dict[str, Any]) -> None:
    assert read_profile_change(given, TODAY) == change


@given(profiles, changes)
def test_after_a_change_each_field_is_what_was_said_last(known: dict[str, Any], change: dict[str, str | None]) -> None:
    after = change_profile(known, change)
    before = flatten_profile(known)
    expected = {name: change.get(name, before.get(name)) for name in FLAT_FIELDS}
    assert flatten_profile(after) == {name: text for name, text in expected.items() if text is not None}
    assert change_profile(after, change) == after, "the same again changes nothing"
    assert orjson.dumps(after) == orjson.dumps(lay_out_profile(flatten_profile(after))), "in the contract's order"


@given(profiles)
def test_a_document_is_flattened_without_loss(profile: dict[str, Any]) -> None:
    assert lay_out_profile(flatten_profile(profile)) == profile
