"""The management API answers whatever its description allows, and much that it does not, as it says it would."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import pytest
import pytest_asyncio
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from carewire_dispatcher.domain.classify import Answer
from carewire_dispatcher.domain.ending import End, EndReason, EndStatus
from carewire_dispatcher.domain.log_entry import LogEntry, Tried
from carewire_dispatcher.settings import DispatcherSettings
from carewire_runtime.clock import SystemClock
from carewire_runtime.ids import new_id
from carewire_runtime.kafka.records import Record
from carewire_runtime.postgres.pool import Database
from carewire_testing.openapi import without_rules_in_rules
from carewire_testing_dispatcher.deliveries import a_delivery
from carewire_testing_dispatcher.service import API_KEY, Client, in_process
from carewire_testing_dispatcher.stores import an_attempt_log
from carewire_testing_dispatcher.whole_api import routes

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    # The service, which runs in another thread, may draw from `random` while a case is made.
    pytest.mark.filterwarnings("ignore:Do not use the `random` module:hypothesis.errors.HypothesisDeprecationWarning"),
]

BOUNDED = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=6,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
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
    return {
        GenerationMode.POSITIVE: schemathesis.openapi.from_dict(document),
        GenerationMode.NEGATIVE: schemathesis.openapi.from_dict(without_rules_in_rules(document)),
    }


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("route", ROUTES)
async def test_every_answer_is_one_of_those_described(
    dispatcher: Client, schemas: dict[GenerationMode, Any], known: dict[str, str], route: str, mode: GenerationMode
) -> None:
    method, path = route.split(" ")
    if mode is GenerationMode.NEGATIVE and method == "DELETE":
        pytest.skip("a deletion has nothing but an id")
    operation = schemas[mode][path][method]
    await asyncio.to_thread(partial(explore, operation, mode, str(dispatcher.http.base_url).rstrip("/"), known))


def explore(operation: Any, mode: GenerationMode, base: str, known: dict[str, str]) -> None:
    with requests.Session() as session:
        session.headers["authorization"] = f"Bearer {API_KEY}"

        @BOUNDED
        @given(case=operation.as_strategy(generation_mode=mode), is_known=st.booleans())
        def every(case: Any, is_known: bool) -> None:
            if is_known:
                case.path_parameters = {name: known.get(name, id_) for name, id_ in case.path_parameters.items()}
            answer = case.call(base_url=base, session=session, timeout=10)
            assert answer.status_code < 500 or answer.status_code == 503
            if mode is GenerationMode.POSITIVE:
                assert answer.status_code not in (400, 401, 403)
            # What is not even HTTP as described may miss the route, which then is not the one to answer.
            if answer.status_code not in (404, 405) or mode is GenerationMode.POSITIVE:
                case.validate_response(
                    answer,
                    checks=[status_code_conformance, content_type_conformance, response_schema_conformance],
                )

        every()
