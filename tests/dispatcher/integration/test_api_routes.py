"""Every route of the management API: who may call it, what it refuses, and how its pages go on.

Real Postgres, no Kafka: what the API publishes stays in the outbox, where these tests look at it.
"""

import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, cast

import httpx
import orjson
import pytest
import pytest_asyncio

from carewire_dispatcher.adapters.delivery_api import DeliveryApi
from carewire_dispatcher.adapters.delivery_store import DeliveryStore
from carewire_dispatcher.adapters.endpoint_api import EndpointApi
from carewire_dispatcher.adapters.endpoint_health_api import EndpointHealthApi
from carewire_dispatcher.adapters.endpoint_health_store import EndpointHealthStore
from carewire_dispatcher.domain.classify import Failure, Retry
from carewire_dispatcher.domain.ending import End, EndReason, EndStatus
from carewire_dispatcher.domain.endpoint_url import UrlPolicy
from carewire_dispatcher.domain.failing import FailingPolicy
from carewire_dispatcher.domain.log_entry import LogEntry, Tried
from carewire_dispatcher.domain.schedule import Slot
from carewire_runtime.audit import Audit
from carewire_runtime.auth import ApiKeys, Role
from carewire_runtime.clock import FakeClock, SystemClock
from carewire_runtime.http.health import Health
from carewire_runtime.http.management import management_app
from carewire_runtime.ids import derived_id, new_id
from carewire_runtime.kafka.records import Record
from carewire_runtime.postgres import outbox
from carewire_runtime.postgres.pool import Database
from carewire_runtime.sealing import Keyring
from carewire_testing_dispatcher.deliveries import a_delivery
from carewire_testing_dispatcher.stores import an_attempt_log, an_endpoint_store

pytestmark = pytest.mark.asyncio(loop_scope="module")

UNKNOWN = "00000000-0000-7000-8000-000000000000"
KEYRING = Keyring.parse(Keyring.generate())
GOOD = {"name": "receiver", "url": "https://receiver.example/hook"}
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
Call = Callable[..., Awaitable[httpx.Response]]

ROUTES = [
    ("GET", "/v1/endpoints", Role.VIEWER),
    ("POST", "/v1/endpoints", Role.ADMIN),
    ("GET", f"/v1/endpoints/{UNKNOWN}", Role.VIEWER),
    ("GET", f"/v1/endpoints/{UNKNOWN}/health", Role.VIEWER),
    ("PATCH", f"/v1/endpoints/{UNKNOWN}", Role.ADMIN),
    ("DELETE", f"/v1/endpoints/{UNKNOWN}", Role.ADMIN),
    ("POST", f"/v1/endpoints/{UNKNOWN}/enable", Role.OPERATOR),
    ("POST", f"/v1/endpoints/{UNKNOWN}/disable", Role.OPERATOR),
    ("POST", f"/v1/endpoints/{UNKNOWN}/pause", Role.OPERATOR),
    ("POST", f"/v1/endpoints/{UNKNOWN}/resume", Role.OPERATOR),
    ("POST", f"/v1/endpoints/{UNKNOWN}/rotate-secret", Role.ADMIN),
    ("POST", f"/v1/endpoints/{UNKNOWN}/retire-secret", Role.ADMIN),
    ("GET", "/v1/deliveries", Role.VIEWER),
    ("GET", f"/v1/deliveries/{UNKNOWN}", Role.VIEWER),
    ("DELETE", f"/v1/deliveries/{UNKNOWN}/answers", Role.OPERATOR),
]
OF_ONE = [(method, path) for method, path, _ in ROUTES if UNKNOWN in path]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool(migrated: str) -> AsyncIterator[Database]:
    made = Database(migrated, "dispatcher")
    await made.start()
    yield made
    await made.stop()


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def db(pool: Database) -> Database:
    """Empty tables, behind the API that serves all tests."""
    async with pool.connection() as connection:
        await connection.execute("truncate endpoint, delivery, attempt, outbox cascade")
    return pool


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def http(pool: Database) -> AsyncIterator[httpx.AsyncClient]:
    store = an_endpoint_store(pool, KEYRING)
    endpoints = EndpointApi(store, UrlPolicy(), SystemClock()).router()
    health = EndpointHealthApi(
        store, EndpointHealthStore(pool), lambda _: None, FailingPolicy(), SystemClock()
    ).router()
    deliveries = DeliveryApi(DeliveryStore(pool), cast("Any", None), Audit(FakeClock(NOON)))
    app = management_app("Dispatcher", Health(), ApiKeys(pool), [endpoints, health, deliveries.router()])
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as made:
        yield made


@pytest.fixture
def call(http: httpx.AsyncClient, keys: dict[Role, str]) -> Call:
    """Call as somebody, an admin by default."""

    async def called(method: str, path: str, role: Role = Role.ADMIN, **more: Any) -> httpx.Response:
        return await http.request(method, path, headers={"authorization": f"Bearer {keys[role]}"}, **more)

    return called


async def create(call: Call, **fields: Any) -> dict[str, Any]:
    answer = await call("POST", "/v1/endpoints", json=GOOD | fields)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def fields_of(answer: httpx.Response) -> set[str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return {error["field"] for error in answer.json()["errors"]}


@pytest.mark.parametrize(("method", "path", "needed"), ROUTES)
async def test_each_route_lets_its_role_and_higher_ones_pass_and_nobody_else(
    http: httpx.AsyncClient, call: Call, method: str, path: str, needed: Role
) -> None:
    assert (await http.request(method, path)).status_code == 401
    assert (await http.request(method, path, headers={"authorization": "Bearer x"})).status_code == 401
    for role in Role:
        status = (await call(method, path, role)).status_code
        assert (status == 403) is (role.rank < needed.rank), f"{role} got {status}"
        assert status not in (401, 500)


@pytest.mark.parametrize(("method", "path"), OF_ONE)
async def test_what_is_not_there_is_not_found(call: Call, method: str, path: str) -> None:
    answer = await call(method, path, json={} if method == "PATCH" else None)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert UNKNOWN not in answer.text


@pytest.mark.parametrize(("method", "path"), OF_ONE)
async def test_an_id_that_is_none_is_named_and_not_repeated(call: Call, method: str, path: str) -> None:
    answer = await call(method, path.replace(UNKNOWN, "canary-7"), json={} if method == "PATCH" else None)
    assert answer.status_code == 422
    assert fields_of(answer) <= {"endpoint_id", "delivery_id"}
    assert "canary" not in answer.text


@pytest.mark.parametrize("fields", [{"name": "nul\0canary"}, {"definition_ids": ["nul\0canary"]}])
async def test_a_text_that_postgres_cannot_hold_is_the_caller_s_fault(call: Call, fields: dict[str, Any]) -> None:
    path = f"/v1/endpoints/{(await create(call))['id']}"
    for answer in (
        await call("POST", "/v1/endpoints", json=GOOD | fields),
        await call("PATCH", path, json=fields),
        await call("GET", "/v1/deliveries", params={"event_type": "nul\0canary"}),
        await call("GET", "/v1/deliveries", params={"event_id": "nul\0canary"}),
    ):
        assert answer.status_code == 422
        assert "NUL" in answer.json()["detail"]
        assert "canary" not in answer.text
    assert len((await call("GET", "/v1/endpoints")).json()["items"]) == 1


BAD_FIELDS: list[tuple[str, Any]] = [
    ("name", ""),
    ("name", "n" * 201),
    ("name", None),
    ("name", 7),
    ("url", None),
    ("url", "canary"),
    ("url", "http://canary.example/"),
    ("url", "https://127.0.0.1/canary"),
    ("url", "https://receiver.example/" + "c" * 2000),
    ("event_types", []),
    ("event_types", ["canary"]),
    ("event_types", "pathway.completed"),
    ("definition_ids", []),
    ("definition_ids", ["d"] * 501),
    ("definition_ids", [7]),
    ("headers", {"Webhook-Signature": "canary"}),
    ("headers", {"HOST": "canary"}),
    ("headers", {"traceparent": "canary"}),
    ("headers", {"a b": "canary"}),
    ("headers", {"": "canary"}),
    ("headers", {"x": "canary\r\nInjected: 1"}),
    ("headers", {"x": "canary é"}),
    ("headers", {"x": "canary" * 700}),
    ("headers", {"X-Same": "canary", "x-same": "canary"}),
    ("headers", {f"x-{n}": "canary" for n in range(21)}),
    ("concurrency", 0),
    ("concurrency", 201),
    ("concurrency", 1.5),
    ("timeout_s", 0.05),
    ("timeout_s", 10.5),
    ("timeout_s", None),
    ("rate_per_s", 0),
    ("rate_per_s", 0.001),
    ("rate_per_s", 10_001),
    ("filter", {"all": [{"reference": "$.a[", "operator": "is_empty"}]}),
    ("filter", {"all": [{"reference": "$.a", "operator": "is_equal_to"}]}),
    ("filter", {"all": [{"reference": "$.a", "operator": "canary"}]}),
    ("filter", {"none": []}),
    ("filter", "canary"),
    ("headers", {"X-Awell-Signature": "canary"}),
    ("payload", "canary"),
    ("payload", None),
    ("content_mode", "canary"),
    ("signing", []),
    ("signing", ["canary"]),
    ("signing", None),
    ("retry_offsets_s", []),
    ("retry_offsets_s", [1]),
    ("retry_offsets_s", [0, 5, 5]),
    ("retry_offsets_s", [0, 86_401]),
    ("retry_offsets_s", list(range(31))),
    ("retry_offsets_s", [0, 1.5]),
    ("terminal_statuses", [299]),
    ("terminal_statuses", [600]),
    ("terminal_statuses", None),
    ("shards", 0),
    ("shards", 65),
    ("heartbeat_s", 59),
    ("heartbeat_s", 86_401),
    ("redacted", ["$.a", "canary"]),
    ("redacted", ["$.a"] * 21),
    ("redacted", None),
    ("paused", True),
    ("disabled_because", "gone"),
    ("id", "canary"),
    ("secret", "canary"),
]


@pytest.mark.parametrize(("field", "value"), BAD_FIELDS)
async def test_a_bad_field_is_refused_by_name_at_creation_and_at_change(call: Call, field: str, value: Any) -> None:
    path = f"/v1/endpoints/{(await create(call))['id']}"
    before = (await call("GET", path)).json()
    for answer in (
        await call("POST", "/v1/endpoints", json=GOOD | {field: value}),
        await call("PATCH", path, json={field: value}),
    ):
        assert answer.status_code == 422, answer.text
        assert {name.partition(".")[0] for name in fields_of(answer)} == {field}
        assert "canary" not in answer.text
    assert (await call("GET", path)).json() == before
    assert len((await call("GET", "/v1/endpoints")).json()["items"]) == 1


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{", b'"canary"', b"\xff\xfe", b'{"name": "\\ud800"}'])
@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_a_body_that_is_no_object_is_refused(call: Call, method: str, body: bytes) -> None:
    path = "/v1/endpoints" if method == "POST" else f"/v1/endpoints/{(await create(call))['id']}"
    answer = await call(method, path, content=body)
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"
    assert "canary" not in answer.text


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("name", "n" * 200, "n" * 200),
        ("name", "Klinik Süd 🏥", "Klinik Süd 🏥"),
        (
            "event_types",
            ["track.stopped", "pathway.completed", "track.stopped"],
            ["pathway.completed", "track.stopped"],
        ),
        ("event_types", ["incoming_webhook.request.failed"], ["incoming_webhook.request.failed"]),
        ("definition_ids", ["hip", "knee"], ["hip", "knee"]),
        ("concurrency", 1, 1),
        ("concurrency", 200, 200),
        ("timeout_s", 0.1, 0.1),
        ("timeout_s", 10, 10.0),
        ("rate_per_s", 0.01, 0.01),
        ("rate_per_s", 10_000, 10_000.0),
        ("rate_per_s", None, None),
        ("filter", None, None),
        ("payload", "thin", "thin"),
        ("content_mode", "cloudevents", "cloudevents"),
        ("signing", ["rsa", "hmac", "rsa"], ["hmac", "rsa"]),
        ("signing", ["ed25519"], ["ed25519"]),
        ("retry_offsets_s", [0], [0]),
        ("retry_offsets_s", [0, 86_400], [0, 86_400]),
        ("retry_offsets_s", None, None),
        ("terminal_statuses", [599, 300, 300], [300, 599]),
        ("terminal_statuses", [], []),
        ("shards", 16, 16),
        ("heartbeat_s", 60, 60),
        ("heartbeat_s", 86_400, 86_400),
        ("heartbeat_s", None, None),
        ("redacted", ["$..ssn", "$.a['b'][0]"], ["$..ssn", "$.a['b'][0]"]),
    ],
)
async def test_what_lies_on_the_border_is_taken_by_creation_and_by_change(
    call: Call, field: str, value: Any, shown: Any
) -> None:
    assert (await create(call, **{field: value}))[field] == shown
    path = f"/v1/endpoints/{(await create(call))['id']}"
    assert (await call("PATCH", path, json={field: value})).json()[field] == shown


async def test_no_endpoint_gets_more_shards_than_calls_at_a_time(call: Call) -> None:
    path = f"/v1/endpoints/{(await create(call, shards=64, concurrency=64))['id']}"
    refused: list[dict[str, Any]] = [{"concurrency": 63}, {"shards": 9, "concurrency": 8}]
    for change in refused:
        assert fields_of(await call("PATCH", path, json=change)) == {"shards"}
    assert (await call("PATCH", path, json={"shards": 8, "concurrency": 8})).json()["concurrency"] == 8
    assert fields_of(await call("PATCH", path, json={"shards": 9})) == {"shards"}
    assert fields_of(await call("POST", "/v1/endpoints", json=GOOD | {"shards": 17})) == {"shards"}


async def test_a_change_of_one_field_leaves_all_others_and_the_secret_alone(call: Call, db: Database) -> None:
    made = await create(
        call, event_types=["track.stopped"], definition_ids=["hip"], headers={"X-Key": "canary"}, concurrency=3
    )
    made.pop("secret")
    path = f"/v1/endpoints/{made['id']}"
    same = (await call("PATCH", path, json={})).json()
    assert same | {"updated_at": ""} == made | {"updated_at": ""}
    changes: dict[str, Any] = {"name": "n", "event_types": None, "headers": {}, "concurrency": 4, "rate_per_s": 2.5}
    for field, value in changes.items():
        changed = (await call("PATCH", path, json={field: value})).json()
        made |= {"header_names": []} if field == "headers" else {field: value}
        assert changed | {"updated_at": ""} == made | {"updated_at": ""}


async def test_enabled_is_set_by_its_own_routes_alone(call: Call) -> None:
    path = f"/v1/endpoints/{(await create(call, enabled=False))['id']}"
    assert fields_of(await call("PATCH", path, json={"enabled": True})) == {"enabled"}
    for _ in range(2):
        assert (await call("POST", f"{path}/enable", Role.OPERATOR)).json()["enabled"] is True
    for _ in range(2):
        assert (await call("POST", f"{path}/disable", Role.OPERATOR)).json()["enabled"] is False


async def test_a_secret_is_shown_once_and_there_are_never_more_than_two(call: Call) -> None:
    made = await create(call)
    path = f"/v1/endpoints/{made['id']}"
    seen = [made["secret"]]
    for _ in range(3):
        rotated = (await call("POST", f"{path}/rotate-secret")).json()
        assert rotated["secrets"] == 2
        seen.append(rotated["secret"])
    assert len(set(seen)) == 4
    for _ in range(2):
        retired = (await call("POST", f"{path}/retire-secret")).json()
        assert retired["secrets"] == 1
        assert "secret" not in retired
    for answer in (await call("GET", path), await call("GET", "/v1/endpoints")):
        assert not [secret for secret in seen if secret in answer.text]


async def test_each_change_is_published_in_order_and_a_deletion_as_a_tombstone(call: Call, db: Database) -> None:
    made = await create(call, headers={"X-Key": "canary"})
    path = f"/v1/endpoints/{made['id']}"
    await call("PATCH", path, json={"name": "renamed"})
    await call("POST", f"{path}/disable")
    assert (await call("PATCH", path, json={"name": ""})).status_code == 422
    await call("DELETE", path)
    async with db.connection() as connection:
        rows = await connection.fetch("select heads, bodies from outbox order by position")
    told = [one for row in rows for one in outbox.unpack(row["heads"], row["bodies"])]
    records = [one for one in told if one.topic == "dispatcher.endpoints"]
    assert {one.key for one in told} == {made["id"].encode()}
    published = [None if one.value is None else orjson.loads(one.value) for one in records]
    assert [one and (one["name"], one["enabled"]) for one in published] == [
        ("receiver", True),
        ("renamed", True),
        ("renamed", False),
        None,
    ]
    assert "canary" not in str(rows)
    assert made["secret"].removeprefix("whsec_") not in str(rows)


async def test_pages_of_endpoints_lead_to_the_end_although_the_one_they_go_on_from_is_deleted(call: Call) -> None:
    made = [(await create(call, name=str(n)))["id"] for n in range(5)]
    first = (await call("GET", "/v1/endpoints", params={"limit": 2})).json()
    assert (await call("DELETE", f"/v1/endpoints/{first['next_cursor']}")).status_code == 204
    rest = (await call("GET", "/v1/endpoints", params={"limit": 3, "cursor": first["next_cursor"]})).json()
    assert [one["id"] for one in first["items"] + rest["items"]] == made
    assert rest["next_cursor"] is None


@pytest.mark.parametrize(
    ("path", "params", "field"),
    [
        ("/v1/endpoints", {"limit": "0"}, "limit"),
        ("/v1/endpoints", {"limit": "201"}, "limit"),
        ("/v1/endpoints", {"limit": "canary"}, "limit"),
        ("/v1/endpoints", {"cursor": "canary"}, "cursor"),
        ("/v1/deliveries", {"limit": "0"}, "limit"),
        ("/v1/deliveries", {"limit": "201"}, "limit"),
        ("/v1/deliveries", {"endpoint_id": "canary"}, "endpoint_id"),
        ("/v1/deliveries", {"status": "canary"}, "status"),
    ],
)
async def test_a_bad_parameter_is_refused_by_name(call: Call, path: str, params: dict[str, str], field: str) -> None:
    answer = await call("GET", path, params=params)
    assert answer.status_code == 422, answer.text
    assert fields_of(answer) == {field}
    assert "canary" not in answer.text


@pytest.mark.parametrize(
    "inside",
    [
        b"",
        b"canary",
        b"\xff",
        b"2026-03-02T12:00:00.000Z",
        b"2026-03-02T12:00:00.000Z canary",
        b"2026-03-02T12:00:00.000 " + UNKNOWN.encode(),
        b"0001-01-01T00:00:00+10:00 " + UNKNOWN.encode(),
    ],
)
async def test_a_cursor_that_is_none_of_ours_is_refused(call: Call, inside: bytes) -> None:
    for cursor in (base64.urlsafe_b64encode(inside).decode(), "ä" + inside.decode("latin-1"), "A"):
        answer = await call("GET", "/v1/deliveries", params={"cursor": cursor})
        assert answer.status_code == 422 or cursor == "", answer.text
        assert "canary" not in answer.text


ENDS = (
    Retry(Slot(1, 5_000)),
    End(EndStatus.DELIVERED),
    End(EndStatus.FAILED, EndReason.EXHAUSTED),
    End(EndStatus.HELD, EndReason.ENDPOINT_DISABLED),
)
TYPES = ("track.stopped", "pathway.completed")
ENDPOINTS = (derived_id("endpoint", "one"), derived_id("endpoint", "two"))


async def log_deliveries(db: Database) -> list[dict[str, Any]]:
    """Write 16 deliveries of every kind, two of them at each moment; returns what filters look at."""
    log = an_attempt_log(db, FakeClock(NOON))
    made, records = [], []
    for number in range(16):
        at = int(NOON.timestamp() * 1000) + 60_000 * (number // 2)
        delivery = a_delivery(
            id=derived_id("delivery", str(number)),
            endpoint_id=ENDPOINTS[number % 2],
            event_id=f"event-{number}",
            event_type=TYPES[number // 2 % 2],
            event_at=at,
            attempt=1,
        )
        verdict = ENDS[number // 4]
        tried = Tried.of(new_id(), at, at + 5, Failure.TIMEOUT)
        entry = LogEntry.of(delivery, verdict, at, tried)
        records.append(Record("dispatcher.attempts", 0, number, 0, b"k", entry.encode(), ()))
        made.append(
            {
                "id": delivery.id,
                "endpoint_id": delivery.endpoint_id,
                "event_type": delivery.event_type,
                "event_id": delivery.event_id,
                "status": str(entry.status),
                "event_at": at,
            }
        )
    await log.handle(records)
    return made


async def pages(call: Call, limit: int, **filters: str) -> list[dict[str, Any]]:
    seen: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await call("GET", "/v1/deliveries", Role.VIEWER, params={"limit": limit} | filters | cursor)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert len(page["items"]) <= limit
        seen += page["items"]
        if page["next_cursor"] is None:
            return seen
        cursor = {"cursor": page["next_cursor"]}


async def test_every_mixture_of_filters_is_paged_to_its_end_newest_first_without_gap_or_repeat(
    call: Call, db: Database
) -> None:
    made = await log_deliveries(db)
    newest_first = sorted(made, key=lambda one: (one["event_at"], one["id"]), reverse=True)
    for filters in (
        {},
        {"endpoint_id": ENDPOINTS[0]},
        {"event_type": TYPES[1]},
        {"status": "held"},
        {"status": "retrying", "endpoint_id": ENDPOINTS[1]},
        {"event_id": "event-3"},
        {"event_id": "event-3", "status": "held"},
        {"endpoint_id": UNKNOWN},
    ):
        expected = [one["id"] for one in newest_first if filters.items() <= one.items()]
        for limit in (1, 3, 200):
            assert [one["id"] for one in await pages(call, limit, **filters)] == expected, (filters, limit)


async def test_a_page_that_ends_exactly_at_the_last_entry_leads_nowhere(call: Call, db: Database) -> None:
    await log_deliveries(db)
    page = (await call("GET", "/v1/deliveries", params={"limit": 16})).json()
    assert (len(page["items"]), page["next_cursor"]) == (16, None)


async def test_a_delivery_is_shown_with_its_attempts_and_its_event_s_place(call: Call, db: Database) -> None:
    made = await log_deliveries(db)
    shown = (await call("GET", f"/v1/deliveries/{made[0]['id']}", Role.VIEWER)).json()
    assert (shown["status"], shown["reason"], shown["attempts"]) == ("retrying", None, 1)
    assert (shown["event_topic"], shown["event_partition"], shown["event_offset"]) == ("carewire.events", 1, 42)
    [attempt] = shown["attempt_log"]
    assert (attempt["number"], attempt["failure"], attempt["status_code"]) == (1, "timeout", None)
    assert (attempt["duration_ms"], attempt["outcome"]) == (5, "retrying")
    held = (await call("GET", f"/v1/deliveries/{made[15]['id']}")).json()
    assert (held["status"], held["reason"], held["next_attempt_at"]) == ("held", "endpoint_disabled", None)


@pytest.mark.parametrize("path", ["/v1/endpoints", "/v1/deliveries"])
async def test_methods_that_a_route_does_not_have_are_refused_as_problems(call: Call, path: str) -> None:
    answer = await call("PUT", path, json={})
    assert answer.status_code == 405
    assert answer.headers["content-type"] == "application/problem+json"
