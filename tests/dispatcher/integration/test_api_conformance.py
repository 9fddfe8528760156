"""The management API answers whatever its description allows, and much that it does not, as it says it would."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import pytest
import pytest_asyncio
from schemathesis import GenerationMode

from carewire_dispatcher.domain.classify import Answer
from carewire_dispatcher.domain.ending import End, EndReason, EndStatus
from carewire_dispatcher.domain.log_entry import LogEntry, Tried
from carewire_dispatcher.settings import DispatcherSettings
from carewire_runtime.clock import SystemClock
from carewire_runtime.ids import new_id
from carewire_runtime.kafka.records import Record
from carewire_runtime.postgres.pool import Database
from carewire_testing.conformance import CONFORMING, bounded, by_mode, explore
from carewire_testing_dispatcher.deliveries import a_delivery
from carewire_testing_dispatcher.service import API_KEY, Client, in_process
from carewire_testing_dispatcher.stores import an_attempt_log
from carewire_testing_dispatcher.whole_api import routes

pytestmark = CONFORMING

BOUNDED = bounded(6)
"""Some forty operations in two ways, some seconds in all, and the same in each run."""

ROUTES: Final = sorted(routes(), key=lambda route: ("DELETE /v1/endpoints" in route, route))
"""Deleting endpoints comes last, so that the others find one."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def dispatcher(settings: DispatcherSettings) -> AsyncIterator[Client]:
    async with Client(settings) as client, in_process(settings, "api"):
        await client.ready()
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def known(settings: DispatcherSettings, dispatcher: Client) -> dict[str, str]:
    """Ids that lead somewhere: those made up never do."""
    made = await dispatcher.http.post("/v1/endpoints", json={"name": "Known", "url": "https://crm.example/hook"})
    ids = {"endpoint_id": made.json()["id"], "care_flow_id": new_id(), "delivery_id": new_id(), "attempt_id": new_id()}
    await failed(settings, ids)
    begun = await dispatcher.http.post(f"/v1/deliveries/{ids['delivery_id']}/retry")
    return ids | {"repair_id": begun.json()["id"]}


async def failed(settings: DispatcherSettings, ids: dict[str, str]) -> None:
    """The log knows an attempt that was answered, and failed."""
    db, at = Database(settings.postgres_dsn, "dispatcher"), int(datetime.now(UTC).timestamp() * 1000)
    fields = {"endpoint_id": ids["endpoint_id"], "care_flow_id": ids["care_flow_id"], "event_at": at}
    delivery = a_delivery(id=ids["delivery_id"], attempt=1, **fields)
    tried = Tried.of(ids["attempt_id"], at, at + 9, Answer(500))
    entry = LogEntry.of(delivery, End(EndStatus.FAILED, EndReason.EXHAUSTED), at + 9, tried)
    await db.start()
    await an_attempt_log(db, SystemClock()).handle([Record("a", 0, 0, 0, b"k", entry.encode(), ())])
    await db.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def schemas(dispatcher: Client) -> dict[GenerationMode, Any]:
    document = (await dispatcher.http.get("/openapi.json")).json()
    assert {f"{method.upper()} {path}" for path in document["paths"] for method in document["paths"][path]} == routes()
    return by_mode(document)


@pytest.mark.parametrize(
    ("route", "mode"),
    [
        pytest.param(route, mode, id=f"{route} {mode.value}")
        for route in ROUTES
        for mode in GenerationMode
        # A deletion has nothing but an id.
        if not (route.startswith("DELETE") and mode is GenerationMode.NEGATIVE)
    ],
)
async def test_every_answer_is_one_of_those_described(
    dispatcher: Client, schemas: dict[GenerationMode, Any], known: dict[str, str], route: str, mode: GenerationMode
) -> None:
    method, path = route.split(" ")
    operation = schemas[mode][path][method]
    base = str(dispatcher.http.base_url).rstrip("/")
    await asyncio.to_thread(partial(explore, operation, mode, base, API_KEY, known, BOUNDED))
