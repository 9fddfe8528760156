"""A patient's profile in a payload: what is taken, what is refused and how that is told."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.json_path import InvalidPath
from carewire_contracts.requests import ReasonCode
from carewire_ingress.domain.patient_profile import PROFILE_RULES, ProfileField, plan_profile, read_profile
from carewire_ingress.domain.value_source import ValueSource

TODAY = date(2026, 3, 2)
NAMES = [ProfileField.FIRST_NAME, ProfileField.LAST_NAME, ProfileField.STREET, ProfileField.CITY]
NAMES += [ProfileField.STATE, ProfileField.COUNTRY]
NUMBERED = [ProfileField.PATIENT_CODE, ProfileField.NATIONAL_REGISTRY_NUMBER, ProfileField.ZIP]
PHONES = [ProfileField.PHONE, ProfileField.MOBILE_PHONE]

PERSIAN = "\u0639\u0644\u06cc\u200c\u0631\u0636\u0627"
"""Ali-Reza, whose two parts are kept apart by an invisible character."""
WRONG, RANGE = ReasonCode.WRONG_TYPE, ReasonCode.OUT_OF_RANGE


def read(field: ProfileField, value: object) -> str | tuple[ReasonCode, str | None] | None:
    """The text that is kept, the code and what was found of a refusal, or None."""
    plan = plan_profile({field: ValueSource("$.v")})
    profile, reasons = read_profile(plan, {"v": value}, TODAY)
    if reasons:
        (reason,) = reasons
        assert profile == {}
        return reason.code, reason.found
    return profile.get(field)


def test_every_field_has_its_rule() -> None:
    assert set(PROFILE_RULES) == set(ProfileField)


@pytest.mark.parametrize("field", ProfileField)
@pytest.mark.parametrize("value", [None, "", " ", "\t\n", "\u00a0"], ids=repr)
def test_null_and_blank_texts_are_left_out(field: ProfileField, value: object) -> None:
    assert read(field, value) is None


@pytest.mark.parametrize("field", ProfileField)
@pytest.mark.parametrize(
    ("value", "found"), [(True, "boolean"), (["x"], "array"), ({"x": "y"}, "object"), (1.5, "number")], ids=repr
)
def test_no_field_takes_other_types(field: ProfileField, value: object, found: str) -> None:
    assert read(field, value) == (WRONG, found)


@pytest.mark.parametrize("field", ProfileField)
def test_whole_numbers_are_taken_for_record_numbers_postcodes_and_sex_alone(field: ProfileField) -> None:
    is_taken = field in {*NUMBERED, ProfileField.SEX}
    assert read(field, 9000) == ("9000" if is_taken else (WRONG, "number"))


@pytest.mark.parametrize("field", [*NAMES, *NUMBERED])
@pytest.mark.parametrize(
    ("value", "kept"),
    [
        pytest.param("Ada", "Ada", id="plain"),
        pytest.param("  Ada   van der\tBerg\n", "Ada van der Berg", id="white space"),
        pytest.param("Zo\u00eb O'Neil-\u0141uk", "Zo\u00eb O'Neil-\u0141uk", id="letters of all kinds"),
        pytest.param(
            "\u0639\u0644\u06cc\u200c\u0631\u0636\u0627", "\u0639\u0644\u06cc\u200c\u0631\u0636\u0627", id="a joiner"
        ),
        pytest.param("0071", "0071", id="leading zeros"),
        pytest.param("x" * 256, "x" * 256, id="the longest"),
        pytest.param("x" * 257, (WRONG, "string longer than 256 characters"), id="too long"),
        pytest.param("a\0b", (WRONG, "string with invisible characters"), id="NUL"),
        pytest.param("a\u202eb", (WRONG, "string with invisible characters"), id="reversed direction"),
        pytest.param("a\x7fb", (WRONG, "string with invisible characters"), id="a control character"),
        pytest.param("a\ud800b", (WRONG, "string with invisible characters"), id="half a character"),
    ],
)
def test_names_and_addresses(field: ProfileField, value: str, kept: object) -> None:
    assert read(field, value) == kept


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("1958-11-03", "1958-11-03"),
        (" 1958-11-03 ", "1958-11-03"),
        ("1958-11-03T00:00:00Z", "1958-11-03"),
        ("1958-11-03T00:00:00.000+02:00", "1958-11-03"),
        ("1958-11-03 00:00", "1958-11-03"),
        ("2024-02-29", "2024-02-29"),
        ("1850-01-01", "1850-01-01"),
        ("2026-03-02", "2026-03-02"),
        ("2026-03-03", "2026-03-03"),
        ("2026-03-04", (RANGE, "day in the future")),
        ("2058-11-03", (RANGE, "day in the future")),
        ("9999-12-31", (RANGE, "day in the future")),
        ("1849-12-31", (RANGE, "day too long ago")),
        ("0001-01-01", (RANGE, "day too long ago")),
        ("0000-00-00", (WRONG, "string that is not a day")),
        ("2023-02-29", (WRONG, "string that is not a day")),
        ("1958-11", (WRONG, "string that is not a day")),
        ("19581103", (WRONG, "string that is not a day")),
        ("03/11/1958", (WRONG, "string that is not a day")),
        ("1958-11-03T23:00:00Z", (WRONG, "string that is not a day")),
        ("1958-11-03T00:00:01Z", (WRONG, "string that is not a day")),
        ("\u0661\u0669\u0665\u0668-11-03", (WRONG, "string that is not a day")),
    ],
)
def test_a_birth_date_is_one_certain_day(value: str, kept: object) -> None:
    assert read(ProfileField.BIRTH_DATE, value) == kept


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("female", "female"),
        ("NOT_KNOWN", "NOT_KNOWN"),
        (0, "0"),
        (2, "2"),
        ("x" * 32, "x" * 32),
        ("x" * 33, (WRONG, "string longer than 32 characters")),
    ],
)
def test_sex_is_kept_in_the_words_of_the_sender(value: object, kept: object) -> None:
    assert read(ProfileField.SEX, value) == kept


NO_EMAIL = (WRONG, "string that is not an e-mail address")


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("iris@example.org", "iris@example.org"),
        (" Iris.O'Neil+care@mail.example.org ", "Iris.O'Neil+care@mail.example.org"),
        ("j\u00f6rg@m\u00fcller.example", "j\u00f6rg@m\u00fcller.example"),
        (f"{'x' * 64}@example.org", f"{'x' * 64}@example.org"),
        (f"{'x' * 65}@example.org", NO_EMAIL),
        (f"x@{'y' * 249}.org", (WRONG, "string longer than 254 characters")),
        ("iris", NO_EMAIL),
        ("@example.org", NO_EMAIL),
        ("iris@", NO_EMAIL),
        ("iris@localhost", NO_EMAIL),
        ("iris@example.", NO_EMAIL),
        ("iris@.org", NO_EMAIL),
        ("iris@example..org", NO_EMAIL),
        ("iris@home@example.org", NO_EMAIL),
        ("iris example@example.org", NO_EMAIL),
        ("Iris <iris@example.org>", NO_EMAIL),
        ("iris\u200b@example.org", NO_EMAIL),
        ("iris@exam\0ple.org", NO_EMAIL),
    ],
)
def test_an_email_address(value: str, kept: object) -> None:
    assert read(ProfileField.EMAIL, value) == kept


@pytest.mark.parametrize("field", PHONES)
@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("+3225550101", "+3225550101"),
        (" +3225550101 ", "+3225550101"),
        ("02 555 01 01", (WRONG, "string that is not an E.164 number")),
        ("+32 2 555 01 01", (WRONG, "string that is not an E.164 number")),
        ("+1", (WRONG, "string that is not an E.164 number")),
        ("+999123456", (WRONG, "telephone number that its country cannot have")),
    ],
)
def test_telephone_numbers_are_those_of_data_points(field: ProfileField, value: str, kept: object) -> None:
    assert read(field, value) == kept


NO_LANGUAGE = (WRONG, "string that is not a language tag")


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("nl", "nl"),
        ("nl-BE", "nl-BE"),
        ("nl_BE", "nl-BE"),
        ("zh-Hant-TW", "zh-Hant-TW"),
        ("es-419", "es-419"),
        ("n", NO_LANGUAGE),
        ("Dutch (Belgium)", NO_LANGUAGE),
        ("nl-", NO_LANGUAGE),
        ("nl--BE", NO_LANGUAGE),
        ("nl_BE.UTF-8", NO_LANGUAGE),
        ("en-" + "-".join(["abcdefgh"] * 4), NO_LANGUAGE),
    ],
)
def test_a_language_is_a_tag(value: str, kept: object) -> None:
    assert read(ProfileField.PREFERRED_LANGUAGE, value) == kept


NO_ZONE = (ReasonCode.NOT_A_POSSIBLE_VALUE, "another text")


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("Europe/Brussels", "Europe/Brussels"),
        ("America/Argentina/Ushuaia", "America/Argentina/Ushuaia"),
        ("UTC", "UTC"),
        ("europe/brussels", NO_ZONE),
        ("Europe/Ghent", NO_ZONE),
        ("+01:00", NO_ZONE),
        ("../../etc/passwd", NO_ZONE),
    ],
)
def test_a_time_zone_is_one_of_the_iana_database(value: str, kept: object) -> None:
    assert read(ProfileField.PATIENT_TIMEZONE, value) == kept


def test_what_is_absent_is_left_out_and_defaults_stand_in() -> None:
    plan = plan_profile(
        {
            ProfileField.FIRST_NAME: ValueSource("$.first"),
            ProfileField.PREFERRED_LANGUAGE: ValueSource("$.language", default="nl"),
            ProfileField.COUNTRY: ValueSource(constant="BE"),
        }
    )
    expected = {ProfileField.PREFERRED_LANGUAGE: "nl", ProfileField.COUNTRY: "BE"}
    assert read_profile(plan, {}, TODAY) == (expected, [])
    assert read_profile((), {"first": "Ada"}, TODAY) == ({}, [])


def test_every_fault_is_told_at_once_beside_what_could_be_read() -> None:
    plan = plan_profile(
        {
            ProfileField.FIRST_NAME: ValueSource("$.names[*]"),
            ProfileField.LAST_NAME: ValueSource("$.last"),
            ProfileField.EMAIL: ValueSource("$.email"),
            ProfileField.BIRTH_DATE: ValueSource("$.born"),
        }
    )
    payload = {"names": ["Ada", "Bo"], "last": "Example", "email": "ada at home", "born": "1658-11-03"}
    profile, reasons = read_profile(plan, payload, TODAY)
    assert profile == {ProfileField.LAST_NAME: "Example"}
    assert [(reason.code, reason.path, reason.found) for reason in reasons] == [
        (ReasonCode.SEVERAL_MATCHES, "$.names[*]", "several matches"),
        (WRONG, "$.email", "string that is not an e-mail address"),
        (RANGE, "$.born", "day too long ago"),
    ]
    assert reasons[1].message == (
        "Patient profile, email at $.email: expected e-mail address, found string that is not an e-mail address."
    )


def test_a_payload_nested_too_deeply_for_the_path_is_malformed() -> None:
    deep: object = 1
    for _ in range(500):
        deep = [deep]
    _, (reason,) = read_profile(plan_profile({ProfileField.EMAIL: ValueSource("$..email")}), deep, TODAY)
    assert reason.code is ReasonCode.MALFORMED_PAYLOAD


def test_a_path_that_is_none_does_not_compile() -> None:
    with pytest.raises(InvalidPath):
        plan_profile({ProfileField.EMAIL: ValueSource("email")})


EVERYTHING = plan_profile({field: ValueSource(f"$['{field.value}']") for field in ProfileField})
json_values = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text(), max_size=2)
likely = st.sampled_from(["1958-11-03", "a@b.example", "+3225550101", "nl_BE", "UTC", "Ada", 9000, "", "x" * 300])


@given(st.dictionaries(st.sampled_from([field.value for field in ProfileField]), json_values | likely))
def test_whatever_is_sent_each_field_is_kept_left_out_or_refused(payload: dict[str, Any]) -> None:
    profile, reasons = read_profile(EVERYTHING, payload, TODAY)
    paths = {reason.path for reason in reasons}
    assert len(paths) == len(reasons)
    for field in ProfileField:
        assert not (field in profile and f"$['{field.value}']" in paths)
        if field in profile or f"$['{field.value}']" in paths:
            assert payload[field.value] is not None
    assert all(text and text == text.strip() and "\0" not in text for text in profile.values())


@given(st.dictionaries(st.sampled_from([field.value for field in ProfileField]), json_values | likely))
def test_what_is_kept_is_kept_the_same_when_it_is_read_again(payload: dict[str, Any]) -> None:
    profile, _ = read_profile(EVERYTHING, payload, TODAY)
    again = read_profile(EVERYTHING, {field.value: text for field, text in profile.items()}, TODAY)
    assert again == (profile, [])


@given(st.sampled_from(list(ProfileField)), st.text(min_size=12))
def test_a_reason_never_holds_the_value(field: ProfileField, text: str) -> None:
    _, reasons = read_profile(plan_profile({field: ValueSource("$.v")}), {"v": f"\0{text}secret"}, TODAY)
    assert all("secret" not in told for reason in reasons for told in reason.as_dict().values())
    assert reasons
