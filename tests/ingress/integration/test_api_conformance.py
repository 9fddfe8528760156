"""The management API answers whatever its description allows, and much that it does not, as it says it would."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import httpx
import pytest
import pytest_asyncio
from schemathesis import GenerationMode

from carewire_ingress.settings import IngressSettings
from carewire_testing.conformance import CONFORMING, bounded, by_mode, explore
from carewire_testing_ingress.running import API_KEY, RunningIngress, running
from carewire_testing_ingress.samples import DEFINITION_ID, PATHS, PAYLOAD

pytestmark = CONFORMING

BOUNDED = bounded(10)
"""Twenty operations in two ways, some seconds in all, and the same in each run."""

ROUTES = [
    ("POST", "/v1/incoming-webhooks"),
    ("GET", "/v1/incoming-webhooks"),
    ("GET", "/v1/incoming-webhooks/{webhook_id}"),
    ("PATCH", "/v1/incoming-webhooks/{webhook_id}"),
    ("POST", "/v1/incoming-webhooks/{webhook_id}/enable"),
    ("POST", "/v1/incoming-webhooks/{webhook_id}/disable"),
    ("POST", "/v1/incoming-webhooks/{webhook_id}/rotate-token"),
    ("POST", "/v1/incoming-webhooks/{webhook_id}/end-rotation"),
    ("POST", "/v1/incoming-webhooks/dry-run"),
    ("POST", "/v1/incoming-webhooks/{webhook_id}/dry-run"),
    ("GET", "/v1/incoming-webhooks/{webhook_id}/mapping-suggestions"),
    ("GET", "/v1/requests"),
    ("GET", "/v1/requests/export"),
    ("GET", "/v1/requests/{request_id}"),
    ("POST", "/v1/requests/resubmit"),
    ("POST", "/v1/requests/{request_id}/resubmit"),
    ("GET", "/v1/audit"),
    ("DELETE", "/v1/incoming-webhooks/{webhook_id}"),
]
"""Deleting comes last, so that the others find a webhook."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ingress(settings: IngressSettings) -> AsyncIterator[RunningIngress]:
    async with running(settings) as one:
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def known(ingress: RunningIngress) -> dict[str, str]:
    """Ids that lead somewhere: those made up never do."""
    webhook = await ingress.create(name="Known", definition_id=DEFINITION_ID, mapping=PATHS)
    tested = await ingress.called(webhook, PAYLOAD, 200, test=True)
    await ingress.logged(tested["request_id"], "TEST")
    return {"webhook_id": webhook["id"], "request_id": tested["request_id"]}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def schemas(ingress: RunningIngress) -> dict[GenerationMode, Any]:
    document = (await ingress.anyone.get("/openapi.json")).json()
    assert {(method.upper(), path) for path in document["paths"] for method in document["paths"][path]} == {
        *ROUTES,
        ("POST", "/hooks/{token}"),
        ("POST", "/hooks/{token}/test"),
    }
    return by_mode(document)


@pytest.mark.parametrize(
    ("method", "path", "mode"),
    [
        pytest.param(*route, mode, id=f"{' '.join(route)} {mode.value}")
        for route in ROUTES
        for mode in GenerationMode
        # A deletion has nothing but an id.
        if (route[0], mode) != ("DELETE", GenerationMode.NEGATIVE)
    ],
)
async def test_every_answer_is_one_of_those_described(
    ingress: RunningIngress,
    schemas: dict[GenerationMode, Any],
    known: dict[str, str],
    method: str,
    path: str,
    mode: GenerationMode,
) -> None:
    operation = schemas[mode][path][method]
    base = str(ingress.admin.base_url).rstrip("/")
    await asyncio.to_thread(partial(explore, operation, mode, base, API_KEY, known, BOUNDED))


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("key", [None, "cw_admin_wrong", "cw_viewer_" + "x" * 43])
async def test_no_route_opens_without_a_key(
    ingress: RunningIngress, known: dict[str, str], method: str, path: str, key: str | None
) -> None:
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    answer: httpx.Response = await ingress.anyone.request(method, path.format(**known), headers=headers)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"
