"""The management API answers whatever its description allows, and much that it does not, as it says it would."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest
import pytest_asyncio
from schemathesis import GenerationMode

from carewire_local.stack import Stack
from carewire_orchestrator import app
from carewire_testing.conformance import CONFORMING, FAULTS, bounded, by_mode, explore
from carewire_testing_orchestrator.by_hand import told
from carewire_testing_orchestrator.definitions import checklist, delay, designed, message, track
from carewire_testing_orchestrator.running import API_KEY, Running, running, settings_for
from carewire_testing_orchestrator.whole_api import routes

pytestmark = CONFORMING

BOUNDED = bounded(6)
"""Sixty operations in two ways, half a minute in all, and the same in each run."""
FEW = bounded(1)
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
    return by_mode(document)


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
    exploring = partial(explore, schemas[mode][path][method], mode, base, API_KEY, known, bounds)
    await asyncio.to_thread(partial(exploring, faults=FAULTS, refusals=(401, 403, 405)))
