"""`patient.updated` and `patient.deleted` in the words of the contracts; `patient.created` stands in `announcing`.

An event carries all that is known then, and no difference to before (reference, section 1.3). A deletion names the
patient alone. Each is told once, in the transaction of its change; `change_id` makes its id.
"""

from collections.abc import Iterable
from datetime import datetime

from carewire_contracts.identifiers import Identifier
from carewire_contracts.timestamps import format_timestamp
from carewire_orchestrator.domain.announcing import Announcement
from carewire_orchestrator.domain.profile import ProfileDocument
from carewire_runtime.ids import derived_id


def announce_patient_updated(
    patient_id: str,
    change_id: str,
    *,
    tenant_id: str,
    identifiers: Iterable[Identifier],
    profile: ProfileDocument,
    now: datetime,
) -> Announcement:
    """Tell that a patient has these identifiers and this profile now."""
    known = [{"system": identifier.system, "value": identifier.value} for identifier in identifiers]
    event = {
        "event_type": "patient.updated",
        "patient": {
            "id": patient_id,
            "user": {"id": patient_id, "tenant_id": tenant_id},
            "profile": {"identifier": known, **profile},
        },
        "tenant_id": tenant_id,
        "date": format_timestamp(now),
    }
    return Announcement(derived_id(patient_id, "patient.updated", change_id), event)


def announce_patient_deleted(patient_id: str, change_id: str, *, tenant_id: str, now: datetime) -> Announcement:
    """Tell that a patient is not there any more: deleted, or merged into another."""
    event = {
        "event_type": "patient.deleted",
        "patient": {"id": patient_id, "user": {"id": patient_id, "tenant_id": tenant_id}},
        "tenant_id": tenant_id,
        "date": format_timestamp(now),
    }
    return Announcement(derived_id(patient_id, "patient.deleted", change_id), event)
