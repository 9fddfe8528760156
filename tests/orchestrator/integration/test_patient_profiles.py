"""What a call says of a patient: kept sealed for the patient it creates, told once, shown to few."""

import orjson

from carewire_orchestrator import app
from carewire_orchestrator.settings import OrchestratorSettings
from carewire_runtime.auth import ApiKeys, Role
from carewire_runtime.postgres.pool import Database
from carewire_testing_orchestrator.calls import accepted, mrn
from carewire_testing_orchestrator.patients import create, pair
from carewire_testing_orchestrator.running import Running

CANARY = "Iris-CANARY-4411"
FLAT = {"address.city": f"{CANARY} Town", "first_name": CANARY, "birth_date": "1961-02-28", "address.country": "BE"}
DOCUMENT = {
    "first_name": CANARY,
    "birth_date": "1961-02-28",
    "address": {"city": f"{CANARY} Town", "country": "BE"},
}


async def created(orchestrator: Running, patient_id: str) -> list[object]:
    told = await orchestrator.told(orchestrator.topics.events)
    return [
        one.value["patient"]["profile"] for one in told if one.key == patient_id and one.event_type == "patient.created"
    ]


def known(profile: dict[str, object]) -> dict[str, object]:
    """A profile as the API shows it, without what is not known."""
    said = {name: value for name, value in profile.items() if value is not None}
    return {name: known(value) if isinstance(value, dict) else value for name, value in said.items()}


async def test_a_profile_is_told_with_its_new_patient_and_kept_sealed(
    orchestrator: Running, settings: OrchestratorSettings
) -> None:
    release = await orchestrator.publish()
    request = accepted(*release, identifiers=(mrn("profiled"),), profile=FLAT)
    await orchestrator.accept([request])
    ended = (await orchestrator.final_statuses([request]))[request.request_id]
    await orchestrator.events_of(ended["care_flow_id"], "pathway.started")
    whole = {"identifier": [{"system": mrn("").system, "value": "profiled"}], **DOCUMENT}
    assert await created(orchestrator, ended["patient_id"]) == [whole]

    url = f"/v1/patients/{ended['patient_id']}"
    assert known((await orchestrator.api.get(url)).json()["profile"]) == DOCUMENT
    search = await orchestrator.api.post(
        "/v1/patients/by-identifier", json={"system": mrn("").system, "value": "profiled"}
    )
    assert known(search.json()["profile"]) == DOCUMENT

    db = Database(settings.postgres_dsn, app.NAME)
    await db.start()
    try:
        viewer = await ApiKeys(db).create("viewer", Role.VIEWER)
    finally:
        await db.stop()
    seen = (await orchestrator.api.get(url, headers={"authorization": f"Bearer {viewer}"})).json()
    assert seen["profile"] is None

    [row] = await orchestrator.query("SELECT * FROM patient WHERE id = $1", ended["patient_id"])
    assert row["sealed_profile"] is not None
    assert CANARY not in str(dict(row))


async def test_a_known_patient_is_not_changed_by_a_call(orchestrator: Running) -> None:
    release = await orchestrator.publish()
    requests = [
        accepted(*release, identifiers=(mrn("unchanged"),), profile=FLAT),
        accepted(*release, identifiers=(mrn("unchanged"),), profile={"first_name": "Somebody else"}),
    ]
    await orchestrator.accept(requests, key=b"in this order")
    ended = (await orchestrator.final_statuses(requests)).values()
    [patient_id] = {one["patient_id"] for one in ended}
    patient = (await orchestrator.api.get(f"/v1/patients/{patient_id}")).json()
    assert known(patient["profile"]) == DOCUMENT
    for one in ended:
        await orchestrator.events_of(one["care_flow_id"], "pathway.started")
    assert len(await created(orchestrator, patient_id)) == 1


async def test_an_anonymous_patient_may_have_a_profile(orchestrator: Running) -> None:
    release = await orchestrator.publish()
    requests = [accepted(*release, profile=FLAT), accepted(*release, profile=FLAT), accepted(*release)]
    await orchestrator.accept(requests)
    ended = await orchestrator.final_statuses(requests)
    patients = [ended[one.request_id]["patient_id"] for one in requests]
    assert len(set(patients)) == 3, "the same words may speak of two people"
    shown = [(await orchestrator.api.get(f"/v1/patients/{patient_id}")).json() for patient_id in patients]
    assert [known(one["profile"]) for one in shown] == [DOCUMENT, DOCUMENT, {}]
    assert {orjson.dumps(one["identifiers"]) for one in shown} == {b"[]"}


async def test_a_call_for_a_known_patient_starts_in_their_time_zone(orchestrator: Running) -> None:
    await orchestrator.register_systems()
    release = await orchestrator.publish()
    await create(orchestrator, pair("far away"), patient_timezone="Pacific/Apia")
    await create(orchestrator, pair("who knows where"), first_name="Iris")
    requests = [accepted(*release, identifiers=(mrn(value),)) for value in ("far away", "who knows where")]
    await orchestrator.accept(requests)
    ended = await orchestrator.final_statuses(requests)
    rows = await orchestrator.query(
        "SELECT id, document::json ->> 'time_zone' AS zone FROM care_flow WHERE id = ANY ($1::text[])",
        [one["care_flow_id"] for one in ended.values()],
    )
    zones = {row["id"]: row["zone"] or "UTC" for row in rows}
    assert [zones[ended[one.request_id]["care_flow_id"]] for one in requests] == ["Pacific/Apia", "UTC"]
