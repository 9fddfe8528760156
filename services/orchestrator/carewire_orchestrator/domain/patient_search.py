"""By what patients are found whose profiles are sealed: a few exact keys, made of their profiles.

Each key is a text that is only ever kept as a keyed fingerprint. Texts are folded, so that `Müller` finds `MULLER`:
who searches looks at what was found, and a stranger too many is better than the one who is missing.
See docs/decisions/0013.
"""

import unicodedata
from enum import StrEnum
from typing import Final

from carewire_orchestrator.domain.profile import ProfileDocument

_KEPT: Final = frozenset("LNM")
"""The major categories of Unicode that stand in names: letters, numbers, marks (vowels of Indic scripts)."""
_BETWEEN: Final = "\x1f"
"""Stands in no folded text, so that no two pairs make one key."""


class SearchKind(StrEnum):
    """What a search asks for."""

    NAME_AND_BIRTH_DATE = "name_and_birth_date"
    PATIENT_CODE = "patient_code"


def search_keys(profile: ProfileDocument) -> dict[SearchKind, str]:
    """All keys by which the patient of a profile is found."""
    keys: dict[SearchKind, str | None] = {
        SearchKind.NAME_AND_BIRTH_DATE: name_and_birth_date(
            profile.get("last_name", ""), profile.get("birth_date", "")
        ),
        SearchKind.PATIENT_CODE: patient_code(profile.get("patient_code", "")),
    }
    return {kind: key for kind, key in keys.items() if key is not None}


def name_and_birth_date(last_name: str, birth_date: str) -> str | None:
    """The key of a last name with a birth date; None where either says nothing.

    Never one of the two alone: few enough people share both, so that equal fingerprints tell next to nothing.
    """
    name = fold(last_name)
    return f"{name}{_BETWEEN}{birth_date}" if name and birth_date else None


def patient_code(code: str) -> str | None:
    """The key of a patient code; None where it says nothing."""
    return unicodedata.normalize("NFKC", code).strip().casefold() or None


def fold(name: str) -> str:
    """A name without case, accents, blanks and punctuation."""
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold())
    return "".join(sign for sign in apart if not unicodedata.combining(sign) and unicodedata.category(sign)[0] in _KEPT)
