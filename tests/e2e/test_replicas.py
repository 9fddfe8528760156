"""Ingress as two processes: whatever staff change at one of them is in force at the other within a second."""

import secrets
import time
from collections.abc import Awaitable
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from carewire_testing import eventually
from carewire_testing_e2e.care_flows import instant_definition, payload_of, webhook_of
from carewire_testing_e2e.house import SETTLED_WITHIN_S, House, maybe, ok
from carewire_testing_e2e.more_processes import one_more

pytestmark = pytest.mark.timed

EFFECTIVE_WITHIN_S = 1.0
TRIES = 5
V1 = "/v1/incoming-webhooks"


class Replica:
    """The other process, called like any sender calls it."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def answers(self, webhook: Any, status: int) -> None:
        """Wait until a call to the webhook is answered so."""

        async def answered() -> bool:
            path = urlsplit(webhook["url"]).path
            answer = await self._http.post(path, json=payload_of(secrets.token_hex(6)))
            return answer.status_code == status

        await eventually(answered, SETTLED_WITHIN_S, pause=0.005)

    async def follows(self, change: Awaitable[Any], status: int, webhook: Any = None) -> tuple[Any, float]:
        """Make a change at the first process; what that answered, and the seconds until this one follows."""
        answer = await change
        began = time.monotonic()
        await self.answers(webhook or answer, status)
        return answer, time.monotonic() - began


async def life_of(house: House, replica: Replica, wanted: Any) -> dict[str, float]:
    """Seconds until the replica followed each change in the life of one webhook."""
    created, birth = await replica.follows(ok(house.ingress.post(V1, json=wanted)), 409)
    path = f"{V1}/{created['id']}"
    _, enabled = await replica.follows(ok(house.ingress.post(f"{path}/enable")), 202)
    rotation = house.ingress.post(f"{path}/rotate-token", json={"overlap_seconds": 0})
    rotated, moved = await replica.follows(ok(rotation), 202)
    await replica.answers(created, 404)
    _, disabled = await replica.follows(ok(house.ingress.post(f"{path}/disable")), 409)
    _, deleted = await replica.follows(ok(house.ingress.delete(path)), 404, rotated)
    return {"create": birth, "enable": enabled, "rotate": moved, "disable": disabled, "delete": deleted}


async def test_a_change_is_in_force_at_another_process_within_a_second(house: House) -> None:
    definition = instant_definition()
    await house.publish(definition)
    wanted = webhook_of(definition)
    # From the first creation that is taken on, ingress knows the definition.
    known = await eventually(lambda: maybe(house.ingress.post(V1, json=wanted)), SETTLED_WITHIN_S)
    with one_more(house.platform, "ingress", "receiver") as (process, url):
        assert process.pid not in {None, house.platform.supervisor["ingress"].pid}
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=SETTLED_WITHIN_S) as http:
            replica = Replica(http)
            await replica.answers(known, 409)
            lives = [await life_of(house, replica, wanted) for _ in range(TRIES)]
    took = {change: median(life[change] for life in lives) for change in lives[0]}
    assert max(took.values()) < EFFECTIVE_WITHIN_S, took
