"""What a call may say about a patient who gets created: the profile of the reference, section 1.3."""

from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum
from typing import Final, TypeAlias

from carewire_contracts.json_path import Miss
from carewire_contracts.requests import Reason, ReasonCode
from carewire_ingress.domain import profile_rules
from carewire_ingress.domain.profile_rules import ProfileRule, Refusal
from carewire_ingress.domain.value_source import CompiledSource, ValueSource


class ProfileField(StrEnum):
    """The fields that a webhook can map. Addresses are given part by part."""

    FIRST_NAME = "first_name"
    LAST_NAME = "last_name"
    BIRTH_DATE = "birth_date"
    SEX = "sex"
    EMAIL = "email"
    PHONE = "phone"
    MOBILE_PHONE = "mobile_phone"
    PREFERRED_LANGUAGE = "preferred_language"
    PATIENT_CODE = "patient_code"
    NATIONAL_REGISTRY_NUMBER = "national_registry_number"
    PATIENT_TIMEZONE = "patient_timezone"
    STREET = "address.street"
    CITY = "address.city"
    ZIP = "address.zip"
    STATE = "address.state"
    COUNTRY = "address.country"


PROFILE_RULES: Final[Mapping[ProfileField, ProfileRule]] = {
    ProfileField.FIRST_NAME: profile_rules.TEXT,
    ProfileField.LAST_NAME: profile_rules.TEXT,
    ProfileField.BIRTH_DATE: profile_rules.BIRTH_DATE,
    ProfileField.SEX: profile_rules.SEX,
    ProfileField.EMAIL: profile_rules.EMAIL,
    ProfileField.PHONE: profile_rules.PHONE,
    ProfileField.MOBILE_PHONE: profile_rules.PHONE,
    ProfileField.PREFERRED_LANGUAGE: profile_rules.LANGUAGE,
    ProfileField.PATIENT_CODE: profile_rules.NUMBERED_TEXT,
    ProfileField.NATIONAL_REGISTRY_NUMBER: profile_rules.NUMBERED_TEXT,
    ProfileField.PATIENT_TIMEZONE: profile_rules.TIMEZONE,
    ProfileField.STREET: profile_rules.TEXT,
    ProfileField.CITY: profile_rules.TEXT,
    ProfileField.ZIP: profile_rules.NUMBERED_TEXT,
    ProfileField.STATE: profile_rules.TEXT,
    ProfileField.COUNTRY: profile_rules.TEXT,
}

ProfilePlan: TypeAlias = tuple[tuple[ProfileField, CompiledSource, ProfileRule], ...]
"""Where each field comes from and what it takes, looked up once and not at each call."""


def plan_profile(sources: Mapping[ProfileField, ValueSource]) -> ProfilePlan:
    """Compile the sources of a configuration. Raises InvalidPath."""
    return tuple((field, source.compiled(), PROFILE_RULES[field]) for field, source in sources.items())


def read_profile(plan: ProfilePlan, payload: object, today: date) -> tuple[dict[ProfileField, str], list[Reason]]:
    """What a payload says of its patient, without what is absent, null or blank, and everything that is wrong with it.

    `today` is the day in UTC; somebody east of there may be born tomorrow.
    """
    profile: dict[ProfileField, str] = {}
    reasons: list[Reason] = []
    for field, source, rule in plan:
        value = source.find(payload)
        read = _missed(value, rule) if isinstance(value, Miss) else rule.check(value)
        if field is ProfileField.BIRTH_DATE and isinstance(read, str) and read > _tomorrow(today):
            read = Refusal(ReasonCode.OUT_OF_RANGE, rule.expected, "day in the future")
        if isinstance(read, Refusal):
            reasons.append(_reason(field, source, read))
        elif read is not None:
            profile[field] = read
    return profile, reasons


def _tomorrow(today: date) -> str:
    """Days in ISO 8601 are ordered as their texts are."""
    return (today + timedelta(days=1)).isoformat()


_CODES: Final = {
    Miss.SEVERAL_MATCHES: ReasonCode.SEVERAL_MATCHES,
    Miss.TOO_DEEP: ReasonCode.MALFORMED_PAYLOAD,
}


def _missed(miss: Miss, rule: ProfileRule) -> Refusal | None:
    return None if miss is Miss.NO_MATCH else Refusal(_CODES[miss], rule.expected, miss.value)


def _reason(field: ProfileField, source: CompiledSource, refusal: Refusal) -> Reason:
    return Reason(
        refusal.code,
        f"Patient profile, {field.value} at {source.text}: expected {refusal.expected}, found {refusal.found}.",
        path=source.text,
        expected=refusal.expected,
        found=refusal.found,
    )
