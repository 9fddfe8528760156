"""How a patient's identifiers change by hand, and when they may not.

An identifier belongs to one patient. Nothing is taken from another patient here: whoever finds that two patients are
one person merges them.
"""

from collections.abc import Iterable, Mapping, Sequence

from carewire_contracts.identifiers import Identifier
from carewire_contracts.record import record
from carewire_orchestrator.domain.identity import Fingerprint


@record()
class IdentifierChange:
    """What is to be written: identifiers that come, fingerprints that go, and all that the patient has then."""

    added: Mapping[Fingerprint, Identifier]
    removed: tuple[Fingerprint, ...]
    whole: Mapping[Fingerprint, Identifier]

    @property
    def is_empty(self) -> bool:
        """Whether nothing changes."""
        return not self.added and not self.removed


@record()
class Taken:
    """Identifiers that other patients have: their places in what was given, and those patients, sorted; maybe none."""

    places: tuple[int, ...]
    owners: tuple[str, ...]


def taken_by_others(given: Sequence[Fingerprint], owners: Mapping[Fingerprint, str], patient_id: str | None) -> Taken:
    """Which of the given identifiers are another patient's than this one's; None stands for a new patient."""
    others = {place: owners[one] for place, one in enumerate(given) if owners.get(one, patient_id) != patient_id}
    return Taken(tuple(others), tuple(sorted(set(others.values()))))


def add(had: Mapping[Fingerprint, Identifier], given: Mapping[Fingerprint, Identifier]) -> IdentifierChange:
    """Give a patient more identifiers; those that they have stay as they are."""
    added = {one: identifier for one, identifier in given.items() if one not in had}
    return IdentifierChange(added, (), {**had, **added})


def remove(had: Mapping[Fingerprint, Identifier], given: Iterable[Fingerprint]) -> IdentifierChange:
    """Take identifiers from a patient, as far as they have them."""
    removed = tuple(one for one in dict.fromkeys(given) if one in had)
    return IdentifierChange({}, removed, {one: kept for one, kept in had.items() if one not in removed})


def replace(had: Mapping[Fingerprint, Identifier], given: Mapping[Fingerprint, Identifier]) -> IdentifierChange:
    """Have a patient have these identifiers and no others."""
    gone = remove(had, [one for one in had if one not in given])
    come = add(gone.whole, given)
    return IdentifierChange(come.added, gone.removed, come.whole)
