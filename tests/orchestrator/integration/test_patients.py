"""Patients by hand: made, found, changed and identified, told as events and recorded in the audit."""

from typing import Any

import pytest

from carewire_orchestrator import app
from carewire_orchestrator.settings import OrchestratorSettings
from carewire_runtime.auth import ApiKeys, Role
from carewire_runtime.ids import new_id
from carewire_runtime.postgres.pool import Database
from carewire_testing_orchestrator.calls import MRN, SSN, accepted, mrn, ssn
from carewire_testing_orchestrator.patients import answered, audited, create, events_of, known, pair
from carewire_testing_orchestrator.running import Running

IRIS = {"first_name": "Iris", "last_name": "Müller", "birth_date": "1961-07-04"}


@pytest.fixture(autouse=True)
async def systems(orchestrator: Running) -> None:
    await orchestrator.register_systems()


async def test_a_created_patient_is_told_shown_recorded_and_kept_sealed(orchestrator: Running) -> None:
    patient = await create(orchestrator, pair("created-1"), pair("created-2", SSN), **IRIS, address={"city": "Gent"})
    assert known(patient["profile"]) == {**IRIS, "address": {"city": "Gent"}}
    shown = answered(await orchestrator.api.get(f"/v1/patients/{patient['id']}"))
    assert {one["value"] for one in shown["identifiers"]} == {"created-1", "created-2"}
    assert shown["profile"] == patient["profile"]

    [told] = await events_of(orchestrator, patient["id"], 1)
    assert told.event_type == "patient.created"
    assert told.value["patient"]["profile"]["last_name"] == "Müller"
    assert told.headers["ce_subject"] == patient["id"]
    assert await audited(orchestrator, patient["id"]) == ["patient.create", "patient.look"]

    for table in ("patient", "patient_identifier", "patient_search_key"):
        rows = await orchestrator.query(f"SELECT * FROM {table}")  # noqa: S608 (ours)
        assert "Müller" not in str(rows)
        assert "created-1" not in str(rows)


async def test_an_identifier_makes_one_patient_and_whoever_tries_again_hears_the_cure(orchestrator: Running) -> None:
    first = await create(orchestrator, pair("once"))
    body = {"identifiers": [pair("fresh"), pair("once")]}
    problem = answered(await orchestrator.api.post("/v1/patients", json=body), 409)
    assert problem["code"] == "identity_conflict"
    assert problem["errors"] == [{"field": "identifiers.1", "message": "another patient has this identifier"}]
    assert problem["patient_ids"] == [first["id"]]
    assert "merge" in problem["detail"]
    assert "once" not in str(problem["detail"])
    gone = await orchestrator.api.post("/v1/patients/by-identifier", json=pair("fresh"))
    assert gone.status_code == 404, "a refused call changes nothing"


async def test_identifiers_are_checked_against_their_systems_all_at_once(orchestrator: Running) -> None:
    body = {"identifiers": [pair("fine"), pair(" UNKNOWN "), pair("1", "https://nobody.example")]}
    problem = answered(await orchestrator.api.post("/v1/patients", json=body), 422)
    assert [error["field"] for error in problem["errors"]] == ["identifiers.1.value", "identifiers.2.system"]


async def test_an_upsert_creates_then_changes_and_gives_what_was_missing(orchestrator: Running) -> None:
    body = {"identifiers": [pair("upserted")], "profile": IRIS}
    created = answered(await orchestrator.api.post("/v1/patients/upsert", json=body), 201)
    assert created["created"]
    body = {
        "identifiers": [pair(" upserted "), pair("more", SSN)],
        "profile": {"first_name": "", "email": "i@b.example"},
    }
    changed = answered(await orchestrator.api.post("/v1/patients/upsert", json=body))
    assert not changed["created"]
    patient = changed["patient"]
    assert patient["id"] == created["patient"]["id"]
    assert known(patient["profile"]) == {"last_name": "Müller", "birth_date": "1961-07-04", "email": "i@b.example"}

    again = answered(await orchestrator.api.post("/v1/patients/upsert", json=body))
    assert again == changed, "the same again changes nothing"
    told = await events_of(orchestrator, patient["id"], 2)
    assert [one.event_type for one in told] == ["patient.created", "patient.updated"]
    assert len(told[1].value["patient"]["profile"]["identifier"]) == 2
    assert await audited(orchestrator, patient["id"]) == [
        "patient.create",
        "patient.update",
        "patient.change_identifiers",
        "patient.look",
    ]


async def test_an_upsert_by_identifiers_of_two_patients_is_a_conflict_of_both(orchestrator: Running) -> None:
    one, other = await create(orchestrator, pair("two-1")), await create(orchestrator, pair("two-2"))
    body = {"identifiers": [pair("two-1"), pair("two-2"), pair("two-3")]}
    problem = answered(await orchestrator.api.post("/v1/patients/upsert", json=body), 409)
    assert [error["field"] for error in problem["errors"]] == ["identifiers.0", "identifiers.1"]
    assert problem["patient_ids"] == sorted([one["id"], other["id"]])


async def test_a_change_says_only_what_changes(orchestrator: Running) -> None:
    patient = await create(orchestrator, **IRIS, address={"city": "Gent", "zip": "9000"})
    url = f"/v1/patients/{patient['id']}"
    body: dict[str, Any] = {"profile": {"first_name": None, "address": {"zip": "9001", "country": "BE"}}}
    changed = answered(await orchestrator.api.patch(url, json=body))
    assert known(changed["profile"]) == {
        "last_name": "Müller",
        "birth_date": "1961-07-04",
        "address": {"city": "Gent", "zip": "9001", "country": "BE"},
    }
    answered(await orchestrator.api.patch(url, json=body))
    cleared = answered(await orchestrator.api.patch(url, json={"profile": {"address": None}}))
    assert known(cleared["profile"]) == {"last_name": "Müller", "birth_date": "1961-07-04"}
    told = await events_of(orchestrator, patient["id"], 3)
    assert [one.event_type for one in told] == ["patient.created", "patient.updated", "patient.updated"]
    assert "address" not in told[2].value["patient"]["profile"]


async def test_identifiers_are_added_replaced_and_removed(orchestrator: Running) -> None:
    patient = await create(orchestrator, pair("had"))
    url = f"/v1/patients/{patient['id']}/identifiers"

    def values(answer: Any) -> set[str]:
        return {one["value"] for one in answered(answer)["identifiers"]}

    assert values(await orchestrator.api.post(url, json=pair("added"))) == {"had", "added"}
    assert values(await orchestrator.api.post(url, json=pair("added"))) == {"had", "added"}
    body = {"identifiers": [pair("added"), pair("new", SSN)]}
    assert values(await orchestrator.api.put(url, json=body)) == {"added", "new"}
    assert values(await orchestrator.api.post(f"{url}/remove", json=pair("new", SSN))) == {"added"}
    assert values(await orchestrator.api.post(f"{url}/remove", json=pair("new", SSN))) == {"added"}

    stranger = await create(orchestrator, pair("had"), pair("new", SSN))
    for method, path, sent in (("POST", url, pair("had")), ("PUT", url, {"identifiers": [pair("had")]})):
        problem = answered(await orchestrator.api.request(method, path, json=sent), 409)
        assert problem["patient_ids"] == [stranger["id"]]
    told = await events_of(orchestrator, patient["id"], 4)
    assert [len(one.value["patient"]["profile"]["identifier"]) for one in told] == [1, 2, 2, 1]


async def test_patients_are_found_by_name_with_birth_date_and_by_code(orchestrator: Running) -> None:
    code = f"Code {new_id()}"
    twins = [await create(orchestrator, last_name=name, birth_date="1955-01-02") for name in ("O'Brien", "OBRIEN")]
    coded = await create(orchestrator, patient_code=code, **IRIS)

    async def found(**sought: str) -> list[str]:
        page = answered(await orchestrator.api.post("/v1/patients/search", json=sought))
        return [one["id"] for one in page["items"]]

    assert await found(last_name="o brien", birth_date="1955-01-02") == [twins[1]["id"], twins[0]["id"]]
    assert await found(last_name="o brien", birth_date="1955-01-03") == []
    assert await found(last_name="'", birth_date="1955-01-02") == []
    assert await found(patient_code=code.upper()) == [coded["id"]]
    first = answered(
        await orchestrator.api.post(
            "/v1/patients/search", json={"last_name": "OBrien", "birth_date": "1955-01-02"}, params={"limit": 1}
        )
    )
    assert first["next_cursor"] == twins[1]["id"]

    renamed = {"profile": {"last_name": "Byrne", "patient_code": None}}
    await orchestrator.api.patch(f"/v1/patients/{twins[0]['id']}", json=renamed)
    assert await found(last_name="OBrien", birth_date="1955-01-02") == [twins[1]["id"]]
    assert await found(last_name="byrne", birth_date="1955-01-02") == [twins[0]["id"]]
    assert "patient.look" in await audited(orchestrator, twins[1]["id"])


async def test_a_patient_whom_a_call_made_is_found_by_what_the_call_said(orchestrator: Running) -> None:
    release = await orchestrator.publish()
    request = accepted(
        *release, identifiers=(mrn("called"),), profile={"last_name": "Çelik", "birth_date": "1970-05-06"}
    )
    await orchestrator.accept([request])
    ended = (await orchestrator.final_statuses([request]))[request.request_id]
    body = {"last_name": "celik", "birth_date": "1970-05-06"}
    page = answered(await orchestrator.api.post("/v1/patients/search", json=body))
    assert [one["id"] for one in page["items"]] == [ended["patient_id"]]


async def test_a_known_patient_who_gets_an_identifier_by_a_call_is_told_of_whole(orchestrator: Running) -> None:
    patient = await create(orchestrator, pair("gaining"), **IRIS)
    release = await orchestrator.publish()
    requests = [
        accepted(*release, identifiers=(mrn("gaining"),)),
        accepted(*release, identifiers=(mrn("gaining"), ssn("gained"))),
        accepted(*release, identifiers=(ssn("gained"),)),
    ]
    await orchestrator.accept(requests, key=b"in this order")
    ended = await orchestrator.final_statuses(requests)
    assert {one["patient_id"] for one in ended.values()} == {patient["id"]}
    created, updated = await events_of(orchestrator, patient["id"], 2)
    assert (created.event_type, updated.event_type) == ("patient.created", "patient.updated")
    profile = dict(updated.value["patient"]["profile"])
    assert {one["system"] for one in profile.pop("identifier")} == {MRN, SSN}
    assert profile == IRIS


async def test_pages_hold_each_patient_once_and_show_viewers_no_value(
    orchestrator: Running, settings: OrchestratorSettings
) -> None:
    made = [await create(orchestrator, pair(f"paged-{number}"), **IRIS) for number in range(3)]
    ids: list[str] = []
    cursor: str | None = None
    while True:
        params = {"limit": 2} | ({} if cursor is None else {"cursor": cursor})
        page = answered(await orchestrator.api.get("/v1/patients", params=params))
        ids += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert ids == sorted(set(ids), reverse=True)
    assert {one["id"] for one in made} <= set(ids)

    db = Database(settings.postgres_dsn, app.NAME)
    await db.start()
    try:
        viewer = await ApiKeys(db).create(new_id(), Role.VIEWER)
    finally:
        await db.stop()
    page = answered(await orchestrator.api.get("/v1/patients", headers={"authorization": f"Bearer {viewer}"}))
    assert "paged-0" not in str(page)
    assert "Müller" not in str(page)
    newest = next(one for one in page["items"] if one["id"] == made[2]["id"])
    assert newest["identifiers"] == [{"system": MRN, "value": None}]
    assert newest["profile"] is None
