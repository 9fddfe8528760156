"""Whoever looks at a patient, or changes anything, is on record: every route of the API, one by one."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import pytest
import pytest_asyncio

from carewire_local.stack import Stack
from carewire_orchestrator import app
from carewire_runtime.ids import new_id
from carewire_testing_orchestrator.by_hand import Hands, told
from carewire_testing_orchestrator.calls import MRN
from carewire_testing_orchestrator.definitions import (
    FORM,
    checklist,
    delay,
    designed,
    message,
    point,
    track,
    trigger,
)
from carewire_testing_orchestrator.running import Running, running, settings_for
from carewire_testing_orchestrator.whole_api import routes

HALVE = {
    "id": "halve",
    "type": "calculation",
    "title": "Halve",
    "expression": "n / 2",
    "inputs": [{"name": "n", "data_point_definition_id": "number"}],
    "output_data_point_definition_id": "half",
}
RARE = track("rare", {"never": [checklist("never")]}, [("start", "never")])
RARE["transitions"][0]["rule"] = {"all": [{"reference": "number", "operator": "is_greater_than", "operand": 5}]}
BY_HAND = designed(
    track(
        "main",
        {
            "do": [checklist("ask"), message("hello")],
            "answer": [{"id": "tell", "type": "form", "title": "Tell", "form_definition_id": "form"}],
            "count": [HALVE],
            "after": [],
        },
        [("start", "do"), ("start", "answer"), ("start", "count"), ("start", "wait"), ("wait", "after")],
        [delay("wait", 9, "day", skippable=True)],
    ),
    track("extra", {"more": [checklist("more")]}, [("start", "more")]),
    RARE,
    triggers=[
        trigger("main", type="pathway_started"),
        trigger("extra", type="ad_hoc"),
        trigger("rare", type="pathway_started"),
    ],
    forms=[FORM],
    stakeholders=[{"id": "nurse", "label": "Nurse", "clinical_app_role": "Caregiver"}],
    data_points=[point("number"), point("half", category="calculation")],
)
"""A care flow in which there is something to do for every route: wait, decide, try again, add a track."""


class World:
    """An orchestrator, and what there is to look at and to change."""

    def __init__(self, orchestrator: Running, definition_id: str, release_id: str) -> None:
        self.orchestrator = orchestrator
        self.definition_id = definition_id
        self.release_id = release_id

    async def begin(self) -> Hands:
        """A care flow of a new patient."""
        body = {"definition_id": self.definition_id}
        return Hands(self.orchestrator, told(await self.orchestrator.api.post("/v1/care-flows", json=body), 201))

    async def patient(self, **more: Any) -> dict[str, Any]:
        """A new patient."""
        made: dict[str, Any] = told(await self.orchestrator.api.post("/v1/patients", json=more), 201)
        return made

    async def last_record(self) -> Any:
        """The last audit record's id."""
        return (await self.orchestrator.query("SELECT id FROM audit_record ORDER BY id DESC LIMIT 1"))[0]["id"]

    async def records_since(self, last: Any) -> list[Mapping[str, Any]]:
        """The audit records that came after one, each with who did what to whom."""
        return list(await self.orchestrator.query("SELECT * FROM audit_record WHERE id > $1 ORDER BY id", last))


@dataclass(frozen=True)
class Ready:
    """A call that can be made now, and whose id the record has to name."""

    subject_id: str
    names: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    query: Mapping[str, str] = field(default_factory=dict)


Prepare: TypeAlias = Callable[[World], Awaitable[Ready]]


@dataclass(frozen=True)
class Row:
    """A route, what its use leaves in the audit (nothing, where it tells of no patient), and how to use it."""

    route: str
    actions: str
    prepare: Prepare

    def __str__(self) -> str:
        return self.route


def identifier() -> dict[str, str]:
    return {"system": MRN, "value": new_id()}


def on_definition(**body: Any) -> Prepare:
    async def prepare(world: World) -> Ready:
        definition_id, release_id = await world.orchestrator.publish(BY_HAND)
        sent = {name: release_id if value is ... else value for name, value in body.items()} or None
        return Ready(definition_id, {"definition_id": definition_id, "release_id": release_id}, sent, {"to": "draft"})

    return prepare


async def another_release(world: World) -> Ready:
    definition_id, first = await world.orchestrator.publish(BY_HAND)
    told(await world.orchestrator.api.post(f"/v1/definitions/{definition_id}/publish"), 201)
    return Ready(definition_id, {"definition_id": definition_id}, {"release_id": first})


async def a_constant(world: World) -> Ready:
    definition_id, _ = await world.orchestrator.publish(BY_HAND)
    path = f"/v1/definitions/{definition_id}/constants/KEY"
    told(await world.orchestrator.api.put(path, json={"value": "a"}), 200)
    return Ready(f"{definition_id}/KEY", {"definition_id": definition_id, "name": "KEY"}, {"value": "b"})


async def a_draft(_: World) -> Ready:
    definition_id = f"draft-{new_id()}"
    return Ready(definition_id, {"definition_id": definition_id}, {**BY_HAND, "id": definition_id})


async def a_system(_: World) -> Ready:
    system = f"https://{new_id()}.example/"
    return Ready(system, body={"system": system, "name": system, "display_name": "New"})


async def nothing(_: World) -> Ready:
    return Ready("")


def on_patient(**body: Any) -> Prepare:
    async def prepare(world: World) -> Ready:
        patient = await world.patient()
        return Ready(patient["id"], {"patient_id": patient["id"]}, body or None, {"patient_id": patient["id"]})

    return prepare


async def a_new_patient(_: World) -> Ready:
    return Ready("", body={"identifiers": [identifier()]})


async def a_known_identifier(world: World) -> Ready:
    known = identifier()
    return Ready((await world.patient(identifiers=[known]))["id"], body=known)


async def a_known_code(world: World) -> Ready:
    code = new_id()
    return Ready((await world.patient(profile={"patient_code": code}))["id"], body={"patient_code": code})


async def a_deleted_patient(world: World) -> Ready:
    patient = await world.patient()
    told(await world.orchestrator.api.delete(f"/v1/patients/{patient['id']}"), 200)
    return Ready(patient["id"], {"patient_id": patient["id"]})


async def two_patients(world: World) -> Ready:
    one, other = await world.patient(), await world.patient()
    return Ready(one["id"], {"patient_id": one["id"]}, {"patient_id": other["id"]})


async def a_patient_with_an_identifier(world: World) -> Ready:
    known = identifier()
    patient_id = (await world.patient(identifiers=[known]))["id"]
    return Ready(patient_id, {"patient_id": patient_id}, known)


async def a_start(world: World) -> Ready:
    patient_id = (await world.patient())["id"]
    return Ready(patient_id, body={"definition_id": world.definition_id, "patient_id": patient_id})


def on_care_flow(path: str = "", body: Any = None, **names: str) -> Prepare:
    """A call about a care flow, after something was posted to it."""

    async def prepare(world: World) -> Ready:
        hands = await world.begin()
        if path:
            await hands.post(path, {})
        return Ready(hands.patient_id, {"care_flow_id": hands.id, **names}, body, {"patient_id": hands.patient_id})

    return prepare


async def a_scheduled_track(world: World) -> Ready:
    hands = await world.begin()
    tracks = await hands.post("/tracks/extra/schedule", {"at": "2099-01-01T00:00:00Z"})
    (timer_id,) = (one["timer_id"] for each in tracks for one in each["scheduled"])
    return Ready(hands.patient_id, {"care_flow_id": hands.id, "timer_id": timer_id})


def on_activity(place: str, **body: Any) -> Prepare:
    async def prepare(world: World) -> Ready:
        hands = await world.begin()
        activities = (await hands.get())["activities"]
        found = next(one["id"] for one in activities if place in (one["action_id"], one["step_id"], one["track_id"]))
        return Ready(hands.patient_id, {"activity_id": found}, body or None)

    return prepare


async def a_nurse(world: World) -> Ready:
    hands = await world.begin()
    return Ready(hands.patient_id, body={"care_flow_id": hands.id})


async def a_session(world: World) -> Ready:
    ready = await a_nurse(world)
    session = told(await world.orchestrator.api.post("/v1/sessions", json=ready.body), 201)
    return Ready(ready.subject_id, {"session_id": session["id"]}, {"token": session["token"]})


D = "/v1/definitions/{definition_id}"
R = f"{D}/releases/{{release_id}}"
P = "/v1/patients/{patient_id}"
C = "/v1/care-flows/{care_flow_id}"
A = "/v1/activities/{activity_id}"
VALUE = {"data_points": [{"data_point_definition_id": "number", "value": 8}]}

ROWS = [
    Row("GET /v1/audit", "", nothing),
    Row("GET /v1/identifier-systems", "", nothing),
    Row("POST /v1/identifier-systems", "identifier_system.register", a_system),
    Row("GET /v1/definition-schema", "", nothing),
    Row("GET /v1/definitions", "", nothing),
    Row("POST /v1/definitions/import", "definition.save_draft", a_draft),
    Row(f"GET {D}", "", on_definition()),
    Row(f"PUT {D}", "definition.save_draft", a_draft),
    Row(f"DELETE {D}", "definition.discard_draft", on_definition()),
    Row(f"POST {D}/validate", "", on_definition()),
    Row(f"POST {D}/publish", "definition.publish", on_definition()),
    Row(f"GET {D}/live", "", on_definition()),
    Row(f"PUT {D}/live", "definition.make_live", another_release),
    Row(f"GET {D}/diff", "", on_definition()),
    Row(f"GET {D}/constants", "", on_definition()),
    Row(f"PUT {D}/constants/{{name}}", "constant.set", a_constant),
    Row(f"DELETE {D}/constants/{{name}}", "constant.clear", a_constant),
    Row(f"GET {D}/releases", "", on_definition()),
    Row(f"GET {R}", "", on_definition()),
    Row(f"GET {R}/export", "", on_definition()),
    Row(f"GET {R}/graph", "", on_definition()),
    Row(f"GET {R}/data-points", "", on_definition()),
    Row("POST /v1/patients", "patient.create", a_new_patient),
    Row("GET /v1/patients", "patient.look", on_patient()),
    Row("POST /v1/patients/upsert", "patient.create", a_new_patient),
    Row("POST /v1/patients/by-identifier", "patient.look", a_known_identifier),
    Row("POST /v1/patients/search", "patient.look", a_known_code),
    # It names those who are gone by our own ids, and tells nothing of them.
    Row("GET /v1/patients/deleted", "", a_deleted_patient),
    Row(f"GET {P}", "patient.look", on_patient()),
    Row(f"PATCH {P}", "patient.update", on_patient(profile={"first_name": "Iris"})),
    Row(f"DELETE {P}", "patient.delete", on_patient()),
    Row(f"POST {P}/restore", "patient.restore", a_deleted_patient),
    Row(f"POST {P}/merge", "patient.merge patient.merged_away", two_patients),
    Row(f"POST {P}/identifiers", "patient.change_identifiers", on_patient(**identifier())),
    Row(f"PUT {P}/identifiers", "patient.change_identifiers", on_patient(identifiers=[identifier()])),
    Row(f"POST {P}/identifiers/remove", "patient.change_identifiers", a_patient_with_an_identifier),
    Row("POST /v1/care-flows", "care_flow.start", a_start),
    Row("GET /v1/care-flows", "care_flow.list", on_care_flow()),
    Row(f"GET {C}", "care_flow.view", on_care_flow()),
    Row(f"DELETE {C}", "care_flow.delete", on_care_flow()),
    Row(f"POST {C}/stop", "care_flow.stop", on_care_flow(body={})),
    Row(f"POST {C}/pause", "care_flow.pause", on_care_flow(body={})),
    Row(f"POST {C}/resume", "care_flow.resume", on_care_flow("/pause")),
    Row(f"GET {C}/activities", "care_flow.view", on_care_flow()),
    Row(f"GET {C}/data-points", "data_point.view", on_care_flow()),
    Row(f"POST {C}/baseline", "baseline.update", on_care_flow(body=VALUE)),
    Row(f"GET {C}/tracks", "care_flow.view", on_care_flow()),
    Row(f"POST {C}/tracks/{{track_id}}/add", "track.add", on_care_flow(body={}, track_id="extra")),
    Row(
        f"POST {C}/tracks/{{track_id}}/schedule",
        "track.schedule",
        on_care_flow(body={"at": "2099-01-01T00:00:00Z"}, track_id="extra"),
    ),
    Row(f"POST {C}/tracks/{{track_id}}/stop", "track.stop", on_care_flow("/tracks/extra/add", track_id="extra")),
    Row(f"POST {C}/scheduled-tracks/{{timer_id}}/cancel", "track.unschedule", a_scheduled_track),
    Row(f"GET {C}/timeline", "timeline.view", on_care_flow()),
    Row("GET /v1/activities", "activity.list", on_care_flow()),
    Row(f"GET {A}", "activity.view", on_activity("ask")),
    Row(f"POST {A}/submit", "activity.submit", on_activity("tell", answers={"answer": True})),
    Row(f"POST {A}/complete", "activity.complete", on_activity("ask")),
    Row(f"POST {A}/read", "activity.read", on_activity("hello")),
    Row(f"POST {A}/skip", "activity.skip", on_activity("wait")),
    Row(f"POST {A}/resume", "activity.resume", on_activity("rare")),
    Row(f"POST {A}/expire", "activity.expire", on_activity("ask")),
    Row(f"POST {A}/retry", "activity.retry", on_activity("halve")),
    Row(f"POST {A}/reassign", "activity.reassign", on_activity("ask", stakeholder_definition_ids=["nurse"])),
    Row("POST /v1/sessions", "session.start", a_nurse),
    Row("GET /v1/sessions/{session_id}", "session.view", a_session),
    Row("POST /v1/sessions/open", "session.open", a_session),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(stack: Stack, database_dsn: str, topic_prefix: str) -> AsyncIterator[World]:
    """One orchestrator for all routes, in which nothing happens by itself."""
    settings = settings_for(stack.kafka_bootstrap, database_dsn, topic_prefix)
    await app.setup(settings)
    async with running(settings, frozenset({app.API})) as orchestrator:
        await orchestrator.register_systems()
        yield World(orchestrator, *await orchestrator.publish(BY_HAND))


def test_no_route_is_forgotten() -> None:
    assert {row.route for row in ROWS} == routes()


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_a_look_at_a_patient_and_any_change_is_recorded(world: World, row: Row) -> None:
    ready = await row.prepare(world)
    last = await world.last_record()
    method, path = row.route.split()
    answer = await world.orchestrator.api.request(
        method, path.format(**ready.names), json=ready.body, params=dict(ready.query) if method == "GET" else None
    )
    assert answer.is_success, answer.text

    records = await world.records_since(last)
    assert {record["action"] for record in records} == set(row.actions.split())
    assert {record["principal_role"] for record in records} <= {"admin"}
    if row.actions:
        subject = row.actions.partition(".")[0]
        kind = subject if subject in ("definition", "constant", "identifier_system") else "patient"
        assert {record["subject_kind"] for record in records} == {kind}
        made = answer.json().get("patient", answer.json()).get("id") if not ready.subject_id else ready.subject_id
        assert made in {record["subject_id"] for record in records}
