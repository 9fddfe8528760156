"""Everything that people can do with a care flow by the API, on the real stack."""

from typing import Any

import pytest

from carewire_testing_orchestrator.by_hand import Hands, begun, told
from carewire_testing_orchestrator.calls import MRN
from carewire_testing_orchestrator.definitions import (
    checklist,
    delay,
    designed,
    message,
    point,
    starts,
    track,
    trigger,
)
from carewire_testing_orchestrator.running import Running

HALVE = {
    "id": "halve",
    "title": "Halve",
    "type": "calculation",
    "expression": "n / 2",
    "inputs": [{"name": "n", "data_point_definition_id": "dp_n"}],
    "output_data_point_definition_id": "dp_half",
}
STAKEHOLDERS = [
    {"id": "nurse", "label": "Nurse", "clinical_app_role": "Caregiver"},
    {"id": "self", "label": "Patient", "clinical_app_role": "Patient"},
]
WHOLE = designed(
    track(
        "main",
        {
            "first": [{**checklist("weigh"), "stakeholder_definition_ids": ["nurse"]}, message("hello")],
            "last": [checklist("bye")],
        },
        [("start", "first"), ("first", "day"), ("day", "last")],
        [delay("day", 1, "day", skippable=True)],
    ),
    track("sums", {"s": [HALVE]}, [("start", "s")]),
    track("extra", {"e": [checklist("more")]}, [("start", "e")]),
    track("other", {"o": [checklist("never")]}, [("start", "o")]),
    triggers=[
        starts("main"),
        starts("sums"),
        trigger("extra", type="ad_hoc"),
        trigger("other", type="track_completed", track_id="extra"),
    ],
    data_points=[point("dp_n"), point("dp_half", category="calculation")],
    stakeholders=STAKEHOLDERS,
)


def statuses(tracks: list[dict[str, Any]]) -> dict[str, Any]:
    return {one["id"]: one["status"] for one in tracks}


async def test_a_care_flow_is_paused_resumed_and_deleted(orchestrator: Running) -> None:
    hands = await begun(orchestrator, WHOLE)
    paused = await hands.post("/pause", {"reason": "On holiday"})
    assert (paused["status"], paused["pause_reason"]) == ("paused", "On holiday")
    assert (await hands.post("/pause", {}, 409))["code"] == "care_flow_paused"
    assert (await hands.do("weigh", "complete", expected=409))["code"] == "care_flow_paused"
    assert (await hands.post("/resume"))["status"] == "active"
    assert (await hands.post("/resume", expected=409))["code"] == "care_flow_not_paused"

    assert (await orchestrator.api.delete(hands.path)).status_code == 204
    events = await orchestrator.events_of(hands.id, "pathway.deleted")
    assert [one.event_type for one in events][-2:] == ["pathway.stopped", "pathway.deleted"]
    await hands.get(expected=404)
    assert (await orchestrator.api.delete(hands.path)).status_code == 404
    for table in ("activity", "data_point", "care_flow_change", "timer", "session"):
        query = f"SELECT 1 FROM {table} WHERE care_flow_id = $1"  # noqa: S608 (ours)
        assert await orchestrator.query(query, hands.id) == []


async def test_tracks_are_added_scheduled_taken_back_and_stopped(orchestrator: Running) -> None:
    hands = await begun(orchestrator, WHOLE)
    before = await hands.get("/tracks")
    assert statuses(before) == {"main": "active", "sums": "completed", "extra": None, "other": None}
    assert [one["id"] for one in before if one["ad_hoc"]] == ["extra"]
    assert (await hands.post("/tracks/other/add", {}, 409))["code"] == "track_not_ad_hoc"
    await hands.post("/tracks/nobody/add", {"any_track": True}, 404)
    assert statuses(await hands.post("/tracks/other/add", {"any_track": True}))["other"] == "active"
    assert statuses(await hands.post("/tracks/other/stop"))["other"] == "stopped"

    later = await hands.post("/tracks/extra/schedule", {"at": "2099-01-01T00:00:00Z"})
    (scheduled,) = next(one["scheduled"] for one in later if one["id"] == "extra")
    assert scheduled["at"] == "2099-01-01T00:00:00Z"
    cancelled = await hands.post(f"/scheduled-tracks/{scheduled['timer_id']}/cancel")
    assert next(one["scheduled"] for one in cancelled if one["id"] == "extra") == []
    await hands.post(f"/scheduled-tracks/{scheduled['timer_id']}/cancel", expected=409)
    at_once = await hands.post("/tracks/extra/schedule", {"at": "2020-01-01T00:00:00Z"})
    assert statuses(at_once)["extra"] == "active"


async def test_activities_are_skipped_expired_retried_and_given_to_others(orchestrator: Running) -> None:
    hands = await begun(orchestrator, WHOLE)
    assert (await hands.activity("halve"))["reason"] == "empty_value"
    await hands.post("/baseline", {"data_points": [{"data_point_definition_id": "dp_n", "value": 8}]})
    await hands.do("halve", "retry")
    assert (await hands.activity("halve"))["status"] == "done"
    latest = await hands.get("/data-points", latest=True)
    assert {one["key"]: (one["category"], one["value"]) for one in latest} == {
        "dp_n": ("pathway", 8),
        "dp_half": ("calculation", 4),
    }

    given = await hands.do("weigh", "reassign", {"stakeholder_definition_ids": ["self"]})
    assert given["activity"]["stakeholder_definition_ids"] == ["self"]
    refused = await hands.do("weigh", "reassign", {"stakeholder_definition_ids": ["nobody"]}, 422)
    assert [one["field"] for one in refused["errors"]] == ["stakeholder_definition_ids"]
    assert (await hands.do("weigh", "skip", expected=409))["code"] == "other_kind_of_activity"
    assert (await hands.do("weigh", "expire"))["activity"]["status"] == "expired"
    assert (await hands.do("day", "skip"))["activity"]["status"] == "done"
    assert (await hands.do("bye", "complete"))["care_flow_status"] == "completed"


async def test_a_baseline_is_checked_before_anything_of_it_is_taken(orchestrator: Running) -> None:
    hands = await begun(orchestrator, WHOLE)
    values: list[tuple[str, object]] = [("dp_n", "canary-5"), ("dp_half", 1), ("nobody", 2)]
    body = {"data_points": [{"data_point_definition_id": name, "value": value} for name, value in values]}
    refused = await hands.post("/baseline", body, 422)
    assert [one["field"] for one in refused["errors"]] == ["entry 2", "entry 3", "dp_n"]
    assert "canary" not in str(refused)
    taken_back = {"data_points": [{"data_point_definition_id": "dp_n", "value": None}]}
    assert (await hands.post("/baseline", taken_back, 422))["errors"][0]["field"] == "dp_n"
    assert await hands.get("/data-points") == []


async def test_every_value_is_kept_with_the_moment_that_it_came(orchestrator: Running) -> None:
    hands = await begun(orchestrator, WHOLE)
    for value in (1, 2, 3):
        await hands.post("/baseline", {"data_points": [{"data_point_definition_id": "dp_n", "value": value}]})
    history = await hands.get("/data-points", definition_id="dp_n")
    assert [one["value"] for one in history] == [1, 2, 3]
    assert [one["collected_at"] for one in history] == sorted(one["collected_at"] for one in history)
    assert [one["value"] for one in await hands.get("/data-points", latest=True)] == [3]


async def test_the_timeline_tells_every_event_with_its_number_and_cause(orchestrator: Running) -> None:
    hands = await begun(orchestrator, WHOLE)
    await hands.do("hello", "read")
    await hands.post("/pause", {})
    await hands.post("/stop", {"reason": "Moved away"})
    changes = await hands.changes()
    assert [one["what"] for one in changes] == ["care_flow.start", "activity.read", "care_flow.pause", "care_flow.stop"]
    assert {(one["cause"]["kind"], one["cause"]["name"]) for one in changes} == {("principal", "bootstrap")}
    told_of = [event for change in changes for event in change["events"]]
    events = await orchestrator.events_of(hands.id, "pathway.stopped")
    assert [one["event_type"] for one in told_of] == [one.event_type for one in events]
    assert [one["sequence"] for one in told_of] == list(range(1, len(events) + 1))
    assert (await orchestrator.api.get(f"{hands.path}/timeline", params={"cursor": "x"})).status_code == 422


async def test_work_lists_are_filtered_and_come_page_by_page(orchestrator: Running) -> None:
    await orchestrator.register_systems()
    whom = {"patient_identifier": {"system": MRN, "value": "work-list"}, "create_patient": True}
    first = await begun(orchestrator, WHOLE, **whom)
    second = await begun(orchestrator, WHOLE, **whom)

    async def listed(**query: Any) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        cursor: str | None = None
        while True:
            more = {} if cursor is None else {"cursor": cursor}
            params: Any = {"patient_id": first.patient_id, "limit": 1, **query, **more}
            page = told(await orchestrator.api.get("/v1/activities", params=params), 200)
            found += [(one["care_flow_id"], one["action_id"]) for one in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    assert await listed(status="active", stakeholder="nurse") == [(second.id, "weigh"), (first.id, "weigh")]
    assert await listed(status="active", stakeholder="patient") == [(second.id, "hello"), (first.id, "hello")]
    assert await listed(kind="calculation", status=["failed", "done"], care_flow_id=first.id) == [(first.id, "halve")]
    assert len(await listed()) == 6
    await first.do("weigh", "reassign", {"stakeholder_definition_ids": ["self"]})
    assert await listed(stakeholder="nurse") == [(second.id, "weigh")]
    assert (first.id, "weigh") in await listed(stakeholder="patient")
    assert (await orchestrator.api.get("/v1/activities", params={"cursor": "nobody"})).status_code == 422
    assert (await orchestrator.api.get("/v1/activities", params={"nothing": "1"})).status_code == 422


@pytest.mark.parametrize(
    ("guard", "code"),
    [("skip_when_active", "active_care_flow"), ("skip_when_ever_enrolled", "ever_enrolled")],
)
async def test_an_enrolment_guard_names_the_care_flow_that_is_there(
    orchestrator: Running, guard: str, code: str
) -> None:
    definition_id, _ = await orchestrator.publish(WHOLE)
    first = told(await orchestrator.api.post("/v1/care-flows", json={"definition_id": definition_id}), 201)
    body = {"definition_id": definition_id, "patient_id": first["patient_id"], "enrolment_guard": guard}
    refused = told(await orchestrator.api.post("/v1/care-flows", json=body), 409)
    assert (refused["code"], refused["care_flow_id"]) == (code, first["id"])
    await Hands(orchestrator, first).post("/stop", {})
    told(await orchestrator.api.post("/v1/care-flows", json=body), 201 if guard == "skip_when_active" else 409)
    assert (await orchestrator.api.delete(f"/v1/care-flows/{first['id']}")).status_code == 204
    if guard == "skip_when_ever_enrolled":
        told(await orchestrator.api.post("/v1/care-flows", json=body), 201)


async def test_whoever_looks_at_a_patients_data_is_written_down(orchestrator: Running) -> None:
    hands = await begun(orchestrator, WHOLE)
    await hands.get()
    await hands.get("/tracks")
    await hands.get("/timeline")
    await hands.get("/data-points")
    await hands.do("hello", "read")
    await orchestrator.api.get("/v1/activities", params={"patient_id": hands.patient_id})
    await orchestrator.api.get("/v1/care-flows", params={"patient_id": hands.patient_id})
    await hands.post("/stop", {})
    query: Any = {"subject_kind": "patient", "subject_id": hands.patient_id, "limit": 200}
    records = told(await orchestrator.api.get("/v1/audit", params=query), 200)["items"]
    assert [one["action"] for one in reversed(records)] == [
        "care_flow.start",
        "care_flow.view",
        "care_flow.view",
        "timeline.view",
        "data_point.view",
        "care_flow.view",
        "activity.read",
        "activity.list",
        "care_flow.list",
        "care_flow.stop",
    ]


async def test_the_same_call_under_a_key_is_done_once(orchestrator: Running) -> None:
    hands = await begun(orchestrator, WHOLE)
    headers = {"idempotency-key": f"add-{hands.id}"}
    calls = [await orchestrator.api.post(f"{hands.path}/tracks/extra/add", json={}, headers=headers) for _ in range(2)]
    assert [one.status_code for one in calls] == [200, 200]
    assert calls[0].json() == calls[1].json()
    assert [one["what"] for one in await hands.changes()] == ["care_flow.start", "track.add"]
