"""A POST under a key is done once, whatever becomes of its answer."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from carewire_orchestrator import app
from carewire_orchestrator.adapters.store.idempotency import IdempotentAnswers, delete_idempotent_answers
from carewire_orchestrator.adapters.store.identities import Identities
from carewire_orchestrator.adapters.store.joining import JoinedDatabase
from carewire_orchestrator.adapters.store.patient_rows import PatientRows
from carewire_orchestrator.domain.patient_identifiers import add
from carewire_orchestrator.settings import OrchestratorSettings
from carewire_runtime.auth import ApiKeys, Role
from carewire_runtime.ids import new_id
from carewire_runtime.postgres.pool import Database
from carewire_testing import eventually
from carewire_testing_orchestrator.calls import mrn
from carewire_testing_orchestrator.definitions import HIP
from carewire_testing_orchestrator.patients import answered, audited, create, pair
from carewire_testing_orchestrator.running import Running

BASELINE = [{"data_point_definition_id": "dp_surgery", "value": "2026-03-01"}]


def under(key: str, **more: str) -> dict[str, str]:
    return {"idempotency-key": key, **more}


async def start(orchestrator: Running, definition_id: str, headers: Mapping[str, str], **more: Any) -> httpx.Response:
    body = {"definition_id": definition_id, "data_points": BASELINE, **more}
    return await orchestrator.api.post("/v1/care-flows", json=body, headers=dict(headers))


async def count(orchestrator: Running, definition_id: str) -> int:
    (row,) = await orchestrator.query("SELECT count(*) FROM care_flow WHERE definition_id = $1", definition_id)
    return int(row["count"])


async def test_the_same_call_again_is_answered_and_not_done_again(orchestrator: Running) -> None:
    definition_id, _ = await orchestrator.publish()
    key = new_id()
    first, second = [await start(orchestrator, definition_id, under(key)) for _ in range(2)]
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert second.headers["content-type"] == "application/json"
    assert await count(orchestrator, definition_id) == 1
    await orchestrator.events_of(first.json()["id"], "pathway.started")


async def test_a_key_in_quotes_is_the_same_key(orchestrator: Running) -> None:
    definition_id, _ = await orchestrator.publish()
    key = new_id()
    first = await start(orchestrator, definition_id, under(key))
    assert (await start(orchestrator, definition_id, under(f'"{key}"'))).json() == first.json()


async def test_a_key_does_for_one_request_alone(orchestrator: Running) -> None:
    definition_id, _ = await orchestrator.publish()
    key = new_id()
    started = await start(orchestrator, definition_id, under(key))
    others = [
        await start(orchestrator, definition_id, under(key), create_patient=True),
        await orchestrator.api.post(f"/v1/care-flows/{started.json()['id']}/stop", json={}, headers=under(key)),
        await orchestrator.api.post(
            "/v1/care-flows?of=another",
            json={"definition_id": definition_id, "data_points": BASELINE},
            headers=under(key),
        ),
    ]
    assert [answer.status_code for answer in others] == [422] * 3
    assert {answer.json()["title"] for answer in others} == {"Key used before"}
    assert key not in "".join(answer.text for answer in others)
    assert await count(orchestrator, definition_id) == 1


async def test_a_key_belongs_to_one_caller(orchestrator: Running) -> None:
    db = JoinedDatabase(orchestrator.settings.postgres_dsn, app.NAME)
    await db.start()
    try:
        other = await ApiKeys(db).create(new_id(), Role.OPERATOR)
    finally:
        await db.stop()
    definition_id, _ = await orchestrator.publish()
    key = new_id()
    await start(orchestrator, definition_id, under(key))
    theirs = await start(orchestrator, definition_id, under(key, authorization=f"Bearer {other}"))
    assert theirs.status_code == 201
    assert await count(orchestrator, definition_id) == 2
    for authorization in ("Bearer nobody", "Basic x", ""):
        answer = await start(orchestrator, definition_id, under(key, authorization=authorization))
        assert answer.status_code == 401


async def test_of_many_calls_at_once_one_is_done(orchestrator: Running) -> None:
    definition_id, _ = await orchestrator.publish()
    key = new_id()
    answers = await asyncio.gather(*(start(orchestrator, definition_id, under(key)) for _ in range(16)))
    done = [answer for answer in answers if answer.status_code == 201]
    waiting = [answer for answer in answers if answer.status_code == 409]
    assert len(done) + len(waiting) == 16
    assert len({answer.json()["id"] for answer in done}) == 1
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in waiting)
    assert await count(orchestrator, definition_id) == 1


async def test_a_refused_call_leaves_its_key_free(orchestrator: Running) -> None:
    definition_id, _ = await orchestrator.publish()
    key = new_id()
    refused = await start(orchestrator, definition_id, under(key), data_points=[])
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    assert (await start(orchestrator, definition_id, under(key))).status_code == 201
    assert await count(orchestrator, definition_id) == 1


async def test_an_answer_is_kept_with_what_was_done_or_neither_is(
    orchestrator: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    definition_id, _ = await orchestrator.publish()
    key = new_id()
    keep = IdempotentAnswers.keep

    async def fail(*_: object) -> None:
        raise RuntimeError("died before the answer was kept")

    monkeypatch.setattr(IdempotentAnswers, "keep", fail)
    assert (await start(orchestrator, definition_id, under(key))).status_code == 500
    assert await count(orchestrator, definition_id) == 0
    monkeypatch.setattr(IdempotentAnswers, "keep", keep)
    assert (await start(orchestrator, definition_id, under(key))).status_code == 201
    assert await count(orchestrator, definition_id) == 1


async def test_a_conflict_inside_a_call_is_told_as_without_a_key(orchestrator: Running) -> None:
    body = {"system": f"https://{new_id()}.example", "name": new_id(), "display_name": "x"}
    path = "/v1/identifier-systems"
    assert (await orchestrator.api.post(path, json=body, headers=under(new_id()))).status_code == 201
    again = await orchestrator.api.post(path, json=body, headers=under(new_id()))
    assert (again.status_code, again.json()["title"]) == (409, "Already there")


async def test_what_a_repeated_publication_answers_is_the_first_release(orchestrator: Running) -> None:
    definition_id = new_id()
    path = f"/v1/definitions/{definition_id}"
    await orchestrator.api.put(path, json={**HIP, "id": definition_id})
    key = new_id()
    answers = [await orchestrator.api.post(f"{path}/publish", headers=under(key)) for _ in range(2)]
    assert [answer.json()["version"] for answer in answers] == [1, 1]


@pytest.mark.parametrize("key", ["", "a b", "\u00e4", "x" * 256, '"', 'a"b'])
async def test_what_is_no_key_is_refused(orchestrator: Running, key: str) -> None:
    headers = [(b"idempotency-key", key.encode())]
    answer = await orchestrator.api.post("/v1/definitions/x/validate", headers=headers)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"


async def test_two_keys_of_one_call_are_refused(orchestrator: Running) -> None:
    headers = [("idempotency-key", "a"), ("idempotency-key", "b")]
    assert (await orchestrator.api.post("/v1/definitions/x/validate", headers=headers)).status_code == 400


async def test_neither_keys_nor_answers_are_kept_in_clear(orchestrator: Running) -> None:
    definition_id, _ = await orchestrator.publish()
    started = await start(orchestrator, definition_id, under("key-in-clear"))
    rows = str([dict(row) for row in await orchestrator.query("SELECT * FROM idempotent_answer")])
    assert "key-in-clear" not in rows
    assert started.json()["id"] not in rows


async def test_old_answers_are_forgotten(orchestrator: Running) -> None:
    definition_id, _ = await orchestrator.publish()
    await start(orchestrator, definition_id, under(new_id()))
    db = JoinedDatabase(orchestrator.settings.postgres_dsn, app.NAME)
    await db.start()
    try:
        async with db.connection() as connection:
            assert await delete_idempotent_answers(connection, new_id(), 1) == 1
            await delete_idempotent_answers(connection, new_id(), 1000)
    finally:
        await db.stop()
    assert await orchestrator.query("SELECT * FROM idempotent_answer") == []


async def test_a_change_of_patients_that_meets_another_is_done_anew_within_its_call(
    orchestrator: Running, settings: OrchestratorSettings
) -> None:
    await orchestrator.register_systems()
    [kept, other] = [await create(orchestrator, pair(new_id())) for _ in range(2)]
    late = mrn(new_id())
    url, body = f"/v1/patients/{kept['id']}/merge", {"patient_id": other["id"]}
    identities, db = Identities(settings.keyring), Database(settings.postgres_dsn, app.NAME)
    rows, key = PatientRows(identities), new_id()

    async def somebody_waits() -> bool:
        waiting = await orchestrator.query(
            "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        return bool(waiting)

    await db.start()
    try:
        async with db.transaction() as connection:
            given = {identities.fingerprint(late): late}
            [patient] = await rows.lock(connection, [other["id"]], given)
            call = asyncio.create_task(orchestrator.api.post(url, json=body, headers=under(key)))
            await eventually(somebody_waits, 20)
            # The call has looked at what it has to lock, and that is no longer all.
            change = add(patient.identifiers, given)
            await rows.change_identifiers(connection, patient.id, change, patient.created_at)
        merged = answered(await call)
    finally:
        await db.stop()
    assert {one["value"] for one in merged["patient"]["identifiers"]} >= {late.value, other["identifiers"][0]["value"]}
    again = await orchestrator.api.post(url, json=body, headers=under(key))
    assert again.headers["idempotency-replayed"] == "true"
    assert answered(again) == merged
    done = await audited(orchestrator, kept["id"])
    assert done.count("patient.merge") == 1, "what was begun and left was taken back"
