"""A definition that is published anew while accepted calls wait: each starts what it was validated against."""

import asyncio
import secrets
from typing import Any

import httpx

from carewire_testing import eventually
from carewire_testing_e2e.care_flows import instant_definition, payload_of, webhook_of
from carewire_testing_e2e.house import SETTLED_WITHIN_S, House, ok
from carewire_testing_e2e.more_processes import one_more

CALLS = 10
WEIGHT = {"id": "weight", "key": "weight", "title": "Weight", "value_type": "number"}


async def accepted(house: House, webhook: Any, payload: dict[str, Any]) -> str:
    """Call once; the request id."""
    return str((await ok(house.ingress.post(webhook["url"], json=payload)))["request_id"])


async def publish_by(api_url: str, house: House, definition: dict[str, Any]) -> Any:
    """Publish by a process that has no engine, so that what was accepted goes on waiting."""
    headers = {"authorization": f"Bearer {house.platform.api_key}"}
    path = f"/v1/definitions/{definition['id']}"
    async with httpx.AsyncClient(base_url=api_url, headers=headers, trust_env=False) as client:
        await ok(client.put(path, json=definition))
        return await ok(client.post(f"{path}/publish"))


async def test_calls_that_wait_start_the_release_that_they_were_validated_against(house: House) -> None:
    definition = instant_definition()
    first = await house.publish(definition)
    webhook = await house.open_webhook(webhook_of(definition))
    orchestrator = house.platform.supervisor["orchestrator"]
    assert await asyncio.to_thread(orchestrator.stop), "it ends in order"
    old: list[str] = [await accepted(house, webhook, payload_of(secrets.token_hex(6))) for _ in range(CALLS)]

    with one_more(house.platform, "orchestrator", "api") as (_, api_url):
        second = await publish_by(api_url, house, definition | {"data_points": [WEIGHT]})

        async def required_now() -> bool:
            answer = await house.ingress.post(webhook["url"], json=payload_of(secrets.token_hex(6)))
            if answer.status_code == 202:
                old.append(answer.json()["request_id"])
            return answer.status_code == 422

        await eventually(required_now, SETTLED_WITHIN_S)
    mapped = {"mapping": {"weight": "$.weight"}}
    await ok(house.ingress.patch(f"/v1/incoming-webhooks/{webhook['id']}", json=mapped))
    weighed = payload_of(secrets.token_hex(6)) | {"weight": 71.5}

    async def mapped_now() -> Any:
        answer = await house.ingress.post(webhook["url"], json=weighed)
        return answer.json()["request_id"] if answer.status_code == 202 else None

    new: list[str] = [await eventually(mapped_now, SETTLED_WITHIN_S)]
    new += [await accepted(house, webhook, payload_of(secrets.token_hex(6)) | {"weight": 64}) for _ in range(CALLS)]

    orchestrator.start()
    await asyncio.to_thread(house.platform.supervisor.wait_ready)
    for waited, release in ((old, first), (new, second)):
        for request_id in waited:
            request = await house.request(request_id)
            assert request["status"] == "SUCCESS"
            care_flow = await house.care_flow(request["care_flow_id"])
            assert (care_flow["release_id"], care_flow["version"]) == (release["release_id"], release["version"])
