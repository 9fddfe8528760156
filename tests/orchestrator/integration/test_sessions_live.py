"""Sessions on the real stack: started, used, completed, and expired when nothing was done for too long."""

from datetime import UTC, datetime, timedelta
from typing import Any

from carewire_orchestrator import app
from carewire_orchestrator.adapters.outbox_records import Publishing
from carewire_orchestrator.adapters.store.changes import Changes
from carewire_orchestrator.adapters.store.identities import Identities
from carewire_orchestrator.adapters.store.joining import JoinedDatabase
from carewire_orchestrator.adapters.store.releases import Releases
from carewire_orchestrator.adapters.store.sessions import Sessions
from carewire_orchestrator.settings import OrchestratorSettings
from carewire_runtime.audit import Audit
from carewire_runtime.clock import FakeClock
from carewire_runtime.kafka.producer import Producer
from carewire_runtime.postgres.relay import Relay
from carewire_testing_orchestrator.by_hand import Hands, begun, told
from carewire_testing_orchestrator.definitions import checklist, designed, track
from carewire_testing_orchestrator.running import Running, running

NURSES = {"stakeholder_definition_ids": ["nurse"]}
TWO = designed(
    track("t", {"a": [checklist("mine"), checklist("too"), {**checklist("hers"), **NURSES}]}, [("start", "a")]),
    stakeholders=[{"id": "nurse", "label": "Nurse", "clinical_app_role": "Caregiver"}],
)
IDLE = timedelta(hours=1)


async def started(orchestrator: Running, hands: Hands, **more: str) -> dict[str, Any]:
    body = {"care_flow_id": hands.id, **more}
    session: dict[str, Any] = told(await orchestrator.api.post("/v1/sessions", json=body), 201)
    return session


async def test_a_session_lasts_until_nothing_is_left_to_do(orchestrator: Running) -> None:
    hands = await begun(orchestrator, TWO)
    urls = {"success_url": "https://clinic.example/thanks", "cancel_url": "https://clinic.example/bye"}
    session = await started(orchestrator, hands, **urls)
    assert session["stakeholder"] == {"id": hands.patient_id, "type": "patient"}
    token = {"token": session["token"]}
    opened = told(await orchestrator.api.post("/v1/sessions/open", json=token), 200)
    assert [one["action_id"] for one in opened["activities"]] == ["mine", "too"]
    assert "token" not in opened

    await hands.do("mine", "complete")
    found = told(await orchestrator.api.get(f"/v1/sessions/{session['id']}"), 200)
    assert (found["status"], found["pending"]) == ("active", 1)
    assert found["expires_at"] > session["expires_at"], "what is done gives it time anew"
    await hands.do("too", "complete")
    assert (await orchestrator.api.get(f"/v1/sessions/{session['id']}")).json()["status"] == "completed"
    refused = told(await orchestrator.api.post("/v1/sessions/open", json=token), 409)
    assert refused["code"] == "session_completed"

    events = await orchestrator.events_of(hands.id, "session.completed")
    (began,) = (one for one in events if one.event_type == "session.started")
    assert began.value["session"] == {
        "id": session["id"],
        "created_at": began.value["session"]["created_at"],
        "expires_at": began.value["session"]["expires_at"],
        "stakeholder": {"id": hands.patient_id, "type": "patient"},
        **urls,
    }
    assert set(began.value["pathway"]) >= {"id", "pathway_definition_id", "patient_id", "start_date"}
    assert "completed_at" in events[-1].value["session"]
    told_of = [event for change in await hands.changes() for event in change["events"]]
    assert [one["event_type"] for one in told_of] == [one.event_type for one in events]
    numbers = list(range(1, len(events) + 1))
    assert [one["sequence"] for one in told_of] == numbers
    assert [one.value["sequence"] for one in events] == numbers, "in the order of the topic, sessions among the rest"
    assert [int(one.headers["ce_sequence"]) for one in events] == numbers


async def test_by_ids_alone_the_topic_holds_no_more_of_a_session_and_its_care_flow(
    settings: OrchestratorSettings,
) -> None:
    async with running(settings.model_copy(update={"event_payloads": "ids"})) as orchestrator:
        hands = await begun(orchestrator, TWO)
        await started(orchestrator, hands, success_url="https://clinic.example/thanks")
        events = await orchestrator.events_of(hands.id, "session.started")
        assert [one.value["sequence"] for one in events] == list(range(1, len(events) + 1))
        assert set(events[-1].value["session"]) == {"id", "created_at", "expires_at", "stakeholder"}
        assert not any("patient_identifiers" in one.value["pathway"] for one in events)


async def test_a_token_is_kept_as_its_digest_alone(orchestrator: Running) -> None:
    session = await started(orchestrator, await begun(orchestrator, TWO))
    assert set(session["token"]) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    (row,) = await orchestrator.query("SELECT * FROM session WHERE id = $1", session["id"])
    assert session["token"] not in str(dict(row))
    assert (await orchestrator.api.post("/v1/sessions/open", json={"token": "another"})).status_code == 404


async def test_a_session_is_for_somebody_who_has_something_to_do(orchestrator: Running) -> None:
    hands = await begun(orchestrator, TWO)
    nobody = {"care_flow_id": hands.id, "stakeholder_definition_id": "nobody"}
    assert told(await orchestrator.api.post("/v1/sessions", json=nobody), 422)["errors"][0]["field"] == (
        "stakeholder_definition_id"
    )
    assert (await orchestrator.api.post("/v1/sessions", json={"care_flow_id": "none"})).status_code == 404
    await hands.do("hers", "complete")
    body = {"care_flow_id": hands.id, "stakeholder_definition_id": "nurse"}
    assert told(await orchestrator.api.post("/v1/sessions", json=body), 409)["code"] == "nothing_pending"
    await hands.post("/stop", {})
    assert told(await orchestrator.api.post("/v1/sessions", json=body), 409)["code"] == "care_flow_ended"


async def test_a_session_in_which_nothing_is_done_expires_once(
    orchestrator: Running, settings: OrchestratorSettings
) -> None:
    hands = await begun(orchestrator, TWO)
    session = await started(orchestrator, hands)
    db, clock = JoinedDatabase(settings.postgres_dsn, app.NAME), FakeClock(datetime.now(UTC) + IDLE)
    identities, releases = Identities(settings.keyring), Releases()
    changes = Changes(identities, releases, Publishing(settings.topics, settings.tenant_id), IDLE)
    relay = Relay(db, Producer(settings.kafka_bootstrap, "unused"))
    later = Sessions(db, changes, relay, Audit(clock), clock, IDLE)
    await db.start()
    try:
        assert await later.expire() >= 1
        assert await later.expire() == 0
    finally:
        await db.stop()
    events = await orchestrator.events_of(hands.id, "session.expired")
    assert [one.event_type for one in events].count("session.expired") == 1
    assert events[-1].value["session"]["id"] == session["id"]
    assert (await hands.changes())[-1]["cause"]["kind"] == "session"
    refused = told(await orchestrator.api.post("/v1/sessions/open", json={"token": session["token"]}), 409)
    assert refused["code"] == "session_expired"
    assert (await hands.do("mine", "complete"))["care_flow_status"] == "active", "the care flow goes on"
