"""Who may call what: every role at every gate, every form of the header, and what is told to whom."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import APIRouter, Depends
from hypothesis import given
from hypothesis import strategies as st

from carewire_runtime.auth import ApiKeys, Principal, Role, asks_for_role, require
from carewire_runtime.errors import PostgresUnavailable, StatementFailed
from carewire_runtime.http.health import Health
from carewire_runtime.http.management import management_app
from carewire_runtime.postgres.pool import Database

CANARY = "canary-5150"
ALLOWED = {Role.VIEWER: {Role.VIEWER}, Role.OPERATOR: {Role.VIEWER, Role.OPERATOR}, Role.ADMIN: set(Role)}


class KnownKeys(ApiKeys):
    """A key for each role, named like it; two that find Postgres unwell."""

    def __init__(self) -> None:
        super().__init__(Database("", "s"))

    async def authenticate(self, bearer: str) -> Principal | None:
        if bearer == "while-postgres-is-away":
            raise PostgresUnavailable("57P01")
        if bearer == "while-the-table-is-missing":
            raise StatementFailed("42P01")
        return Principal("1", bearer, Role(bearer)) if bearer in set(Role) else None


def a_router() -> APIRouter:
    router = APIRouter(prefix="/v1")
    for role in Role:

        @router.get(f"/{role}")
        async def gate(principal: Principal = Depends(require(role))) -> dict[str, str]:  # noqa: B008
            return {"who": principal.name}

    return router


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = management_app("Test", Health(), KnownKeys(), [a_router()])
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


@pytest.mark.parametrize("gate", Role)
@pytest.mark.parametrize("role", Role)
async def test_a_role_passes_its_own_gate_and_those_below(client: httpx.AsyncClient, role: Role, gate: Role) -> None:
    answer = await client.get(f"/v1/{gate}", headers={"authorization": f"Bearer {role}"})
    if gate in ALLOWED[role]:
        assert (answer.status_code, answer.json()) == (200, {"who": str(role)})
    else:
        assert answer.status_code == 403
        assert answer.json()["detail"] == f"this needs the role {gate}; the key has {role}"


@pytest.mark.parametrize("header", ["Bearer admin", "bearer admin", "BEARER admin", "Bearer  admin "])
async def test_the_scheme_is_read_without_regard_to_case_and_space(client: httpx.AsyncClient, header: str) -> None:
    assert (await client.get("/v1/admin", headers={"authorization": header})).status_code == 200


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Basic YWRtaW46", "admin", f"Bearer {CANARY}", "Bearer admin x", "Bearer,admin"],
)
async def test_anything_else_is_401_and_says_how_to_ask(client: httpx.AsyncClient, header: str | None) -> None:
    answer = await client.get("/v1/viewer", headers={} if header is None else {"authorization": header})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"
    assert CANARY not in answer.text


@pytest.mark.parametrize("key", ["while-postgres-is-away", "while-the-table-is-missing"])
async def test_nobody_passes_while_keys_cannot_be_checked(client: httpx.AsyncClient, key: str) -> None:
    answer = await client.get("/v1/viewer", headers={"authorization": f"Bearer {key}"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert answer.json()["title"] == "Keys cannot be checked"


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/openapi.json"])
async def test_what_a_cluster_asks_needs_no_key(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 200


def test_roles_are_ordered_by_what_they_may_do() -> None:
    assert sorted(Role, key=lambda role: role.rank) == [Role.VIEWER, Role.OPERATOR, Role.ADMIN]


def test_a_gate_is_recognised_and_nothing_else_is() -> None:
    assert asks_for_role(require("viewer"))
    assert not any(asks_for_role(other) for other in (a_router, None, Role.ADMIN, "viewer"))


@given(st.text().filter(lambda word: word not in set(Role)))
def test_a_gate_for_a_role_that_there_is_not_cannot_be_built(word: str) -> None:
    with pytest.raises(ValueError, match="not a valid Role"):
        require(word)
