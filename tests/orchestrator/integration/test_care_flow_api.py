"""What people do with care flows by the API, up to `pathway.completed` and `pathway.stopped`."""

from typing import Any

import httpx

from carewire_testing_orchestrator.calls import MRN, accepted, mrn
from carewire_testing_orchestrator.running import Running

BASELINE = [
    {"data_point_definition_id": "dp_surgery", "value": "2026-03-01"},
    {"data_point_definition_id": "dp_age", "value": "64"},
]


async def start(orchestrator: Running, **changes: Any) -> dict[str, Any]:
    definition_id, _ = await orchestrator.publish()
    body = {"definition_id": definition_id, "data_points": BASELINE, **changes}
    answer = await orchestrator.api.post("/v1/care-flows", json=body)
    assert answer.status_code == 201, answer.text
    started: dict[str, Any] = answer.json()
    return started


def activity(care_flow: dict[str, Any], action_id: str) -> str:
    return next(str(one["id"]) for one in care_flow["activities"] if one["action_id"] == action_id)


def errors(answer: httpx.Response) -> dict[str, str]:
    return {error["field"]: error["message"] for error in answer.json()["errors"]}


async def test_a_submitted_form_leads_to_the_completion_of_the_care_flow(orchestrator: Running) -> None:
    care_flow = await start(orchestrator)
    submitted = await orchestrator.api.post(
        f"/v1/activities/{activity(care_flow, 'act_pain')}/submit",
        json={"answers": {"pain_today": 8, "q_note": "It hurts"}},
        headers={"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
    )
    assert submitted.status_code == 200, submitted.text
    assert submitted.json()["activity"]["status"] == "done"
    assert submitted.json()["care_flow_status"] == "active"

    details = (await orchestrator.api.get(f"/v1/care-flows/{care_flow['id']}")).json()
    completed = await orchestrator.api.post(f"/v1/activities/{activity(details, 'act_call')}/complete")
    assert completed.json()["care_flow_status"] == "completed"

    events = await orchestrator.events_of(care_flow["id"], "pathway.completed")
    assert [one.event_type for one in events][6:] == [
        "form.submitted",
        "data_point.collected",
        "data_point.collected",
        "activity.completed",
        "activity.created",
        "activity.completed",
        "track.completed",
        "activity.expired",
        "pathway.completed",
    ]
    form = events[6]
    assert "0af7651916cd43dd8448eb211c80319c" in form.headers["traceparent"]
    assert [answer["value"] for answer in form.value["response"]] == [8, "It hurts"]
    assert [one.value["data_point"]["definition_key"] for one in events[7:9]] == [
        "pain.pain_today",
        "pain.note",
    ]


async def test_a_care_flow_that_a_webhook_started_goes_on_by_the_api(orchestrator: Running) -> None:
    request = accepted(*await orchestrator.publish(), identifiers=(mrn("by-webhook"),))
    await orchestrator.accept([request])
    ended = (await orchestrator.final_statuses([request]))[request.request_id]
    path = f"/v1/care-flows/{ended['care_flow_id']}"
    found = await orchestrator.api.get(f"{path}/activities", params={"status": "active"})
    form = next(one for one in found.json()["items"] if one["kind"] == "form")
    await orchestrator.api.post(f"/v1/activities/{form['id']}/submit", json={"answers": {"pain_today": 1}})
    events = await orchestrator.events_of(ended["care_flow_id"], "pathway.completed")
    assert events[-1].value["pathway"]["patient_identifiers"] == [{"system": MRN, "value": "by-webhook"}]


async def test_a_stopped_care_flow_cancels_what_is_open(orchestrator: Running) -> None:
    care_flow = await start(orchestrator)
    stopped = await orchestrator.api.post(f"/v1/care-flows/{care_flow['id']}/stop", json={"reason": "Moved away"})
    assert (stopped.json()["status"], stopped.json()["stop_reason"]) == ("stopped", "Moved away")
    assert {one["status"] for one in stopped.json()["activities"]} == {"canceled"}
    events = await orchestrator.events_of(care_flow["id"], "pathway.stopped")
    assert [one.event_type for one in events][6:] == [
        "activity.updated",
        "activity.updated",
        "track.stopped",
        "pathway.stopped",
    ]
    again = await orchestrator.api.post(f"/v1/care-flows/{care_flow['id']}/stop", json={})
    assert (again.status_code, again.json()["code"]) == (409, "care_flow_ended")


async def test_wrong_answers_are_told_all_at_once_and_change_nothing(orchestrator: Running) -> None:
    care_flow = await start(orchestrator)
    form = activity(care_flow, "act_pain")
    answer = await orchestrator.api.post(
        f"/v1/activities/{form}/submit", json={"answers": {"q_note": 5, "intro": "x", "secret-9": 1}}
    )
    assert answer.status_code == 422
    assert set(errors(answer)) == {"q_note", "intro", "entry 3", "pain_today"}
    assert (await orchestrator.api.get(f"/v1/activities/{form}")).json()["status"] == "active"


async def test_an_activity_is_done_once_and_in_its_own_way(orchestrator: Running) -> None:
    care_flow = await start(orchestrator)
    message, form = activity(care_flow, "act_hello"), activity(care_flow, "act_pain")
    assert (await orchestrator.api.post(f"/v1/activities/{message}/read")).status_code == 200
    again = await orchestrator.api.post(f"/v1/activities/{message}/read")
    assert (again.status_code, again.json()["code"]) == (409, "activity_ended")
    other = await orchestrator.api.post(f"/v1/activities/{form}/complete")
    assert (other.status_code, other.json()["code"]) == (409, "other_kind_of_activity")
    assert (await orchestrator.api.post("/v1/activities/nobody/read")).status_code == 404


async def test_a_wrong_baseline_is_told_all_at_once_without_any_value(orchestrator: Running) -> None:
    definition_id, _ = await orchestrator.publish()
    points = {"dp_age": "canary-77", "dp_side": "canary-78", "nobody": 1}
    body = [{"data_point_definition_id": key, "value": value} for key, value in points.items()]
    answer = await orchestrator.api.post("/v1/care-flows", json={"definition_id": definition_id, "data_points": body})
    assert answer.status_code == 422
    assert set(errors(answer)) == {"dp_surgery", "dp_age", "dp_side", "entry 3"}
    assert "canary" not in answer.text


async def test_a_patient_is_found_or_made_by_identifier(orchestrator: Running) -> None:
    await orchestrator.register_systems()
    whom = {"patient_identifier": {"system": MRN, "value": " api-1 "}}
    definition_id, _ = await orchestrator.publish()
    body = {"definition_id": definition_id, "data_points": BASELINE, **whom}
    assert (await orchestrator.api.post("/v1/care-flows", json=body)).status_code == 404
    first = await start(orchestrator, **whom, create_patient=True)
    second = await start(orchestrator, patient_identifier={"system": MRN, "value": "api-1"})
    third = await start(orchestrator, patient_id=first["patient_id"])
    assert first["patient_id"] == second["patient_id"] == third["patient_id"]

    found = await orchestrator.api.post("/v1/patients/by-identifier", json={"system": MRN, "value": "api-1"})
    assert found.json()["id"] == first["patient_id"]
    assert found.json()["identifiers"] == [{"system": MRN, "value": "api-1"}]
    page = await orchestrator.api.get("/v1/care-flows", params={"patient_id": first["patient_id"], "limit": 2})
    assert [one["id"] for one in page.json()["items"]] == [third["id"], second["id"]]
    rest = await orchestrator.api.get(
        "/v1/care-flows",
        params={"patient_id": first["patient_id"], "limit": 2, "cursor": page.json()["next_cursor"]},
    )
    assert [one["id"] for one in rest.json()["items"]] == [first["id"]]
    assert rest.json()["next_cursor"] is None


async def test_identifiers_that_identify_nobody_are_refused(orchestrator: Running) -> None:
    await orchestrator.register_systems()
    definition_id, _ = await orchestrator.publish()
    for system, value, field in (
        (MRN, "  ", "value"),
        (MRN, "Unknown", "value"),
        ("https://elsewhere.example/id", "1", "system"),
    ):
        body = {
            "definition_id": definition_id,
            "data_points": BASELINE,
            "create_patient": True,
            "patient_identifier": {"system": system, "value": value},
        }
        answer = await orchestrator.api.post("/v1/care-flows", json=body)
        assert answer.status_code == 422
        assert set(errors(answer)) == {f"patient_identifier.{field}"}


async def test_collected_values_are_kept_in_order(orchestrator: Running) -> None:
    care_flow = await start(orchestrator)
    found = (await orchestrator.api.get(f"/v1/care-flows/{care_flow['id']}/data-points")).json()
    assert {one["definition_id"]: one["value"] for one in found} == {
        "dp_surgery": "2026-03-01T00:00:00.000Z",
        "dp_age": 64,
    }


async def test_what_is_not_there_is_404(orchestrator: Running) -> None:
    definition_id, _ = await orchestrator.publish()
    for path in ("/v1/care-flows/x", "/v1/patients/x", "/v1/activities/x", "/v1/definitions/x"):
        answer = await orchestrator.api.get(path)
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
    for body in (
        {"definition_id": "nobody"},
        {"definition_id": definition_id, "release_id": "nobody"},
        {"definition_id": definition_id, "patient_id": "nobody"},
    ):
        assert (await orchestrator.api.post("/v1/care-flows", json=body)).status_code == 404
