"""The management app: errors as problem documents, health, and no open route."""

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from typing import Annotated, Any, Literal
from uuid import UUID

import httpx
import pytest
from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Discriminator

import carewire_runtime.http.health as health_module
from carewire_runtime.auth import ApiKeys, Principal, Role, require
from carewire_runtime.errors import ConfigurationError, KafkaRefused, PostgresUnavailable
from carewire_runtime.http.health import Health
from carewire_runtime.http.management import management_app
from carewire_runtime.http.problem import Problem
from carewire_runtime.postgres.pool import Database
from carewire_testing_runtime.log import logged

CANARY = "canary-0815"


class OpenKeys(ApiKeys):
    """Knows everybody."""

    async def authenticate(self, bearer: str) -> Principal | None:
        return Principal("1", bearer, Role.ADMIN)


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]


class Thing(BaseModel):
    model_config = ConfigDict(extra="forbid")

    count: int
    name: str
    id: UUID | None = None
    pet: Annotated[Cat | Dog, Discriminator("kind")] | None = None


router = APIRouter(dependencies=[Depends(require("viewer"))])


@router.post("/things/{number}")
async def things(number: int, thing: Thing) -> dict[str, int]:
    return {"number": number, "count": thing.count}


@router.get("/raise/{what}")
async def raise_something(what: str) -> None:
    raise {
        "problem": Problem(409, "Disabled", "it is off", type="https://carewire.dev/disabled", reasons=["off"]),
        "away": PostgresUnavailable("57P01"),
        "ours": KafkaRefused("our own words"),
        "fault": RuntimeError(CANARY),
    }[what]


@pytest.fixture
def health() -> Health:
    return Health()


@pytest.fixture
async def client(health: Health) -> AsyncIterator[httpx.AsyncClient]:
    app = management_app("Test", health, OpenKeys(Database("", "s")), [router])
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    headers = {"authorization": "Bearer someone"}
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
        yield client


async def test_an_invalid_request_is_answered_with_every_field_and_no_value(client: httpx.AsyncClient) -> None:
    answer = await client.post("/things/1", json={"count": CANARY})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["title"] == "Invalid request"
    assert [error["field"] for error in document["errors"]] == ["count", "name"]
    assert CANARY not in answer.text


async def test_messages_that_would_repeat_input_are_replaced(client: httpx.AsyncClient) -> None:
    answer = await client.post("/things/1", json={"count": 1, "name": "x", "id": CANARY, "pet": {"kind": CANARY}})
    assert [error["message"] for error in answer.json()["errors"]] == [
        "Input should be a valid UUID",
        "Input is of an unknown kind",
    ]
    assert CANARY not in answer.text


async def test_a_key_that_the_caller_made_up_is_told_by_its_place(client: httpx.AsyncClient) -> None:
    answer = await client.post("/things/1", json={"count": 1, "name": "x", CANARY: 1})
    assert answer.json()["errors"] == [{"field": "(entry 3)", "message": "Extra inputs are not permitted"}]
    assert CANARY not in answer.text


async def test_broken_json_is_answered_without_repeating_it(client: httpx.AsyncClient) -> None:
    answer = await client.post("/things/1", content=f'{{"{CANARY}', headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert CANARY not in answer.text


async def test_a_problem_is_answered_as_it_is(client: httpx.AsyncClient) -> None:
    answer = await client.get("/raise/problem")
    assert answer.status_code == 409
    assert answer.json() == {
        "type": "https://carewire.dev/disabled",
        "title": "Disabled",
        "status": 409,
        "detail": "it is off",
        "reasons": ["off"],
    }


async def test_what_passes_by_itself_is_503_with_retry_after(client: httpx.AsyncClient) -> None:
    answer = await client.get("/raise/away")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")


@pytest.mark.parametrize("what", ["ours", "fault"])
async def test_a_fault_of_ours_is_500_and_tells_nothing(client: httpx.AsyncClient, what: str) -> None:
    with logged() as lines:
        answer = await client.get(f"/raise/{what}")
    assert answer.status_code == 500
    assert answer.json()["detail"] == "the fault is ours and was logged"
    assert CANARY not in answer.text + lines.text
    [line] = lines.of("request_failed")
    assert line["route"] == "/raise/{what}"


async def test_unknown_paths_and_methods_are_problems_too(client: httpx.AsyncClient) -> None:
    for answer, status in ((await client.get(f"/{CANARY}"), 404), (await client.delete("/things/1"), 405)):
        assert (answer.status_code, answer.json()["status"]) == (status, status)
        assert CANARY not in answer.text


async def test_logs_and_metrics_know_the_route_and_not_the_path(client: httpx.AsyncClient) -> None:
    with logged() as lines:
        await client.post("/things/4711", json={"count": 1, "name": "x"})
        metrics = (await client.get("/metrics")).text
    assert lines.of("request_served")[0]["route"] == "/things/{number}"
    assert 'carewire_http_requests_total{route="/things/{number}",status_code="200"}' in metrics
    assert "4711" not in lines.text + metrics


def test_a_route_that_asks_for_no_role_is_refused() -> None:
    left_open = APIRouter()
    left_open.get("/open")(raise_something)
    with pytest.raises(ConfigurationError, match="/open"):
        management_app("Test", Health(), OpenKeys(Database("", "s")), [left_open])


async def test_a_process_is_alive_even_when_it_is_not_ready(client: httpx.AsyncClient, health: Health) -> None:
    health.add("table", lambda: "not read yet")
    assert (await client.get("/livez")).status_code == 200


async def test_readiness_names_every_check(client: httpx.AsyncClient, health: Health) -> None:
    async def postgres() -> str | None:
        return None

    async def breaks() -> str | None:
        raise RuntimeError(CANARY)

    health.add("postgres", postgres)
    assert (await client.get("/readyz")).json() == {"ready": True, "checks": {"postgres": "ok"}}
    health.add("table", lambda: "not read yet")
    health.add("broken", breaks)
    answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "ready": False,
        "checks": {"postgres": "ok", "table": "not read yet", "broken": "failed with RuntimeError"},
    }


async def test_readiness_is_told_when_it_changes_and_not_each_time_that_somebody_asks(health: Health) -> None:
    wrong: list[str | None] = [None]
    health.add("table", lambda: wrong[0])
    with logged() as lines:
        for wrong[0] in (None, None, "not read yet", "still not read", None):
            await health.problems()
    told = [(line["ready"], line.get("reasons")) for line in lines.of("readiness_changed")]
    assert told == [(True, []), (False, ["table"]), (True, [])]


async def test_what_is_no_request_goes_through_uncounted(health: Health) -> None:
    app = management_app("Test", health, OpenKeys(Database("", "s")), [router])
    sent: list[str] = []

    async def receive() -> dict[str, str]:
        return {"type": "lifespan.startup" if not sent else "lifespan.shutdown"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message["type"])

    await app({"type": "lifespan"}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


async def test_a_check_that_does_not_answer_has_failed(health: Health, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health_module, "_CHECK_TIMEOUT_S", 0.01)

    async def hangs() -> str | None:
        await asyncio.Event().wait()
        return None

    health.add("kafka", hangs)
    assert await health.problems() == {"kafka": "did not answer within 0 s"}
