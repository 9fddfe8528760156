"""Problem documents (RFC 9457), and which of our errors become which."""

from base64 import b64encode
from collections.abc import AsyncIterator

import httpx
import orjson
import pytest
from fastapi import FastAPI

import carewire_runtime.errors as errors
from carewire_runtime.http.problem import Problem, answer_with_problems
from carewire_runtime.sealing import Keyring
from carewire_testing_runtime.log import logged

CANARY = "canary-0042"
KEY = b64encode(bytes(32)).decode()
RAISED = {
    "nul": errors.StatementFailed("22021"),
    "nul-in-json": errors.StatementFailed("22P05"),
    "statement": errors.StatementFailed("42601"),
    "unique": errors.UniqueViolation("some_index"),
    "postgres-away": errors.PostgresUnavailable("57P01"),
    "kafka-away": errors.KafkaUnavailable("no broker answers"),
    "kafka-no": errors.KafkaRefused("no such topic"),
    "sealing": errors.SealBroken("a sealed value is damaged"),
    "foreign": ValueError(CANARY),
    "group": ExceptionGroup(CANARY, [ValueError(CANARY)]),
}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    answer_with_problems(app)

    @app.get("/{what}")
    async def fail(what: str) -> None:
        raise RAISED[what]

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as made:
        yield made


@pytest.mark.parametrize(
    ("what", "status"),
    [
        ("nul", 422),
        ("nul-in-json", 422),
        ("statement", 500),
        ("unique", 500),
        ("postgres-away", 503),
        ("kafka-away", 503),
        ("kafka-no", 500),
        ("sealing", 500),
        ("foreign", 500),
        ("group", 500),
    ],
)
async def test_each_error_has_its_status_and_tells_nothing_of_itself(
    client: httpx.AsyncClient, what: str, status: int
) -> None:
    with logged() as lines:
        answer = await client.get(f"/{what}")
    assert answer.status_code == answer.json()["status"] == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert ("retry-after" in answer.headers) is (status == 503)
    assert CANARY not in answer.text + lines.text
    assert str(RAISED[what]) not in answer.text
    assert bool(lines.of("request_failed")) is (status == 500)


async def test_a_key_that_is_missing_is_named_with_its_cure(client: httpx.AsyncClient) -> None:
    sealed = Keyring.parse(f"retired:{KEY}").seal(CANARY.encode(), context="a token")
    with pytest.raises(errors.UnknownKey) as caught:
        Keyring.parse(f"new:{KEY}").open(sealed, context="a token")
    RAISED["key-missing"] = caught.value
    with logged() as lines:
        answer = await client.get("/key-missing")
    assert answer.status_code == 503
    assert answer.json()["title"] == "Encryption key missing"
    assert answer.json()["detail"] == "no encryption key has the id 'retired'; put it back in CAREWIRE_ENCRYPTION_KEYS"
    assert "retry-after" not in answer.headers, "somebody has to act first"
    assert lines.of("key_missing")
    assert not lines.of("request_failed")
    assert CANARY not in answer.text + lines.text


def test_a_problem_has_the_members_of_the_standard_and_its_own() -> None:
    problem = Problem(409, "Disabled", "it is off", type="https://x.example/off", retry_after_s=7, reasons=["off"])
    assert orjson.loads(problem.body()) == {
        "type": "https://x.example/off",
        "title": "Disabled",
        "status": 409,
        "detail": "it is off",
        "reasons": ["off"],
    }
    response = problem.response()
    assert (response.status_code, response.headers["retry-after"]) == (409, "7")


def test_a_problem_without_detail_says_nothing_instead() -> None:
    assert orjson.loads(Problem(404, "Not found").body()) == {
        "type": "about:blank",
        "title": "Not found",
        "status": 404,
    }
