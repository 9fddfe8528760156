"""Merged, deleted, restored and erased patients: who answers for them, and what is left of them."""

from datetime import timedelta

import pytest

from carewire_orchestrator import app
from carewire_orchestrator.adapters.store.patient_erasure import PatientErasure
from carewire_orchestrator.settings import OrchestratorSettings
from carewire_runtime.audit import Audit
from carewire_runtime.clock import FakeClock, SystemClock
from carewire_runtime.postgres.pool import Database
from carewire_testing import eventually
from carewire_testing_orchestrator.calls import SSN, accepted, mrn
from carewire_testing_orchestrator.patients import answered, audited, create, events_of, known, pair, start
from carewire_testing_orchestrator.running import Running

NOT_OF_PATIENTS = {"start", "audit_record"}
"""Tables that keep our own ids of an erased patient: start keys for ever, and the proof of what was done."""


@pytest.fixture(autouse=True)
async def systems(orchestrator: Running) -> None:
    await orchestrator.register_systems()


async def erase(settings: OrchestratorSettings, later: timedelta) -> int:
    """Erase as if some time had passed."""
    db = Database(settings.postgres_dsn, app.NAME)
    await db.start()
    try:
        clock = FakeClock(start=SystemClock().now() + later)
        return await PatientErasure(db, Audit(clock), clock, settings.topics.events.name).erase()
    finally:
        await db.stop()


async def test_a_merge_moves_identifiers_and_care_flows_which_run_on_as_the_others(orchestrator: Running) -> None:
    definition_id, _ = await orchestrator.publish()
    kept = await create(orchestrator, pair("kept"), first_name="Iris", address={"city": "Gent"})
    other = await create(orchestrator, pair("other", SSN), first_name="I.", email="i@b.example", address={"zip": "1"})
    flows = [await start(orchestrator, one["id"], definition_id) for one in (kept, other, other)]
    body = {"care_flow_id": flows[1]["id"]}
    session = answered(await orchestrator.api.post("/v1/sessions", json=body), 201)
    assert session["stakeholder"] == {"id": other["id"], "type": "patient"}
    url = f"/v1/patients/{kept['id']}/merge"
    merged = answered(await orchestrator.api.post(url, json={"patient_id": other["id"]}))
    moved = answered(await orchestrator.api.get(f"/v1/sessions/{session['id']}"))
    assert moved["stakeholder"] == {"id": kept["id"], "type": "patient"}
    assert moved["pending"] == session["pending"] > 0
    assert merged["transferred_care_flow_ids"] == sorted(flow["id"] for flow in flows[1:])
    assert merged["transferred_count"] == 2
    patient = merged["patient"]
    assert patient["id"] == kept["id"]
    assert {one["value"] for one in patient["identifiers"]} == {"kept", "other"}
    assert known(patient["profile"]) == {"email": "i@b.example", "first_name": "Iris", "address": {"city": "Gent"}}

    again = answered(await orchestrator.api.post(url, json={"patient_id": other["id"]}))
    assert again == {"patient": patient, "transferred_care_flow_ids": [], "transferred_count": 0}
    for patient_id in (kept["id"], other["id"]):
        assert answered(await orchestrator.api.get(f"/v1/patients/{patient_id}")) == patient
        page = answered(await orchestrator.api.get("/v1/care-flows", params={"patient_id": patient_id}))
        assert {one["id"] for one in page["items"]} == {flow["id"] for flow in flows}
    found = answered(await orchestrator.api.post("/v1/patients/by-identifier", json=pair("other", SSN)))
    assert found["id"] == kept["id"]
    assert (await start(orchestrator, other["id"], definition_id))["patient_id"] == kept["id"]

    for flow in flows:
        stopped = answered(await orchestrator.api.post(f"/v1/care-flows/{flow['id']}/stop", json={}))
        assert stopped["patient_id"] == kept["id"]
    told = await orchestrator.events_of(flows[1]["id"], "pathway.stopped")
    [end] = [one for one in told if one.event_type == "pathway.stopped"]
    assert end.key == end.value["pathway"]["patient_id"] == kept["id"]
    assert len(end.value["pathway"]["patient_identifiers"]) == 2

    assert [one.event_type for one in await events_of(orchestrator, kept["id"], 2)][-1] == "patient.updated"
    [_, deleted] = await events_of(orchestrator, other["id"], 2)
    assert deleted.event_type == "patient.deleted"
    assert deleted.value["patient"] == {"id": other["id"], "user": {"id": other["id"], "tenant_id": "tests"}}
    assert "patient.merge" in await audited(orchestrator, kept["id"])
    assert (await audited(orchestrator, other["id"]))[-1] == "patient.merged_away"


async def test_a_merge_cures_an_identity_conflict(orchestrator: Running) -> None:
    release = await orchestrator.publish()
    one, other = await create(orchestrator, pair("cure-1")), await create(orchestrator, pair("cure-2"))

    async def call() -> str:
        request = accepted(*release, identifiers=(mrn("cure-1"), mrn("cure-2")))
        await orchestrator.accept([request])
        ended = (await orchestrator.final_statuses([request]))[request.request_id]
        return str(ended.get("reason") or ended["patient_id"])

    assert await call() == "identity_conflict"
    answered(await orchestrator.api.post(f"/v1/patients/{one['id']}/merge", json={"patient_id": other["id"]}))
    assert await call() == one["id"]


async def test_merges_of_merged_patients_lead_to_the_one_who_stays(orchestrator: Running) -> None:
    first, second, third = [await create(orchestrator, pair(f"chain-{number}")) for number in range(3)]
    for kept, other in ((second, first), (third, first)):
        body = {"patient_id": other["id"]}
        answered(await orchestrator.api.post(f"/v1/patients/{kept['id']}/merge", json=body))
    shown = answered(await orchestrator.api.get(f"/v1/patients/{first['id']}"))
    assert shown["id"] == third["id"]
    assert {one["value"] for one in shown["identifiers"]} == {"chain-0", "chain-1", "chain-2"}
    changed = await orchestrator.api.patch(f"/v1/patients/{second['id']}", json={"profile": {"last_name": "X"}})
    assert answered(changed)["id"] == third["id"]

    itself = await orchestrator.api.post(f"/v1/patients/{third['id']}/merge", json={"patient_id": third["id"]})
    assert answered(itself, 422)["errors"][0]["field"] == "patient_id"
    pointer = answered(await orchestrator.api.delete(f"/v1/patients/{first['id']}"), 409)
    assert pointer["code"] == "patient_merged"


async def test_a_deleted_patient_is_found_by_nobody_and_comes_back_whole(orchestrator: Running) -> None:
    definition_id, _ = await orchestrator.publish()
    patient = await create(orchestrator, pair("removed"), last_name="Removed", birth_date="1955-05-05")
    flow = await start(orchestrator, patient["id"], definition_id)
    url = f"/v1/patients/{patient['id']}"
    refused = answered(await orchestrator.api.delete(url), 409)
    assert refused["code"] == "active_care_flows"
    deleted = answered(await orchestrator.api.delete(url, params={"stop_care_flows": True}))
    assert deleted["restorable_until"] > deleted["deleted_at"]
    assert answered(await orchestrator.api.delete(url)) == deleted, "once more changes nothing"
    stopped = answered(await orchestrator.api.get(f"/v1/care-flows/{flow['id']}"))
    assert stopped["status"] == "stopped"

    for method, path, body in (
        ("GET", "", None),
        ("PATCH", "", {"profile": {}}),
        ("POST", "/identifiers", pair("removed")),
        ("POST", "/merge", {"patient_id": (await create(orchestrator))["id"]}),
    ):
        problem = answered(await orchestrator.api.request(method, url + path, json=body), 410)
        assert problem["code"] == "patient_deleted"
    begin = {"definition_id": definition_id, "patient_id": patient["id"]}
    answered(await orchestrator.api.post("/v1/care-flows", json=begin), 410)
    answered(await orchestrator.api.post("/v1/patients/by-identifier", json=pair("removed")), 404)
    sought = {"last_name": "Removed", "birth_date": "1955-05-05"}
    assert answered(await orchestrator.api.post("/v1/patients/search", json=sought))["items"] == []
    listed = answered(await orchestrator.api.get("/v1/patients/deleted"))["items"]
    assert deleted in listed

    restored = answered(await orchestrator.api.post(f"{url}/restore"))
    assert restored == patient
    assert answered(await orchestrator.api.post(f"{url}/restore", json={})) == patient
    assert answered(await orchestrator.api.post("/v1/patients/by-identifier", json=pair("removed"))) == patient
    told = [one.event_type for one in await events_of(orchestrator, patient["id"], 3)]
    assert told == ["patient.created", "patient.deleted", "patient.updated"]
    done = await audited(orchestrator, patient["id"])
    assert [action for action in done if action not in ("patient.look", "care_flow.view")] == [
        "patient.create",
        "care_flow.start",
        "care_flow.stop",
        "patient.delete",
        "patient.restore",
    ]


async def test_a_call_for_a_deleted_patient_makes_a_new_one_and_a_merge_unites_them(orchestrator: Running) -> None:
    release = await orchestrator.publish()
    patient = await create(orchestrator, pair("back-1"), pair("back-2"))
    url = f"/v1/patients/{patient['id']}"
    answered(await orchestrator.api.delete(url))
    request = accepted(*release, identifiers=(mrn("back-1"),))
    await orchestrator.accept([request])
    newer = (await orchestrator.final_statuses([request]))[request.request_id]["patient_id"]
    assert newer != patient["id"]

    problem = answered(await orchestrator.api.post(f"{url}/restore"), 409)
    assert problem["code"] == "identity_conflict"
    assert problem["patient_ids"] == [newer]
    assert "leave_taken_identifiers" in problem["detail"]
    body = {"leave_taken_identifiers": True}
    restored = answered(await orchestrator.api.post(f"{url}/restore", json=body))
    assert [one["value"] for one in restored["identifiers"]] == ["back-2"]
    merged = answered(await orchestrator.api.post(f"{url}/merge", json={"patient_id": newer}))
    assert {one["value"] for one in merged["patient"]["identifiers"]} == {"back-1", "back-2"}
    assert merged["transferred_count"] == 1


async def test_an_erased_patient_leaves_nothing_but_start_keys_and_the_proof(
    orchestrator: Running, settings: OrchestratorSettings
) -> None:
    release = await orchestrator.publish()
    request = accepted(*release, identifiers=(mrn("erased"),), profile={"last_name": "E", "birth_date": "1950-01-01"})
    await orchestrator.accept([request])
    ended = (await orchestrator.final_statuses([request]))[request.request_id]
    patient_id, care_flow_id = ended["patient_id"], ended["care_flow_id"]
    pointer = await create(orchestrator, pair("erased too"))
    answered(await orchestrator.api.post(f"/v1/patients/{patient_id}/merge", json={"patient_id": pointer["id"]}))
    stays = await create(orchestrator, pair("stays"))
    url = f"/v1/patients/{patient_id}"
    answered(await orchestrator.api.delete(url, params={"stop_care_flows": True}))
    await events_of(orchestrator, patient_id, 2)
    assert await left_of(orchestrator, patient_id, pointer["id"], care_flow_id) > NOT_OF_PATIENTS
    await all_is_published(orchestrator)
    assert await erase(settings, timedelta(days=29)) == 0, "the promised time has not passed"
    assert await erase(settings, timedelta(days=31)) >= 1
    assert await left_of(orchestrator, patient_id, pointer["id"], care_flow_id) == NOT_OF_PATIENTS
    answered(await orchestrator.api.post(f"{url}/restore"), 404)
    for one in (patient_id, pointer["id"]):
        answered(await orchestrator.api.get(f"/v1/patients/{one}"), 404)
        assert (await audited(orchestrator, one))[-1] == "patient.erase"
    assert answered(await orchestrator.api.get(f"/v1/patients/{stays['id']}")) == stays

    # Its key was used up for ever: the same call again starts nothing.
    again = accepted(*release, start_key=request.start_key, identifiers=request.identifiers)
    await orchestrator.accept([again])
    repeated = (await orchestrator.final_statuses([again]))[again.request_id]
    assert repeated["duplicate_of"] == request.request_id
    answered(await orchestrator.api.post("/v1/patients/by-identifier", json=pair("erased")), 404)


async def all_is_published(orchestrator: Running) -> None:
    async def done() -> bool:
        return not await orchestrator.query("SELECT 1 FROM outbox")

    await eventually(done, 20)


async def left_of(orchestrator: Running, *ids: str) -> set[str]:
    """Tables with a row in which one of these ids stands anywhere; whichever tables there are."""
    tables = await orchestrator.query(
        "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = current_schema()"
    )
    pattern = "|".join(ids)
    found = set()
    for table in tables:
        rows = await orchestrator.query(
            f'SELECT 1 FROM "{table["name"]}" AS one WHERE one::text ~ $1 LIMIT 1',  # noqa: S608 (our own tables)
            pattern,
        )
        if rows:
            found.add(table["name"])
    return found
