"""Who may call which route. The app is the real one, put together as `serve` does it, with Postgres away."""

import httpx
import pytest

from carewire_runtime.auth import Role
from carewire_testing_dispatcher.whole_api import routes, whole_api

ID = "00000000-0000-7000-8000-000000000000"
E = "/v1/endpoints/{endpoint_id}"
F = "/v1/care-flows/{care_flow_id}"
D = "/v1/deliveries/{delivery_id}"

ROLES = {
    "GET /v1/audit": Role.ADMIN,
    "GET /v1/endpoints": Role.VIEWER,
    "POST /v1/endpoints": Role.ADMIN,
    "POST /v1/endpoints/dry-run": Role.VIEWER,
    f"GET {E}": Role.VIEWER,
    f"PATCH {E}": Role.ADMIN,
    f"DELETE {E}": Role.ADMIN,
    **{f"POST {E}/{verb}": Role.OPERATOR for verb in ("enable", "disable", "pause", "resume", "test")},
    **{f"POST {E}/{verb}-secret": Role.ADMIN for verb in ("rotate", "retire")},
    f"GET {E}/health": Role.VIEWER,
    f"GET {E}/attempts": Role.VIEWER,
    **{f"POST {path}/retry-failed": Role.OPERATOR for path in (E, F)},
    **{f"POST {path}/retry-failed/preview": Role.OPERATOR for path in (E, F)},
    **{f"POST {E}/{path}": Role.OPERATOR for path in ("replay", "replay/preview")},
    "GET /v1/deliveries": Role.VIEWER,
    "GET /v1/deliveries/export": Role.OPERATOR,
    f"GET {D}": Role.VIEWER,
    f"GET {D}/attempts/{{attempt_id}}": Role.VIEWER,
    f"POST {D}/retry": Role.OPERATOR,
    f"DELETE {D}/answers": Role.OPERATOR,
    "GET /v1/undelivered": Role.VIEWER,
    "GET /v1/undelivered/by-endpoint": Role.VIEWER,
    "GET /v1/repairs": Role.VIEWER,
    "GET /v1/repairs/{repair_id}": Role.VIEWER,
    "POST /v1/repairs/{repair_id}/cancel": Role.OPERATOR,
    "GET /v1/dead-records": Role.VIEWER,
    "POST /v1/dead-records/redrive": Role.OPERATOR,
    "POST /v1/dead-records/{dead_record_id}/redrive": Role.OPERATOR,
}
ASK_KAFKA_FIRST = ("/v1/dead-records", "/v1/undelivered", F)
WITHOUT_KAFKA = [route for route in ROLES if not route.split()[1].startswith(ASK_KAFKA_FIRST)]
TOO_LOW = [(route, role) for route, needed in ROLES.items() for role in Role if role.rank < needed.rank]
BODIES = {
    "POST /v1/endpoints": {"name": "receiver", "url": "https://receiver.example/hook"},
    f"PATCH {E}": {"name": "renamed"},
    f"POST {E}/test": {"event_type": "pathway.completed"},
    "POST /v1/endpoints/dry-run": {"event": {"event_type": "pathway.completed"}},
}


async def status_of(route: str, key: str | None) -> int:
    method, path = route.split()
    for name in ("endpoint_id", "care_flow_id", "delivery_id", "attempt_id", "repair_id", "dead_record_id"):
        path = path.replace(f"{{{name}}}", ID)
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(whole_api()), base_url="http://test") as http:
        return (await http.request(method, path, json=BODIES.get(route), headers=headers)).status_code


def test_every_route_and_its_role_are_pinned_here() -> None:
    assert routes() == ROLES.keys()


@pytest.mark.parametrize("route", ROLES)
@pytest.mark.parametrize("key", [None, "nobody"])
async def test_nobody_passes_without_a_key_that_is_known(route: str, key: str | None) -> None:
    assert await status_of(route, key) == 401


@pytest.mark.parametrize(("route", "role"), TOO_LOW)
async def test_a_role_that_is_too_low_is_refused(route: str, role: Role) -> None:
    assert await status_of(route, role) == 403


@pytest.mark.parametrize("route", WITHOUT_KAFKA)
async def test_a_route_lets_its_role_pass(route: str) -> None:
    assert await status_of(route, ROLES[route]) not in (401, 403)
