"""A care flow that looks at its patient's profile, on the real stack: every way that lets it go on hands it in."""

from datetime import UTC, datetime, timedelta
from typing import Any

from carewire_orchestrator import app
from carewire_orchestrator.adapters.outbox_records import Publishing
from carewire_orchestrator.adapters.store.changes import Changes
from carewire_orchestrator.adapters.store.due_timers import DueTimers
from carewire_orchestrator.adapters.store.identities import Identities
from carewire_orchestrator.adapters.store.releases import Releases
from carewire_orchestrator.settings import OrchestratorSettings
from carewire_runtime.ids import new_id
from carewire_runtime.postgres.pool import Database
from carewire_testing_orchestrator.by_hand import Hands, begun, told
from carewire_testing_orchestrator.calls import accepted, mrn
from carewire_testing_orchestrator.definitions import delay, designed, track
from carewire_testing_orchestrator.running import Running

SAID = {"name": "said", "data_point_definition_id": "patient.first_name", "fallback": "nobody"}
DUTCH = {"all": [{"reference": "patient.preferred_language", "operator": "is_equal_to", "operand": "nl"}]}
ASKED: dict[str, Any] = {
    "id": "asked",
    "key": "asked",
    "title": "Asked",
    "questions": [
        {"id": "q_any", "key": "any", "title": "Well?", "user_question_type": "yes_no"},
        {
            "id": "q_dutch",
            "key": "dutch",
            "title": "Gaat het?",
            "user_question_type": "yes_no",
            "required": True,
            "rule": DUTCH,
        },
    ],
}


def writes(action_id: str) -> dict[str, Any]:
    return {
        "id": action_id,
        "title": action_id,
        "type": "message",
        "subject": "Dear {{said}}",
        "body": "-",
        "dynamic_variables": [SAID],
    }


ask = {"id": "ask", "title": "Ask", "type": "form", "form_definition_id": "asked"}
ASKING = designed(
    track(
        "t",
        {"a": [writes("at_start"), ask], "b": [writes("afterwards")], "c": [writes("next_day"), {**ask, "id": "rest"}]},
        [("start", "a"), ("a", "b"), ("b", "wait"), ("wait", "c")],
        [delay("wait", 1, "day")],
    ),
    forms=[ASKED],
)


async def subject(hands: Hands, action_id: str) -> str:
    activity = await hands.activity(action_id)
    return str(told(await hands.api.get(f"/v1/activities/{activity['id']}"), 200)["subject"])


async def test_forms_messages_and_timers_see_the_profile_as_it_is_by_then(
    orchestrator: Running, settings: OrchestratorSettings
) -> None:
    body = {"profile": {"first_name": "Iris", "preferred_language": "en"}}
    patient = told(await orchestrator.api.post("/v1/patients", json=body), 201)
    hands = await begun(orchestrator, ASKING, patient_id=patient["id"])
    assert await subject(hands, "at_start") == "Dear Iris"

    async def now_known(**profile: str) -> None:
        told(await orchestrator.api.patch(f"/v1/patients/{patient['id']}", json={"profile": profile}), 200)

    await now_known(first_name="Rosa", preferred_language="nl")
    refused = await hands.do("ask", "submit", {"answers": {"any": True}}, 422)
    assert [one["field"] for one in refused["errors"]] == ["dutch"]
    await hands.do("ask", "submit", {"answers": {"any": True, "dutch": True}})
    assert await subject(hands, "afterwards") == "Dear Rosa"

    await now_known(first_name="Lily")
    db, identities, releases = Database(settings.postgres_dsn, app.NAME), Identities(settings.keyring), Releases()
    publishing = Publishing(settings.topics, settings.tenant_id)
    await db.start()
    try:
        due = DueTimers(db, identities, releases, Changes(identities, releases, publishing, timedelta(hours=1)))
        assert len(await due.take(datetime.now(UTC) + timedelta(days=2), 100)) == 1
    finally:
        await db.stop()
    assert await subject(hands, "next_day") == "Dear Lily"


async def test_a_request_sees_the_profile_of_its_patient_and_never_that_which_it_gives_of_a_known_one(
    orchestrator: Running,
) -> None:
    release, whom = await orchestrator.publish(ASKING), mrn(new_id())
    first = accepted(*release, identifiers=(whom,), data_points=(), profile={"first_name": "Iris"})
    later = accepted(*release, identifiers=(whom,), data_points=(), profile={"first_name": "Somebody"})
    for request in (first, later):
        await orchestrator.accept([request])
        ended = (await orchestrator.final_statuses([request]))[request.request_id]
        hands = Hands(orchestrator, {"id": ended["care_flow_id"], "patient_id": ended["patient_id"]})
        assert await subject(hands, "at_start") == "Dear Iris"
