"""Who may call which route, and what every route says to a malformed call: nothing that was sent.

The app is the real one, put together as `serve` does it, with Postgres away: what passes the gate ends at 503.
"""

from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from carewire_runtime.auth import Role
from carewire_testing_orchestrator.calls import MRN
from carewire_testing_orchestrator.definitions import HIP
from carewire_testing_orchestrator.whole_api import routes, whole_api

CANARY = "canary-7f3a9"


@dataclass(frozen=True)
class Route:
    """A route with the least role that it takes, and a call that it understands."""

    method: str
    path: str
    role: Role
    body: Any = None
    needs_postgres: bool = True

    @property
    def url(self) -> str:
        return self.path.replace("{", "").replace("}", "").replace("definition_id", HIP["id"])

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


SYSTEM = {"system": MRN, "name": "mrn", "display_name": "MRN"}
IDENTIFIER = {"system": MRN, "value": "1"}
VALUE = {"data_point_definition_id": "d", "value": 1}
MOMENT = "2026-03-02T08:15:30Z"

ROUTES = [
    Route("GET", "/v1/identifier-systems", Role.VIEWER),
    Route("POST", "/v1/identifier-systems", Role.ADMIN, SYSTEM),
    Route("GET", "/v1/definitions", Role.VIEWER),
    Route("GET", "/v1/definitions/{definition_id}", Role.VIEWER),
    Route("PUT", "/v1/definitions/{definition_id}", Role.ADMIN, HIP),
    Route("POST", "/v1/definitions/{definition_id}/validate", Role.VIEWER),
    Route("POST", "/v1/definitions/{definition_id}/publish", Role.ADMIN),
    Route("GET", "/v1/definitions/{definition_id}/live", Role.VIEWER),
    Route("PUT", "/v1/definitions/{definition_id}/live", Role.ADMIN, {"release_id": "r"}),
    Route("DELETE", "/v1/definitions/{definition_id}", Role.ADMIN),
    Route("GET", "/v1/definitions/{definition_id}/constants", Role.VIEWER),
    Route("PUT", "/v1/definitions/{definition_id}/constants/{name}", Role.ADMIN, {"value": "v"}),
    Route("DELETE", "/v1/definitions/{definition_id}/constants/{name}", Role.ADMIN),
    Route("POST", "/v1/definitions/import", Role.ADMIN, HIP),
    Route("GET", "/v1/definitions/{definition_id}/releases", Role.VIEWER),
    Route("GET", "/v1/definitions/{definition_id}/releases/{release_id}", Role.VIEWER),
    Route("GET", "/v1/definitions/{definition_id}/releases/{release_id}/export", Role.VIEWER),
    Route("GET", "/v1/definitions/{definition_id}/releases/{release_id}/graph", Role.VIEWER),
    Route("GET", "/v1/definitions/{definition_id}/releases/{release_id}/data-points", Role.VIEWER),
    Route("GET", "/v1/definitions/{definition_id}/diff", Role.VIEWER),
    Route("GET", "/v1/definition-schema", Role.VIEWER, needs_postgres=False),
    Route("POST", "/v1/patients", Role.OPERATOR, {"profile": {"first_name": "Iris"}}),
    Route("GET", "/v1/patients", Role.VIEWER),
    Route("POST", "/v1/patients/upsert", Role.OPERATOR, {"identifiers": [IDENTIFIER]}),
    Route("POST", "/v1/patients/by-identifier", Role.OPERATOR, IDENTIFIER),
    Route("POST", "/v1/patients/search", Role.OPERATOR, {"patient_code": "1"}),
    Route("GET", "/v1/patients/deleted", Role.ADMIN),
    Route("GET", "/v1/patients/{patient_id}", Role.VIEWER),
    Route("PATCH", "/v1/patients/{patient_id}", Role.OPERATOR, {"profile": {"first_name": None}}),
    Route("DELETE", "/v1/patients/{patient_id}", Role.ADMIN),
    Route("POST", "/v1/patients/{patient_id}/restore", Role.ADMIN),
    Route("POST", "/v1/patients/{patient_id}/merge", Role.ADMIN, {"patient_id": "another"}),
    Route("POST", "/v1/patients/{patient_id}/identifiers", Role.OPERATOR, IDENTIFIER),
    Route("PUT", "/v1/patients/{patient_id}/identifiers", Role.OPERATOR, {"identifiers": [IDENTIFIER]}),
    Route("POST", "/v1/patients/{patient_id}/identifiers/remove", Role.OPERATOR, IDENTIFIER),
    Route("GET", "/v1/audit", Role.ADMIN),
    Route("POST", "/v1/care-flows", Role.OPERATOR, {"definition_id": "d"}),
    Route("GET", "/v1/care-flows", Role.VIEWER),
    Route("GET", "/v1/care-flows/{care_flow_id}", Role.VIEWER),
    Route("DELETE", "/v1/care-flows/{care_flow_id}", Role.OPERATOR),
    Route("POST", "/v1/care-flows/{care_flow_id}/stop", Role.OPERATOR, {}),
    Route("POST", "/v1/care-flows/{care_flow_id}/pause", Role.OPERATOR, {}),
    Route("POST", "/v1/care-flows/{care_flow_id}/resume", Role.OPERATOR),
    Route("GET", "/v1/care-flows/{care_flow_id}/activities", Role.VIEWER),
    Route("GET", "/v1/care-flows/{care_flow_id}/data-points", Role.OPERATOR),
    Route("POST", "/v1/care-flows/{care_flow_id}/baseline", Role.OPERATOR, {"data_points": [VALUE]}),
    Route("GET", "/v1/care-flows/{care_flow_id}/tracks", Role.VIEWER),
    Route("POST", "/v1/care-flows/{care_flow_id}/tracks/{track_id}/add", Role.OPERATOR, {}),
    Route("POST", "/v1/care-flows/{care_flow_id}/tracks/{track_id}/schedule", Role.OPERATOR, {"at": MOMENT}),
    Route("POST", "/v1/care-flows/{care_flow_id}/tracks/{track_id}/stop", Role.OPERATOR),
    Route("POST", "/v1/care-flows/{care_flow_id}/scheduled-tracks/{timer_id}/cancel", Role.OPERATOR),
    Route("GET", "/v1/care-flows/{care_flow_id}/timeline", Role.VIEWER),
    Route("GET", "/v1/activities", Role.VIEWER),
    Route("GET", "/v1/activities/{activity_id}", Role.VIEWER),
    Route("POST", "/v1/activities/{activity_id}/submit", Role.OPERATOR, {"answers": {}}),
    Route("POST", "/v1/activities/{activity_id}/complete", Role.OPERATOR),
    Route("POST", "/v1/activities/{activity_id}/read", Role.OPERATOR),
    Route("POST", "/v1/activities/{activity_id}/skip", Role.OPERATOR),
    Route("POST", "/v1/activities/{activity_id}/resume", Role.OPERATOR),
    Route("POST", "/v1/activities/{activity_id}/expire", Role.OPERATOR),
    Route("POST", "/v1/activities/{activity_id}/retry", Role.OPERATOR),
    Route("POST", "/v1/activities/{activity_id}/reassign", Role.OPERATOR, {"stakeholder_definition_ids": []}),
    Route("POST", "/v1/sessions", Role.OPERATOR, {"care_flow_id": "c"}),
    Route("GET", "/v1/sessions/{session_id}", Role.VIEWER),
    Route("POST", "/v1/sessions/open", Role.OPERATOR, {"token": "t"}),
]
LISTS = [
    "/v1/identifier-systems",
    "/v1/definitions",
    "/v1/definitions/x/releases",
    "/v1/care-flows",
    "/v1/care-flows/x/activities",
    "/v1/care-flows/x/timeline",
    "/v1/activities",
    "/v1/patients",
]


@pytest.fixture
async def api() -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(whole_api()), base_url="http://test")


def as_(role: str) -> dict[str, str]:
    return {"authorization": f"Bearer {role}"}


def errors(answer: httpx.Response) -> dict[str, str]:
    return {error["field"]: error["message"] for error in answer.json()["errors"]}


def test_every_route_and_its_role_are_pinned_here() -> None:
    assert routes() == {str(route) for route in ROUTES}


@pytest.mark.parametrize("route", ROUTES, ids=str)
async def test_a_route_lets_pass_its_role_and_those_above(api: httpx.AsyncClient, route: Route) -> None:
    for role in Role:
        answer = await api.request(route.method, route.url, json=route.body, headers=as_(role))
        passed = 503 if route.needs_postgres else 200
        assert answer.status_code == (passed if role.rank >= route.role.rank else 403), role
        if answer.is_success:
            continue
        assert answer.headers["content-type"] == "application/problem+json"
        if answer.status_code == 503:
            assert int(answer.headers["retry-after"]) >= 1, "a caller hears when to try again"
        else:
            assert route.role in answer.json()["detail"], "a caller hears which role it takes"


@pytest.mark.parametrize(
    "headers",
    [{}, {"authorization": "Bearer "}, {"authorization": f"Basic {CANARY}"}, {"authorization": f"Bearer {CANARY}"}],
    ids=["none", "empty", "another scheme", "unknown"],
)
@pytest.mark.parametrize("route", ROUTES, ids=str)
async def test_a_route_is_closed_without_a_key(api: httpx.AsyncClient, route: Route, headers: dict[str, str]) -> None:
    answer = await api.request(route.method, route.url, json=route.body, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert CANARY not in answer.text


@pytest.mark.parametrize("route", [route for route in ROUTES if route.body is not None], ids=str)
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'"canary-7f3a9"', b"7", b"null"])
async def test_a_body_of_another_form_is_refused_without_repeating_it(
    api: httpx.AsyncClient, route: Route, content: bytes
) -> None:
    headers = {**as_("admin"), "content-type": "application/json"}
    answer = await api.request(route.method, route.url, content=content, headers=headers)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"]
    assert CANARY not in answer.text


@pytest.mark.parametrize("route", [route for route in ROUTES if route.body is not None], ids=str)
async def test_a_body_that_is_no_text_is_a_bad_request(api: httpx.AsyncClient, route: Route) -> None:
    headers = {**as_("admin"), "content-type": "application/json"}
    answer = await api.request(route.method, route.url, content=b"\xff", headers=headers)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"


WRONG_BODIES: dict[str, tuple[str, str, Any, set[str]]] = {
    "an identifier system": (
        "POST",
        "/v1/identifier-systems",
        {"system": f"{CANARY} x", "name": "", "display_name": CANARY * 100, "placeholder_pattern": f"({CANARY}"},
        {"system", "name", "display_name", "placeholder_pattern"},
    ),
    "an identifier system without anything": (
        "POST",
        "/v1/identifier-systems",
        {},
        {"system", "name", "display_name"},
    ),
    "an identifier": ("POST", "/v1/patients/by-identifier", {"system": "", "value": [CANARY]}, {"system", "value"}),
    "a new patient": (
        "POST",
        "/v1/patients",
        {
            "identifiers": [{"system": MRN, "value": CANARY * 100}],
            "profile": {"first_name": [CANARY], "address": {"city": {CANARY: 1}, CANARY: CANARY}},
            CANARY: CANARY,
        },
        {
            "identifiers.0.value",
            "profile.first_name",
            "profile.address.city",
            "profile.address.(entry 2)",
            "(entry 3)",
        },
    ),
    "a new patient with impossible values": (
        "POST",
        "/v1/patients",
        {
            "profile": {
                "email": CANARY,
                "sex": CANARY,
                "birth_date": CANARY,
                "phone": CANARY,
                "mobile_phone": CANARY,
                "preferred_language": f"{CANARY} x",
                "patient_timezone": CANARY,
                "last_name": CANARY * 30,
                "address": {"city": f"{CANARY}\u202e"},
            }
        },
        {
            "profile.email",
            "profile.sex",
            "profile.birth_date",
            "profile.phone",
            "profile.mobile_phone",
            "profile.preferred_language",
            "profile.patient_timezone",
            "profile.last_name",
            "profile.address.city",
        },
    ),
    "an upsert of nobody": ("POST", "/v1/patients/upsert", {"identifiers": []}, {"identifiers"}),
    "a change of nothing": ("PATCH", "/v1/patients/x", {CANARY: CANARY}, {"profile", "(entry 1)"}),
    "a merge": ("POST", "/v1/patients/x/merge", {"patient_id": [CANARY]}, {"patient_id"}),
    "a search by half a key": ("POST", "/v1/patients/search", {"last_name": CANARY}, {""}),
    "a search by a date that is none": (
        "POST",
        "/v1/patients/search",
        {"last_name": CANARY, "birth_date": CANARY},
        {"birth_date"},
    ),
    "a start": (
        "POST",
        "/v1/care-flows",
        {
            "definition_id": 7,
            "release_id": [CANARY],
            "patient_identifier": {"system": CANARY},
            "create_patient": CANARY,
            "data_points": [{"value": CANARY}, CANARY],
        },
        {
            "definition_id",
            "release_id",
            "patient_identifier.value",
            "create_patient",
            "data_points.0.data_point_definition_id",
            "data_points.1",
        },
    ),
    "a start with values given twice": (
        "POST",
        "/v1/care-flows",
        {
            "definition_id": "d",
            "data_points": [{"data_point_definition_id": name, "value": CANARY} for name in ("x", "y", "x", "x")],
        },
        {"data_points.2", "data_points.3"},
    ),
    "a start with too many values": (
        "POST",
        "/v1/care-flows",
        {"definition_id": "d", "data_points": [{"data_point_definition_id": "x", "value": CANARY}] * 1001},
        {"data_points"},
    ),
    "a stop": ("POST", "/v1/care-flows/x/stop", {"reason": CANARY * 1000}, {"reason"}),
    "answers": ("POST", "/v1/activities/x/submit", {"answers": [CANARY]}, {"answers"}),
    "too many answers": (
        "POST",
        "/v1/activities/x/submit",
        {"answers": {f"{CANARY}-{number}": 1 for number in range(1001)}},
        {"answers"},
    ),
    "a definition": (
        "PUT",
        "/v1/definitions/x",
        {
            "id": f"{CANARY} b",
            "title": "",
            "tracks": CANARY,
            "triggers": [*HIP["triggers"], {"id": "t", "target_id": "y", "settings": {}}],
        },
        {"id", "title", "tracks", "triggers.1.settings.type"},
    ),
}


@pytest.mark.parametrize("name", WRONG_BODIES)
async def test_everything_wrong_with_a_body_is_told_at_once_and_no_value_of_it(
    api: httpx.AsyncClient, name: str
) -> None:
    method, path, body, fields = WRONG_BODIES[name]
    answer = await api.request(method, path, json=body, headers=as_("admin"))
    assert answer.status_code == 422
    assert set(errors(answer)) == fields
    assert CANARY not in answer.text


async def test_a_patient_is_named_in_one_way(api: httpx.AsyncClient) -> None:
    body = {"definition_id": "d", "patient_id": CANARY, "patient_identifier": IDENTIFIER}
    answer = await api.post("/v1/care-flows", json=body, headers=as_("operator"))
    assert answer.status_code == 422
    assert "not both" in str(answer.json()["errors"])
    assert CANARY not in answer.text


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ({"limit": 0}, {"limit"}),
        ({"limit": 101}, {"limit"}),
        ({"limit": CANARY}, {"limit"}),
        ({"cursor": CANARY * 200}, {"cursor"}),
        ({"limit": -1, "cursor": CANARY * 200}, {"limit", "cursor"}),
    ],
)
async def test_a_page_has_1_to_100_items_and_a_short_cursor(
    api: httpx.AsyncClient, path: str, query: dict[str, Any], wrong: set[str]
) -> None:
    answer = await api.get(path, params=query, headers=as_("viewer"))
    assert answer.status_code == 422
    assert set(errors(answer)) == wrong
    assert CANARY not in answer.text


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("limit", [1, 100])
async def test_the_bounds_of_a_page_are_included(api: httpx.AsyncClient, path: str, limit: int) -> None:
    assert (await api.get(path, params={"limit": limit}, headers=as_("viewer"))).status_code == 503


async def test_activities_are_asked_for_by_known_statuses_alone(api: httpx.AsyncClient) -> None:
    answer = await api.get("/v1/care-flows/x/activities", params={"status": CANARY}, headers=as_("viewer"))
    assert answer.status_code == 422
    assert CANARY not in answer.text


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/nothing", f"/v1/{CANARY}"])
async def test_what_is_no_route_is_a_problem_too(api: httpx.AsyncClient, path: str) -> None:
    answer = await api.get(path, headers=as_("admin"))
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert CANARY not in answer.text


@pytest.mark.parametrize("path", sorted({route.url for route in ROUTES}))
async def test_a_method_that_a_route_does_not_have_is_told_with_those_that_it_has(
    api: httpx.AsyncClient, path: str
) -> None:
    answer = await api.request("TRACE", path, headers=as_("admin"))
    assert answer.status_code == 405
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["allow"]
