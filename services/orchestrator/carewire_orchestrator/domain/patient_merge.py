"""Two patients who are one person: what the one who stays gets of the other.

All identifiers and care flows go over. Of the profile, what the one who stays does not have; where both say
something, theirs holds. An address is one thing: half of each would be an address of nobody. The other remains as a
pointer with nothing of its own, which answers with the one who stays, for ever or until that one is erased.
"""

from enum import StrEnum

from carewire_contracts.record import record
from carewire_orchestrator.domain.patient import Patient
from carewire_orchestrator.domain.profile import ProfileDocument, flatten_profile, lay_out_profile


class MergeRefusal(StrEnum):
    """Why two patients cannot be merged. The list is closed."""

    SAME_PATIENT = "same_patient"
    DELETED = "patient_deleted"


@record()
class Merged:
    """The one who stays, as they are then."""

    patient: Patient


@record()
class AlreadyMerged:
    """Both stand for this patient since an earlier merge: nothing is to be done."""

    patient: Patient


def merge(kept_id: str, other_id: str, kept: Patient, other: Patient) -> Merged | AlreadyMerged | MergeRefusal:
    """Merge the patients whom two ids stand for; `kept` and `other` are who they are after all earlier merges."""
    if kept_id == other_id:
        return MergeRefusal.SAME_PATIENT
    if kept.is_deleted or other.is_deleted:
        return MergeRefusal.DELETED
    if kept.id == other.id:
        return AlreadyMerged(kept)
    whole = kept.with_identifiers({**kept.identifiers, **other.identifiers})
    return Merged(whole.with_profile(fill_gaps(kept.profile, other.profile)))


def fill_gaps(profile: ProfileDocument, other: ProfileDocument) -> ProfileDocument:
    """A profile with what another one says beyond it."""
    spare = {name: value for name, value in other.items() if name not in profile}
    return lay_out_profile({**flatten_profile(spare), **flatten_profile(profile)})
