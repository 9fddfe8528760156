"""Patients by the API, as tests make and look at them."""

from typing import Any

import httpx

from carewire_testing import eventually
from carewire_testing_orchestrator.calls import MRN
from carewire_testing_orchestrator.running import Running, Told

BASELINE = [{"data_point_definition_id": "dp_surgery", "value": "2026-03-01"}]


def pair(value: str, system: str = MRN) -> dict[str, str]:
    """An identifier as the API takes it."""
    return {"system": system, "value": value}


def answered(answer: httpx.Response, status: int = 200) -> Any:
    """The body of an answer of this status."""
    assert answer.status_code == status, answer.text
    return answer.json()


async def create(orchestrator: Running, *identifiers: dict[str, str], **profile: Any) -> dict[str, Any]:
    """Make a patient."""
    body = {"identifiers": list(identifiers), "profile": profile}
    created: dict[str, Any] = answered(await orchestrator.api.post("/v1/patients", json=body), 201)
    return created


async def start(orchestrator: Running, patient_id: str, definition_id: str) -> dict[str, Any]:
    """Start a care flow of a patient."""
    body = {"definition_id": definition_id, "patient_id": patient_id, "data_points": BASELINE}
    started: dict[str, Any] = answered(await orchestrator.api.post("/v1/care-flows", json=body), 201)
    return started


def known(profile: dict[str, Any]) -> dict[str, Any]:
    """A profile as the API shows it, without what is not known."""
    said = {name: value for name, value in profile.items() if value is not None}
    return {name: known(value) if isinstance(value, dict) else value for name, value in said.items()}


async def events_of(orchestrator: Running, patient_id: str, count: int) -> list[Told]:
    """Wait for so many `patient.*` events of a patient; answers all of them, in order."""

    async def there() -> list[Told]:
        told = await orchestrator.told(orchestrator.topics.events)
        found = [one for one in told if one.key == patient_id and one.event_type.startswith("patient.")]
        assert len(found) >= count, [one.event_type for one in found]
        return found

    return await eventually(there, 20)


async def audited(orchestrator: Running, patient_id: str) -> list[str]:
    """What the audit tells of a patient, oldest first."""
    page = answered(await orchestrator.api.get("/v1/audit", params={"subject_id": patient_id, "limit": 200}))
    return [record["action"] for record in reversed(page["items"])]
