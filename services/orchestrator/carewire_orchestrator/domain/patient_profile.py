"""What staff say of a patient: checked field by field, then laid over what is known.

A change says only what changes: a field that it does not name stays, one that is null or empty is cleared (JSON Merge
Patch, RFC 7396, and the reference's `upsertPatient`). Webhooks change nothing; see `profile`.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final, TypeAlias

from carewire_contracts.values import Mismatch, ValueType, parser_of
from carewire_orchestrator.domain.given_values import ValueProblem
from carewire_orchestrator.domain.profile import (
    ADDRESS_FIELDS,
    FIELDS,
    ProfileDocument,
    flatten_profile,
    lay_out_profile,
)
from carewire_orchestrator.timezones import TIME_ZONES

ProfileChange: TypeAlias = Mapping[str, str | None]
"""New texts by flat name (`address.city`), None for what is cleared."""

MAX_TEXT: Final = 256
"""Characters, as ingress takes them: the longest names and lines on record stay below 200."""
EARLIEST_BIRTH: Final = date(1850, 1, 1)
"""Nobody alive was born before; years such as 0001 are what systems write for none."""

_MAX_EMAIL: Final = 254
"""Characters: RFC 5321, section 4.5.3.1.3, without the angle brackets."""
_MAX_LANGUAGE: Final = 35
"""Characters: RFC 5646, section 4.4.1."""
_EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s.]+(?:\.[^@\s.]+)+")
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
_JOINERS: Final = str.maketrans("", "", "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}")
"""Invisible, and part of correctly written Persian and Indic names."""


def read_profile_change(given: Mapping[str, Any], today: date) -> ProfileChange | list[ValueProblem]:
    """Check a change as the API takes it: texts or nulls by field, `address` as an object of its own or null.

    Answers all that is wrong at once, without the values.
    """
    change: dict[str, str | None] = {}
    problems: list[ValueProblem] = []
    for name, text in _flat(given).items():
        cleaned = " ".join((text or "").split())
        fault = _fault(name, cleaned, today) if cleaned else None
        if fault is None:
            change[name] = cleaned or None
        else:
            problems.append(ValueProblem(f"profile.{name}", fault))
    return problems or change


def change_profile(known: ProfileDocument, change: ProfileChange) -> ProfileDocument:
    """The profile after a change, in the contract's order."""
    laid_over = {**flatten_profile(known), **change}
    return lay_out_profile({name: text for name, text in laid_over.items() if text is not None})


def _flat(given: Mapping[str, Any]) -> dict[str, str | None]:
    flat = {name: given[name] for name in FIELDS if name in given}
    if "address" not in given:
        return flat
    address = given["address"]
    if address is None:
        return flat | dict.fromkeys(ADDRESS_FIELDS)
    return flat | {key: address[name] for key, name in ADDRESS_FIELDS.items() if name in address}


def _fault(name: str, text: str, today: date) -> str | None:
    if len(text) > MAX_TEXT:
        return f"must have at most {MAX_TEXT} characters"
    if not text.translate(_JOINERS).isprintable():
        return "must not hold invisible characters"
    if name == "birth_date":
        return _birth_date_fault(text, today)
    return _RULES.get(name, _anything)(text)


def _birth_date_fault(text: str, today: date) -> str | None:
    try:
        born = date.fromisoformat(text)
    except ValueError:
        born = None
    # Python reads other spellings of ISO 8601 too, such as 19610704.
    if born is None or born.isoformat() != text:
        return "must be a day, such as 1961-07-04"
    return None if EARLIEST_BIRTH <= born <= today else f"must be a day from {EARLIEST_BIRTH} to today"


def _phone_fault(text: str) -> str | None:
    wrong = isinstance(parser_of(ValueType.TELEPHONE)(text), Mismatch)
    return "must be a telephone number in E.164, such as +3225550101" if wrong else None


def _email_fault(text: str) -> str | None:
    good = len(text) <= _MAX_EMAIL and _EMAIL.fullmatch(text)
    return None if good else "must be an e-mail address, such as iris@example.org"


def _language_fault(text: str) -> str | None:
    good = len(text) <= _MAX_LANGUAGE and _LANGUAGE.fullmatch(text)
    return None if good else "must be a language tag (BCP 47), such as nl or nl-BE"


def _timezone_fault(text: str) -> str | None:
    return None if text in TIME_ZONES else "must be a time zone of the IANA database, such as Europe/Brussels"


def _sex_fault(text: str) -> str | None:
    return None if text in SEXES else f"must be one of {', '.join(SEXES)}"


def _anything(_: str) -> None:
    return None


SEXES: Final = ("MALE", "FEMALE", "NOT_KNOWN")
"""The reference's words. Webhooks keep what senders write, who have words of their own."""

_RULES: Final[Mapping[str, Callable[[str], str | None]]] = {
    "email": _email_fault,
    "phone": _phone_fault,
    "mobile_phone": _phone_fault,
    "preferred_language": _language_fault,
    "patient_timezone": _timezone_fault,
    "sex": _sex_fault,
}
