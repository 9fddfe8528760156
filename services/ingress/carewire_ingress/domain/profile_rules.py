"""What each field of a patient's profile may hold, and how it is written.

White space around a text is dropped and any run of it within counts as one blank; what then is empty says nothing,
as senders leave a field of a form. Refusals never hold the value.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final

from carewire_contracts.record import record
from carewire_contracts.requests import ReasonCode
from carewire_contracts.values import Mismatch, ValueType, name_of, parser_of
from carewire_ingress.timezones import TIMEZONES

MAX_TEXT: Final = 256
"""Characters of a name or a line of an address: the longest on record stay below 200."""
MAX_SEX: Final = 32
"""Characters: the words of FHIR, ISO/IEC 5218 and others are shorter, and which of them a sender uses is its own."""
MAX_EMAIL: Final = 254
"""Characters: RFC 5321, section 4.5.3.1.3, without the angle brackets."""
EARLIEST_BIRTH: Final = date(1850, 1, 1)
"""Nobody alive was born before; years such as 0001 are what systems write for none."""

_JOINERS: Final = str.maketrans("", "", "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}")
"""Invisible, and part of correctly written Persian and Indic names."""
_EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s.]+(?:\.[^@\s.]+)+")
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
_BIRTH_DATE: Final = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]00:00(?::00(?:\.0+)?)?(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)
_MAX_LANGUAGE: Final = 35
"""Characters: RFC 5646, section 4.4.1."""


@record()
class Refusal:
    """Why a value was refused, without the value."""

    code: ReasonCode
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class ProfileRule:
    """What one field takes. `read` gives the text as it is kept, or a refusal's code and what was found."""

    expected: str
    read: Callable[[str], "str | _Fault"]
    takes_numbers: bool = False

    def check(self, value: object) -> str | Refusal | None:
        """The text of a value as it is kept; why it is refused; None where it says nothing. Never raises."""
        if value is None:
            return None
        text = self._text(value)
        if text is None:
            return Refusal(ReasonCode.WRONG_TYPE, self.expected, name_of(value))
        if not text:
            return None
        read = self.read(text)
        return read if isinstance(read, str) else Refusal(read.code, self.expected, read.found)

    def _text(self, value: object) -> str | None:
        if isinstance(value, str):
            return " ".join(value.split())
        is_number = self.takes_numbers and isinstance(value, int) and not isinstance(value, bool)
        return str(value) if is_number else None


@dataclass(frozen=True, slots=True)
class _Fault:
    found: str
    code: ReasonCode = ReasonCode.WRONG_TYPE


def _printable(longest: int) -> Callable[[str], str | _Fault]:
    def read(text: str) -> str | _Fault:
        if len(text) > longest:
            return _Fault(f"string longer than {longest} characters")
        return text if text.translate(_JOINERS).isprintable() else _Fault("string with invisible characters")

    return read


def _email(text: str) -> str | _Fault:
    if len(text) > MAX_EMAIL:
        return _Fault(f"string longer than {MAX_EMAIL} characters")
    return text if _EMAIL.fullmatch(text) and text.isprintable() else _Fault("string that is not an e-mail address")


def _phone(text: str) -> str | _Fault:
    parsed = parser_of(ValueType.TELEPHONE)(text)
    return _Fault(parsed.found) if isinstance(parsed, Mismatch) else str(parsed.value)


def _language(text: str) -> str | _Fault:
    tag = text.replace("_", "-")  # as POSIX and Java write locales
    is_tag = len(tag) <= _MAX_LANGUAGE and _LANGUAGE.fullmatch(tag)
    return tag if is_tag else _Fault("string that is not a language tag")


def _birth_date(text: str) -> str | _Fault:
    """A day, also where it is written as its midnight: another time of day may mean another day elsewhere."""
    match = _BIRTH_DATE.fullmatch(text)
    try:
        born = None if match is None else date.fromisoformat(match["day"])
    except ValueError:
        born = None
    if born is None:
        return _Fault("string that is not a day")
    return born.isoformat() if born >= EARLIEST_BIRTH else _Fault("day too long ago", ReasonCode.OUT_OF_RANGE)


def _timezone(text: str) -> str | _Fault:
    return text if text in TIMEZONES else _Fault("another text", ReasonCode.NOT_A_POSSIBLE_VALUE)


_TEXT: Final = f"printable string of at most {MAX_TEXT} characters"

TEXT: Final = ProfileRule(_TEXT, _printable(MAX_TEXT))
NUMBERED_TEXT: Final = ProfileRule(f"{_TEXT}, or whole number", _printable(MAX_TEXT), takes_numbers=True)
"""Record numbers and postcodes, which JSON often holds without quotes."""
SEX: Final = ProfileRule(
    f"printable string of at most {MAX_SEX} characters, or whole number", _printable(MAX_SEX), takes_numbers=True
)
"""Kept as it is sent: a word, or a number of ISO/IEC 5218."""
BIRTH_DATE: Final = ProfileRule(f"day (ISO 8601) from {EARLIEST_BIRTH} to today", _birth_date)
EMAIL: Final = ProfileRule("e-mail address", _email)
PHONE: Final = ProfileRule("telephone number (E.164)", _phone)
LANGUAGE: Final = ProfileRule("language tag (BCP 47)", _language)
TIMEZONE: Final = ProfileRule("time zone of the IANA database", _timezone)
