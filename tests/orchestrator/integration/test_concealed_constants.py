"""Concealed constants on the real stack: their values reach the API that is called, and nothing else."""

import base64
import io
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from carewire_orchestrator import app
from carewire_orchestrator.adapters.store.constants import Constants
from carewire_orchestrator.settings import OrchestratorSettings
from carewire_runtime.audit import Audit
from carewire_runtime.auth import Principal, Role
from carewire_runtime.clock import FakeClock
from carewire_runtime.ids import new_id
from carewire_runtime.postgres.pool import Database
from carewire_runtime.telemetry.logs import configure_logs
from carewire_runtime.telemetry.tracing import configure_tracing, shutdown_tracing
from carewire_testing import eventually
from carewire_testing_e2e.canaries import Canaries, Family, Place
from carewire_testing_e2e.leaving import files, records, tables
from carewire_testing_e2e.probing import Conversation
from carewire_testing_orchestrator.api_calls import answering, caller, calling
from carewire_testing_orchestrator.by_hand import Hands, begun, told
from carewire_testing_orchestrator.definitions import HIP
from carewire_testing_orchestrator.running import Running, running
from carewire_testing_orchestrator.whole_api import routes

CONCEALED = [{"name": "KEY", "concealed": True}]


def with_key(url: str) -> dict[str, Any]:
    """A care flow that sends its key in every place where one may stand."""
    call = {
        "method": "POST",
        "url": f"{url}/{{{{KEY}}}}?key={{{{KEY}}}}",
        "headers": [{"name": "Authorization", "value": "Bearer {{KEY}}"}],
        "body": '{"key": "{{KEY}}"}',
    }
    return calling(url, changes=call, constants=CONCEALED)


@pytest.fixture(scope="module")
def settings(settings: OrchestratorSettings) -> OrchestratorSettings:
    """Settings of an orchestrator that may call this machine."""
    return settings.model_copy(update={"allow_http_api_calls": True, "allow_private_api_calls": True})


@pytest.fixture
def logs() -> Iterator[io.BytesIO]:
    stream = io.BytesIO()
    configure_logs("orchestrator", "DEBUG", stream)
    yield stream
    configure_logs("carewire")


@pytest.fixture
def spans(settings: OrchestratorSettings, tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "spans.jsonl"
    told = {"trace_sample_ratio": 1.0, "trace_export": f"file:{path}"}
    configure_tracing("orchestrator", settings.model_copy(update=told))
    yield path
    shutdown_tracing()


@pytest.fixture
async def database(settings: OrchestratorSettings) -> AsyncIterator[Database]:
    db = Database(settings.postgres_dsn, app.NAME)
    await db.start()
    try:
        yield db
    finally:
        await db.stop()


async def put(orchestrator: Running, definition_id: str, value: str, expected: int = 200) -> Any:
    path = f"/v1/definitions/{definition_id}/constants/KEY"
    return told(await orchestrator.api.put(path, json={"value": value}), expected)


async def ended(hands: Hands, status: str) -> dict[str, Any]:
    """The last API call of a care flow, once it has ended so."""

    async def so() -> dict[str, Any]:
        activity = await hands.activity("call")
        assert activity["status"] == status
        return activity

    return await eventually(so, 20)


async def test_a_concealed_value_reaches_the_api_and_is_in_nothing_that_is_kept_told_or_shown(
    settings: OrchestratorSettings, logs: io.BytesIO, spans: Path
) -> None:
    canaries, heard = Canaries(), Conversation()
    value = canaries(Family.CREDENTIAL, "value of a concealed constant", "canary/{} +&".format)
    wrong = canaries(Family.CREDENTIAL, "value that is refused", "canary-{}\r\nx-admin: 1".format)
    script = [(500, b""), (200, b'{"lab": 7}')]
    async with (
        running(settings) as orchestrator,
        heard.listening("orchestrator", orchestrator.api),
        answering(lambda n: script[n - 1] if n <= len(script) else (404, value.encode())) as api,
    ):
        lab = await begun(orchestrator, with_key(api.url))
        nobody = await begun(orchestrator, with_key("http://127.0.0.1:9"))
        for hands in (lab, nobody):
            assert (await ended(hands, "failed"))["reason"] == "constant_unavailable"
        assert api.requests == []

        for hands, status in ((lab, "done"), (nobody, "failed"), (lab, "failed")):
            definition_id = (await hands.get())["definition_id"]
            await put(orchestrator, definition_id, wrong, 422)
            await put(orchestrator, definition_id, value)
            if hands is lab and status == "failed":
                hands = Hands(orchestrator, told(await start(orchestrator, definition_id), 201))
            else:
                await hands.do("call", "retry")
            await ended(hands, status)
            await look_at_everything(orchestrator, hands, definition_id)
        await orchestrator.events_of(nobody.id, "activity.failed")
        metrics = (await orchestrator.api.get("/metrics")).content

    assert len(api.requests) == 3
    sent = Place("requests", "\n".join(api.requests).encode())
    assert canaries.found(sent) == {"value of a concealed constant"}, "what is searched for is found where it may be"
    for request in api.requests:
        head, _, body = request.partition("\r\n\r\n")
        line, *headers = head.split("\r\n")
        assert line == f"POST /lab/{quote(value, safe='')}?key={quote(value, safe='')} HTTP/1.1"
        assert f"Authorization: Bearer {value}" in headers
        assert body == f'{{"key": "{value}"}}'

    shutdown_tracing()
    places = [
        Place("logs", logs.getvalue()),
        *files(spans),
        Place("metrics", metrics),
        *(Place(f"answer to {one.request.method} {one.request.url.path}", whole(one)) for _, one in heard.answers),
        *await tables(settings.postgres_dsn),
        *await all_records(settings),
    ]
    leaks = canaries.leaks(places)
    assert not leaks, "\n".join(f"{leak}: {around!r}" for leak, around in leaks.items())
    assert b"orchestrator.api_call" in next(files(spans)).content
    assert {"column orchestrator.api_call.request", "records of carewire.events"} <= {place.name for place in places}


async def start(orchestrator: Running, definition_id: str) -> Any:
    return await orchestrator.api.post("/v1/care-flows", json={"definition_id": definition_id})


async def look_at_everything(orchestrator: Running, hands: Hands, definition_id: str) -> None:
    """Every route that shows something, of this care flow where it is of one."""
    names = {
        "definition_id": definition_id,
        "release_id": "live",
        "patient_id": hands.patient_id,
        "care_flow_id": hands.id,
        "activity_id": (await hands.activity("call"))["id"],
        "session_id": new_id(),
    }
    for route in routes():
        method, path = route.split()
        if method == "GET":
            answer = await orchestrator.api.get(path.format(**names))
            assert answer.is_success or "session" in path, route
    exported = await orchestrator.api.get(f"/v1/definitions/{definition_id}/releases/live/export")
    assert "name: KEY\n    concealed: true" in exported.text


def whole(answer: Any) -> bytes:
    """An answer with its headers."""
    head = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
    return head.encode() + b"\n" + bytes(answer.content)


async def all_records(settings: OrchestratorSettings) -> list[Place]:
    """Every topic, whatever of it."""
    prefix = settings.topic_prefix
    found = await records(settings.kafka_bootstrap, prefix)
    places = []
    for name, held in found.items():
        headers = [value for one in held for _, value in one.headers]
        parts = [part or b"" for one in held for part in (one.key, one.value)]
        places.append(Place(f"records of {name.removeprefix(prefix)}", b"\n".join([*parts, *headers])))
    return places


async def test_a_value_holds_at_once_for_calls_that_are_on_their_way_on_every_replica(
    api_only: Running, settings: OrchestratorSettings, database: Database
) -> None:
    async with answering(lambda n: (503, b"") if n < 3 else (200, b'{"lab": 1}')) as api:
        document = calling(api.url, changes={"url": api.url + "?{{KEY}}"}, constants=CONCEALED)
        definition_id, _ = await api_only.publish(document)
        await put(api_only, definition_id, "one")
        hands = Hands(api_only, told(await start(api_only, definition_id), 201))
        async with database.connection() as connection:
            clock = FakeClock(await connection.fetchval("SELECT now() + interval '1 second'"))
        for replica, value in ((1, "one"), (2, "two"), (1, "three")):
            await put(api_only, definition_id, value)
            (call,) = await caller(settings, database, clock)._take(0)
            await caller(settings, database, clock)._serve(call)
            assert api.requests[-1].startswith(f"GET /lab?{value} "), replica
            clock.advance(1)
    assert [one["value"] for one in await hands.get("/data-points")] == [1]


async def test_a_value_is_sealed_by_the_newest_key_and_opened_by_each_that_is_kept(
    api_only: Running, settings: OrchestratorSettings, database: Database, logs: io.BytesIO
) -> None:
    newest = f"k2:{base64.b64encode(bytes(range(1, 33))).decode()}"
    rotated = OrchestratorSettings(
        **settings.model_dump() | {"encryption_keys": f"{newest},{settings.encryption_keys}"}
    )
    retired = OrchestratorSettings(**settings.model_dump() | {"encryption_keys": newest})
    async with answering(lambda _: (200, b"{}")) as api:
        document = calling(api.url, changes={"url": api.url + "?{{KEY}}"}, constants=CONCEALED)
        definition_id, _ = await api_only.publish(document)
        await put(api_only, definition_id, "one")

        async def called(by: OrchestratorSettings) -> str:
            """What becomes of a call that a process with these keys makes."""
            hands = Hands(api_only, told(await start(api_only, definition_id), 201))
            async with database.connection() as connection:
                clock = FakeClock(await connection.fetchval("SELECT now() + interval '1 second'"))
            (call,) = await caller(by, database, clock)._take(0)
            await caller(by, database, clock)._serve(call)
            activity = await hands.activity("call")
            return str(activity["reason"] or activity["status"])

        assert await called(rotated) == "done"
        assert await called(retired) == "constant_unavailable"
        assert b"put it back in CAREWIRE_ENCRYPTION_KEYS" in logs.getvalue()

        by = Principal("1", "staff", Role.ADMIN)
        clock = FakeClock()
        await Constants(database, rotated.keyring, Audit(clock), clock).put(definition_id, "KEY", "one", by)
        assert await called(retired) == "done", "set again, a value is sealed by the newest key"
        assert len(api.requests) == 2


async def test_a_value_that_is_moved_to_another_name_or_definition_is_not_opened(
    api_only: Running, settings: OrchestratorSettings, database: Database
) -> None:
    async with answering(lambda _: (200, b"{}")) as api:
        mine, theirs = [(await api_only.publish(calling(api.url, constants=CONCEALED)))[0] for _ in range(2)]
        hands = Hands(api_only, told(await start(api_only, mine), 201))
    clock = FakeClock()
    constants = Constants(database, settings.keyring, Audit(clock), clock)
    await put(api_only, theirs, "secret")
    async with database.connection() as connection:
        await connection.execute(
            "UPDATE concealed_constant SET definition_id = $1 WHERE definition_id = $2", mine, theirs
        )
    assert await constants.values(hands.id, ["KEY"]) == {}
    await put(api_only, mine, "mine")
    assert await constants.values(hands.id, ["KEY", "OTHER"]) == {"KEY": "mine"}
    async with database.connection() as connection:
        await connection.execute("UPDATE concealed_constant SET name = 'OTHER' WHERE definition_id = $1", mine)
    assert await constants.values(hands.id, ["KEY", "OTHER"]) == {}


async def test_a_designer_hears_which_values_are_missing_and_staff_see_which_are_set(api_only: Running) -> None:
    document = calling("https://lab.example/", constants=CONCEALED)
    definition_id = f"{document['id']}-{new_id()}"
    path = f"/v1/definitions/{definition_id}"
    document["id"] = definition_id

    async def constants() -> list[tuple[str, bool, list[str]]]:
        items = told(await api_only.api.get(f"{path}/constants"), 200)["items"]
        return [(one["name"], one["set_at"] is not None, one["declared_in"]) for one in items]

    def missing(answer: dict[str, Any]) -> list[str]:
        return [one["message"] for one in answer["problems"] if one["code"] == "MISSING_VALUE"]

    await put(api_only, definition_id, "a", 404)
    tried = told(await api_only.api.post("/v1/definitions/import?dry_run=true", json=document), 200)
    saved = told(await api_only.api.put(path, json=document), 200)
    checked = told(await api_only.api.post(f"{path}/validate"), 200)
    published = told(await api_only.api.post(f"{path}/publish"), 201)
    for answer in (tried, saved, checked, published):
        assert [path in message for message in missing(answer)] == [True]
    assert await constants() == [("KEY", False, ["draft", "live"])]

    first = await put(api_only, definition_id, "a")
    again = await put(api_only, definition_id, "a")
    assert again | {"set_at": None} == first | {"set_at": None} == told_of("KEY", ["draft", "live"])
    assert again["set_at"] >= first["set_at"]
    assert missing(told(await api_only.api.post(f"{path}/publish"), 201)) == []
    told(await api_only.api.put(f"{path}/constants/OTHER", json={"value": "b"}), 200)
    told(await api_only.api.put(path, json={**document, "settings": {}}), 200)
    assert await constants() == [("KEY", True, ["live"]), ("OTHER", True, [])]

    for expected in (204, 404):
        told(await api_only.api.delete(f"{path}/constants/OTHER"), expected)
    assert await constants() == [("KEY", True, ["live"])]
    query = {"subject_kind": "constant", "subject_id": f"{definition_id}/OTHER"}
    deeds = told(await api_only.api.get("/v1/audit", params=query), 200)["items"]
    assert [one["action"] for one in deeds] == ["constant.clear", "constant.set"], "newest first, and once each"


def told_of(name: str, declared_in: list[str]) -> dict[str, Any]:
    return {"name": name, "set_at": None, "declared_in": declared_in}


async def test_values_do_not_travel_with_the_definition_and_go_with_it(api_only: Running) -> None:
    definition_id, other_id = f"d-{new_id()}", f"d-{new_id()}"
    path = f"/v1/definitions/{definition_id}"
    document = calling("https://lab.example/", constants=CONCEALED)
    told(await api_only.api.put(path, json={**document, "id": definition_id}), 200)
    await put(api_only, definition_id, "a")
    exported = (await api_only.api.get(f"{path}/releases/draft/export", params={"format": "json"})).json()
    told(await api_only.api.post("/v1/definitions/import", json={**exported, "id": other_id}), 200)
    (moved,) = told(await api_only.api.get(f"/v1/definitions/{other_id}/constants"), 200)["items"]
    assert (moved["name"], moved["set_at"]) == ("KEY", None)

    told(await api_only.api.delete(path), 204)
    told(await api_only.api.get(f"{path}/constants"), 404)
    assert await api_only.query("SELECT 1 FROM concealed_constant WHERE definition_id = $1", definition_id) == []


@pytest.mark.parametrize(
    "value",
    ["", " a", "a ", "a\n", "a\tb", "a\0b", "a" * 4097, 7, None],
    ids=["empty", "space before", "space behind", "line break", "tab", "NUL", "too long", "number", "null"],
)
async def test_a_value_that_cannot_be_one_is_refused_by_its_field_and_not_repeated(
    api_only: Running, value: Any
) -> None:
    definition_id, _ = await api_only.publish(HIP)
    answer = await api_only.api.put(f"/v1/definitions/{definition_id}/constants/KEY", json={"value": value})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["value"]
    assert not isinstance(value, str) or len(value) < 3 or value not in answer.text
    assert told(await api_only.api.get(f"/v1/definitions/{definition_id}/constants"), 200)["items"] == []
