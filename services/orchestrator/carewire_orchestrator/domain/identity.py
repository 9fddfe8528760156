"""Whose care flow a request starts: identifiers to patients.

Identifiers are compared by keyed fingerprints, so that this needs no values. Patients are never merged here:
identifiers of two different patients are a conflict that a person has to settle.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from carewire_contracts.record import record

Fingerprint: TypeAlias = tuple[str, bytes]
"""An identifier's system and the keyed fingerprint of its value."""


@record()
class KnownPatient:
    """A patient has one of the identifiers at least; the `missing` ones become theirs as well."""

    patient_id: str
    missing: tuple[Fingerprint, ...]


@record()
class NewPatient:
    """Nobody has any of the identifiers, all are `missing`; without any, the patient stays anonymous."""

    missing: tuple[Fingerprint, ...]


@record()
class IdentityConflict:
    """The identifiers belong to different patients."""


Identity: TypeAlias = KnownPatient | NewPatient | IdentityConflict


def joined(identifiers: Iterable[Fingerprint], requests: Sequence[tuple[Fingerprint, ...]]) -> frozenset[Fingerprint]:
    """All identifiers that may stand for the same patients as these, once some of the requests were dealt with.

    A request that names two identifiers may give the one to the patient who has the other.
    """
    reached = frozenset(identifiers)
    while True:
        wider = reached.union(*(request for request in requests if not reached.isdisjoint(request)))
        if wider == reached:
            return reached
        reached = wider


def identify(identifiers: Sequence[Fingerprint], owners: Mapping[Fingerprint, str]) -> Identity:
    """Find whom the identifiers stand for, given the patients who have any of them."""
    distinct = tuple(dict.fromkeys(identifiers))
    found = {owners[identifier] for identifier in distinct if identifier in owners}
    if len(found) > 1:
        return IdentityConflict()
    missing = tuple(identifier for identifier in distinct if identifier not in owners)
    return KnownPatient(found.pop(), missing) if found else NewPatient(missing)
