import asyncio
import hashlib
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import APIRouter, Depends

from carewire_runtime.auth import ApiKeys, Principal, Role, require
from carewire_runtime.clock import FakeClock
from carewire_runtime.errors import ConfigurationError, UniqueViolation
from carewire_runtime.http.health import Health
from carewire_runtime.http.management import management_app
from carewire_runtime.postgres.pool import Database

CHOSEN = "cw_admin_" + "x" * 40


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def keys(db: Database, clock: FakeClock) -> ApiKeys:
    return ApiKeys(db, clock)


@pytest.fixture
async def client(keys: ApiKeys) -> AsyncIterator[httpx.AsyncClient]:
    router = APIRouter(prefix="/v1")

    @router.get("/things")
    async def things(principal: Principal = Depends(require(Role.OPERATOR))) -> dict[str, str]:  # noqa: B008
        return {"name": principal.name}

    app = management_app("Test", Health(), keys, [router])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


async def call(client: httpx.AsyncClient, key: str | None) -> httpx.Response:
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    return await client.get("/v1/things", headers=headers)


async def test_a_key_is_kept_as_its_digest_only(keys: ApiKeys, db: Database) -> None:
    key = await keys.create("ci", Role.VIEWER)
    assert key.startswith("cw_viewer_")
    assert len(key) >= len("cw_viewer_") + 43
    async with db.connection() as connection:
        [row] = await connection.fetch("select * from api_key")
    assert row["hash"] == hashlib.sha256(key.encode()).digest()
    assert key not in str(dict(row))


@pytest.mark.parametrize(("role", "status"), [(Role.VIEWER, 403), (Role.OPERATOR, 200), (Role.ADMIN, 200)])
async def test_a_role_may_do_what_lower_ones_may(
    keys: ApiKeys, client: httpx.AsyncClient, role: Role, status: int
) -> None:
    answer = await call(client, await keys.create("someone", role))
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["detail"] == "this needs the role operator; the key has viewer"


@pytest.mark.parametrize("header", [None, "", "Basic abc", "Bearer", "Bearer ", "Bearer canary-nonsense"])
async def test_nobody_else_gets_in(client: httpx.AsyncClient, header: str | None) -> None:
    answer = await client.get("/v1/things", headers={} if header is None else {"authorization": header})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "canary" not in answer.text


async def test_a_revoked_key_is_refused_within_five_seconds_elsewhere(
    db: Database, clock: FakeClock, keys: ApiKeys
) -> None:
    key = await keys.create("leaver", Role.ADMIN)
    elsewhere = ApiKeys(db, clock)
    principal = await elsewhere.authenticate(key)
    assert principal is not None
    assert await keys.revoke(principal.id)
    assert not await keys.revoke(principal.id)
    assert await keys.authenticate(key) is None
    assert await elsewhere.authenticate(key) == principal
    clock.advance(5)
    assert await elsewhere.authenticate(key) is None


async def test_a_look_up_is_not_a_query_for_each_call(db: Database, keys: ApiKeys) -> None:
    key = await keys.create("busy", Role.VIEWER)
    await keys.authenticate(key)
    await db.stop()
    assert await keys.authenticate(key) is not None


async def test_while_postgres_is_away_an_unknown_key_gets_503(client: httpx.AsyncClient, db: Database) -> None:
    await db.stop()
    answer = await call(client, "cw_admin_whatever")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"
    assert answer.json()["title"] == "Keys cannot be checked"


async def test_guesses_do_not_fill_the_memory(keys: ApiKeys) -> None:
    await asyncio.gather(*(keys.authenticate(f"guess-{number}") for number in range(1100)))
    assert len(keys._remembered) == 1024


async def test_the_first_key_is_made_once(keys: ApiKeys) -> None:
    key = await keys.ensure_first()
    assert key is not None
    principal = await keys.authenticate(key)
    assert principal is not None
    assert (principal.name, principal.role) == ("bootstrap", Role.ADMIN)
    assert await keys.ensure_first() is None


async def test_the_first_key_can_be_chosen_and_replaced(keys: ApiKeys) -> None:
    for _ in range(2):
        await keys.ensure_first(plaintext=CHOSEN)
        assert await keys.authenticate(CHOSEN) is not None
    await keys.ensure_first(plaintext=CHOSEN + "2")
    assert await keys.authenticate(CHOSEN) is None
    assert await keys.authenticate(CHOSEN + "2") is not None


async def test_a_chosen_key_is_never_shown_again(keys: ApiKeys) -> None:
    assert await keys.ensure_first(name="another", plaintext=CHOSEN + "3") is None


async def test_a_chosen_key_must_be_long(keys: ApiKeys) -> None:
    with pytest.raises(ConfigurationError, match="at least 32 characters"):
        await keys.ensure_first(plaintext="short")


async def test_a_name_has_one_living_key(keys: ApiKeys) -> None:
    first = await keys.create("same", Role.VIEWER)
    with pytest.raises(UniqueViolation, match="api_key_living_name"):
        await keys.create("same", Role.VIEWER)
    principal = await keys.authenticate(first)
    assert principal is not None
    await keys.revoke(principal.id)
    await keys.create("same", Role.VIEWER)
