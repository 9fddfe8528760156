"""What nobody should send and somebody does: a mistake of the caller is never told as a fault of ours."""

from typing import Any
from urllib.parse import quote

import httpx
import pytest

from carewire_runtime.ids import new_id
from carewire_testing_orchestrator.calls import MRN
from carewire_testing_orchestrator.definitions import HIP
from carewire_testing_orchestrator.running import Running

STRANGE_WORDS = {
    "a NUL": "a\0b",
    "quotes": "' OR '1'='1",
    "another script": "\u0e01\U0001f600",
    "a long word": "x" * 2000,
    "a word of the database": "null",
}
ADDRESSED: list[tuple[str, str, Any]] = [
    ("GET", "/v1/definitions/{}", None),
    ("POST", "/v1/definitions/{}/validate", None),
    ("POST", "/v1/definitions/{}/publish", None),
    ("GET", "/v1/definitions/{}/live", None),
    ("PUT", "/v1/definitions/{}/live", {"release_id": "r"}),
    ("DELETE", "/v1/definitions/{}", None),
    ("GET", "/v1/definitions/{}/releases", None),
    ("GET", "/v1/definitions/x/releases/{}", None),
    ("GET", "/v1/definitions/x/releases/{}/export", None),
    ("GET", "/v1/definitions/x/releases/{}/graph", None),
    ("GET", "/v1/definitions/x/releases/{}/data-points", None),
    ("GET", "/v1/definitions/{}/diff", None),
    ("GET", "/v1/definitions/{}/constants", None),
    ("PUT", "/v1/definitions/{}/constants/KEY", {"value": "v"}),
    ("DELETE", "/v1/definitions/{}/constants/KEY", None),
    ("GET", "/v1/patients/{}", None),
    ("PATCH", "/v1/patients/{}", {"profile": {}}),
    ("DELETE", "/v1/patients/{}", None),
    ("POST", "/v1/patients/{}/restore", None),
    ("POST", "/v1/patients/{}/merge", {"patient_id": "another"}),
    ("PUT", "/v1/patients/{}/identifiers", {"identifiers": []}),
    ("POST", "/v1/patients/{}/identifiers/remove", {"system": MRN, "value": "1"}),
    ("GET", "/v1/care-flows/{}", None),
    ("POST", "/v1/care-flows/{}/stop", {}),
    ("GET", "/v1/care-flows/{}/activities", None),
    ("GET", "/v1/care-flows/{}/data-points", None),
    ("GET", "/v1/activities/{}", None),
    ("POST", "/v1/activities/{}/submit", {"answers": {}}),
    ("POST", "/v1/activities/{}/complete", None),
    ("POST", "/v1/activities/{}/read", None),
]
BASELINE = [{"data_point_definition_id": "dp_surgery", "value": "2026-03-01"}]


def told(answer: httpx.Response) -> tuple[int, str]:
    """The status, with the body for whoever reads the failure."""
    return answer.status_code, "" if answer.status_code < 500 else answer.text


async def test_an_address_of_nobody_is_not_found_however_strange(orchestrator: Running) -> None:
    for method, path, body in ADDRESSED:
        for name, word in STRANGE_WORDS.items():
            answer = await orchestrator.api.request(method, path.format(quote(word, safe="")), json=body)
            # No id holds a NUL, and Postgres takes no text that does.
            assert told(answer) == (422 if "\0" in word else 404, ""), (method, path, name)
            assert answer.headers["content-type"] == "application/problem+json"
            assert word not in answer.text or name == "a word of the database"


async def test_a_strange_cursor_or_patient_is_a_page_and_no_fault(orchestrator: Running) -> None:
    started = await start(orchestrator)
    lists = [
        ("/v1/identifier-systems", "cursor"),
        ("/v1/definitions", "cursor"),
        ("/v1/patients", "cursor"),
        ("/v1/patients/deleted", "cursor"),
        ("/v1/care-flows", "cursor"),
        ("/v1/care-flows", "patient_id"),
        (f"/v1/care-flows/{started['id']}/activities", "cursor"),
    ]
    for path, name in lists:
        for word in STRANGE_WORDS.values():
            assert (await orchestrator.api.get(path, params={name: word})).status_code in (200, 422), (path, word)


async def test_a_cursor_that_ended_no_page_of_activities_names_its_field_and_does_not_begin_anew(
    orchestrator: Running,
) -> None:
    started, other = await start(orchestrator), await start(orchestrator)
    path = f"/v1/care-flows/{started['id']}/activities"
    for cursor in (new_id(), other["activities"][0]["id"], "a word", ""):
        answer = await orchestrator.api.get(path, params={"cursor": cursor})
        assert answer.status_code == 422, cursor
        assert [error["field"] for error in answer.json()["errors"]] == ["cursor"]
        assert answer.headers["content-type"] == "application/problem+json"
        assert not cursor or cursor not in answer.text


async def start(orchestrator: Running, **changes: Any) -> dict[str, Any]:
    definition_id, _ = await orchestrator.publish()
    body = {"definition_id": definition_id, "data_points": BASELINE, **changes}
    answer = await orchestrator.api.post("/v1/care-flows", json=body)
    assert answer.status_code == 201, answer.text
    started: dict[str, Any] = answer.json()
    return started


@pytest.mark.parametrize("name", STRANGE_WORDS)
async def test_strange_words_inside_a_body_are_kept_or_refused(orchestrator: Running, name: str) -> None:
    await orchestrator.register_systems()
    definition_id, _ = await orchestrator.publish()
    word = STRANGE_WORDS[name]
    begin = {"definition_id": definition_id, "data_points": BASELINE}
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/v1/care-flows", {**begin, "definition_id": word}),
        ("POST", "/v1/care-flows", {**begin, "release_id": word}),
        ("POST", "/v1/care-flows", {**begin, "patient_id": word}),
        ("POST", "/v1/care-flows", {**begin, "patient_identifier": {"system": word, "value": "1"}}),
        ("POST", "/v1/care-flows", {**begin, "patient_identifier": {"system": MRN, "value": word}}),
        ("POST", "/v1/care-flows", {**begin, "data_points": [{"data_point_definition_id": word, "value": word}]}),
        ("POST", "/v1/patients/by-identifier", {"system": word, "value": "1"}),
        ("POST", "/v1/patients/by-identifier", {"system": MRN, "value": word}),
        ("POST", "/v1/patients", {"identifiers": [{"system": MRN, "value": word}]}),
        ("POST", "/v1/patients", {"profile": {"last_name": word, "address": {"city": word}}}),
        ("POST", "/v1/patients/upsert", {"identifiers": [{"system": word, "value": word}]}),
        ("POST", "/v1/patients/search", {"patient_code": word}),
        ("POST", "/v1/patients/search", {"last_name": word, "birth_date": "1961-07-04"}),
        ("POST", "/v1/patients/x/merge", {"patient_id": word}),
        ("POST", "/v1/identifier-systems", {"system": f"https://{word}", "name": new_id(), "display_name": "x"}),
        ("POST", "/v1/identifier-systems", {"system": f"https://{new_id()}", "name": word, "display_name": word}),
        ("PUT", f"/v1/definitions/{definition_id}", {**HIP, "id": definition_id, "title": word}),
        ("PUT", f"/v1/definitions/{definition_id}", {**HIP, "id": definition_id, "documentation": word}),
    ]
    for method, path, body in calls:
        answer = await orchestrator.api.request(method, path, json=body)
        assert told(answer)[0] < 500, (method, path, answer.text)


@pytest.mark.parametrize("name", STRANGE_WORDS)
async def test_a_strange_reason_stops_all_the_same_or_is_refused(orchestrator: Running, name: str) -> None:
    started = await start(orchestrator)
    path = f"/v1/care-flows/{started['id']}"
    answer = await orchestrator.api.post(f"{path}/stop", json={"reason": STRANGE_WORDS[name]})
    assert answer.status_code in (200, 422), answer.text
    status = (await orchestrator.api.get(path)).json()["status"]
    assert status == ("stopped" if answer.status_code == 200 else "active")


async def test_a_value_that_is_given_twice_is_refused_and_not_guessed(orchestrator: Running) -> None:
    definition_id, _ = await orchestrator.publish()
    twice = [*BASELINE, {"data_point_definition_id": "dp_surgery", "value": "2026-03-02"}]
    answer = await orchestrator.api.post("/v1/care-flows", json={"definition_id": definition_id, "data_points": twice})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["data_points.1"]


async def test_pages_of_care_flows_and_activities_hold_each_once_whatever_their_size(orchestrator: Running) -> None:
    flows = [await start(orchestrator) for _ in range(3)]
    patient = flows[0]["patient_id"]
    flows += [await start(orchestrator, patient_id=patient) for _ in range(2)]
    mine = [flow["id"] for flow in (flows[4], flows[3], flows[0])]
    activities = [activity["id"] for activity in flows[0]["activities"]]
    for limit in (1, 2, 3, 100):
        assert await listed(orchestrator, "/v1/care-flows", patient_id=patient, limit=limit) == mine
        everybody = await listed(orchestrator, "/v1/care-flows", limit=limit)
        assert everybody == sorted(everybody, reverse=True), "newest first"
        assert {flow["id"] for flow in flows} <= set(everybody)
        path = f"/v1/care-flows/{flows[0]['id']}/activities"
        assert await listed(orchestrator, path, limit=limit) == activities
        assert await listed(orchestrator, path, limit=limit, status="active") == activities
        assert await listed(orchestrator, path, limit=limit, status="done") == []


async def listed(orchestrator: Running, path: str, **query: Any) -> list[str]:
    """The ids of all pages of a list, up to the last."""
    ids: list[str] = []
    cursor: str | None = None
    while cursor is not None or not ids:
        page = (await orchestrator.api.get(path, params={**query, **({"cursor": cursor} if cursor else {})})).json()
        assert len(page["items"]) <= query["limit"]
        ids += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(set(ids)) == len(ids)
    return ids
