"""What is known of a patient beside identifiers, in the words of the contract's `PatientProfile`.

A call's profile is kept for the patient whom that call creates, and for nobody else: a webhook is no editor of
patients. Its sender may know less than we do or be late, calls may be repeated and overtake each other, and whoever
holds a webhook's URL could otherwise rewrite the contact data of any patient whose identifier they guess.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, TypeAlias

ProfileDocument: TypeAlias = Mapping[str, Any]
"""Fields that are known, in the contract's order, an address as a document of its own. It is personal data."""

NOTHING_KNOWN: Final[ProfileDocument] = MappingProxyType({})
"""The profile of a patient of whom nothing is known."""

FIELDS: Final = (
    "email",
    "first_name",
    "last_name",
    "name",
    "sex",
    "birth_date",
    "phone",
    "mobile_phone",
    "preferred_language",
    "patient_code",
    "national_registry_number",
    "patient_timezone",
)
"""The plain fields, in the contract's order."""
ADDRESS_FIELDS: Final = {f"address.{name}": name for name in ("street", "city", "zip", "state", "country")}
"""The fields of an address, by their flat names."""


def lay_out_profile(flat: Mapping[str, str]) -> ProfileDocument:
    """A request's flat fields (`address.city` …) as a document, without fields that the contract doesn't have."""
    document: dict[str, Any] = {name: flat[name] for name in FIELDS if name in flat}
    address = {name: flat[key] for key, name in ADDRESS_FIELDS.items() if key in flat}
    return document | {"address": address} if address else document


def flatten_profile(document: ProfileDocument) -> dict[str, str]:
    """A document's fields by their flat names: what `lay_out_profile` makes the document of."""
    flat = {name: document[name] for name in FIELDS if name in document}
    address = document.get("address", {})
    return flat | {key: address[name] for key, name in ADDRESS_FIELDS.items() if name in address}
