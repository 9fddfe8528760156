"""The management API answers whatever its description allows, and much that it does not, as it says it would."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Any

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

from carewire_local.stack import Stack
from carewire_orchestrator import app
from carewire_testing.openapi import without_rules_in_rules
from carewire_testing_orchestrator.by_hand import told
from carewire_testing_orchestrator.definitions import checklist, delay, designed, message, track
from carewire_testing_orchestrator.running import API_KEY, Running, running, settings_for
from carewire_testing_orchestrator.whole_api import routes

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
"""Sixty operations in two ways, half a minute in all, and the same in each run."""
FEW = settings(BOUNDED, max_examples=1)
LARGE = {"PUT /v1/definitions/{definition_id}"}
"""What takes a whole definition: one is drawn as long as all bodies of thirty other routes."""

LONG = designed(
    track(
        "main",
        {"do": [checklist("ask"), message("hello")], "after": []},
        [("start", "do"), ("start", "wait"), ("wait", "after")],
        [delay("wait", 9, "day")],
    )
)


def _last_to_be_called(route: str) -> tuple[int, str, str]:
    """What ends things comes last, so that the others find them."""
    method, path = route.split()
    ends = path.endswith(("/merge", "/stop", "/pause", "/expire", "/remove")) or method == "DELETE"
    return ends + 2 * (method == "DELETE"), path, method


ROUTES = sorted(routes(), key=_last_to_be_called)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def orchestrator(stack: Stack, database_dsn: str, topic_prefix: str) -> AsyncIterator[Running]:
    made = settings_for(stack.kafka_bootstrap, database_dsn, topic_prefix)
    await app.setup(made)
    async with running(made, frozenset({app.API})) as one:
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def known(orchestrator: Running) -> dict[str, str]:
    """Ids that lead somewhere: those made up never do."""
    definition_id, release_id = await orchestrator.publish(LONG)
    care_flow = told(await orchestrator.api.post("/v1/care-flows", json={"definition_id": definition_id}), 201)
    session = told(await orchestrator.api.post("/v1/sessions", json={"care_flow_id": care_flow["id"]}), 201)
    return {
        "definition_id": definition_id,
        "release_id": release_id,
        "name": "KEY",
        "patient_id": care_flow["patient_id"],
        "care_flow_id": care_flow["id"],
        "track_id": "main",
        "timer_id": care_flow["activities"][0]["id"],
        "activity_id": care_flow["activities"][0]["id"],
        "session_id": session["id"],
    }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def schemas(orchestrator: Running) -> dict[GenerationMode, Any]:
    document = (await orchestrator.api.get("/openapi.json")).json()
    return {
        GenerationMode.POSITIVE: schemathesis.openapi.from_dict(document),
        GenerationMode.NEGATIVE: schemathesis.openapi.from_dict(without_rules_in_rules(document)),
    }


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("route", ROUTES)
async def test_every_answer_is_one_of_those_described(
    orchestrator: Running,
    schemas: dict[GenerationMode, Any],
    known: dict[str, str],
    route: str,
    mode: GenerationMode,
) -> None:
    method, path = route.split()
    base = str(orchestrator.api.base_url).rstrip("/")
    bounds = FEW if route in LARGE else BOUNDED
    await asyncio.to_thread(partial(explore, schemas[mode][path][method], mode, base, known, bounds))


def explore(operation: Any, mode: GenerationMode, base: str, known: Mapping[str, str], bounds: settings) -> None:
    with requests.Session() as session:
        session.headers["authorization"] = f"Bearer {API_KEY}"

        @bounds
        @given(case=operation.as_strategy(generation_mode=mode), is_known=st.booleans())
        def every(case: Any, is_known: bool) -> None:
            if is_known:
                case.path_parameters = {name: known[name] for name in case.path_parameters}
            answer = case.call(base_url=base, session=session, timeout=10)
            assert answer.status_code < 500
            if mode is GenerationMode.POSITIVE:
                assert answer.status_code not in (401, 403, 405)
            # What is not even HTTP as described may miss the route, which then is not the one to answer.
            missed = answer.status_code in (404, 405) or "not well-formed HTTP" in answer.text
            if not missed or mode is GenerationMode.POSITIVE:
                case.validate_response(
                    answer,
                    checks=[status_code_conformance, content_type_conformance, response_schema_conformance],
                )

        every()
