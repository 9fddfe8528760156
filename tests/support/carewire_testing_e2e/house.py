"""The running house from outside: only its HTTP APIs, never its insides."""

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx

from carewire_contracts.topics import Topics
from carewire_local.examples import IDENTIFIER_SYSTEM
from carewire_local.platform import Platform
from carewire_testing import eventually
from carewire_testing.plain_http import NO_AUTHORITIES

SYSTEM = IDENTIFIER_SYSTEM["system"]
SETTLED_WITHIN_S = 30.0
"""A bound on how long a test waits for what usually takes milliseconds; a busy machine is allowed."""

FINAL = ("SUCCESS", "FAILED")


class House:
    """One test's view: clients of the three services, with an admin's key."""

    def __init__(self, platform: Platform, clients: Mapping[str, httpx.AsyncClient]) -> None:
        self.platform = platform
        self.ingress = clients["ingress"]
        self.orchestrator = clients["orchestrator"]
        self.dispatcher = clients["dispatcher"]
        self._endpoint_ids: list[str] = []

    async def publish(self, definition: Mapping[str, Any]) -> Any:
        """Save and publish a definition; the answer is its release."""
        path = f"/v1/definitions/{definition['id']}"
        await ok(self.orchestrator.put(path, json=definition))
        return await ok(self.orchestrator.post(f"{path}/publish"))

    async def register_identifier_system(self) -> None:
        """Register the examples' identifier system, unless it is."""
        answer = await self.orchestrator.post("/v1/identifier-systems", json=IDENTIFIER_SYSTEM)
        assert answer.status_code in (201, 409), answer.text

    async def open_webhook(self, webhook: Mapping[str, Any]) -> Any:
        """Create an incoming webhook and enable it, once ingress knows the definition."""
        path = "/v1/incoming-webhooks"
        created = await eventually(lambda: maybe(self.ingress.post(path, json=webhook)), SETTLED_WITHIN_S)
        enabled = await ok(self.ingress.post(f"{path}/{created['id']}/enable"))
        return await self._until_effective(enabled)

    async def _until_effective(self, webhook: Any) -> Any:
        async def is_open() -> bool:
            # No JSON: refused by an open webhook as well, so that nothing starts.
            headers = {"content-type": "application/json"}
            return (await self.ingress.post(webhook["url"], content=b"{", headers=headers)).status_code == 422

        await eventually(is_open, SETTLED_WITHIN_S)
        return webhook

    async def subscribe(self, url: str, *event_types: str, **fields: Any) -> Any:
        """Create an endpoint for some event types, or for all, once the dispatcher knows it; the answer has its secret.

        What is spread before that is not for this endpoint, and never will be.
        """
        # Else one that is deleted and not yet forgotten would be taken for the one that is new.
        await eventually(self._are_endpoints_known, SETTLED_WITHIN_S)
        named = {"name": f"subscriber {secrets.token_hex(4)}", "url": url, "event_types": list(event_types) or None}
        created = await ok(self.dispatcher.post("/v1/endpoints", json=named | fields))
        self._endpoint_ids.append(created["id"])
        await eventually(self._are_endpoints_known, SETTLED_WITHIN_S)
        return created

    async def _are_endpoints_known(self) -> bool:
        """Whether fan-out and worker, one process here, know of as many endpoints as there are."""
        page = await maybe(self.dispatcher.get("/v1/endpoints", params={"limit": 200}))
        try:
            metrics = await self.dispatcher.get("/metrics")
        except httpx.TransportError:
            return False
        topic = Topics(self.platform.env.get("CAREWIRE_TOPIC_PREFIX", "")).endpoints.name
        name = f'carewire_table_entries{{topic="{topic}"}} '
        known = [float(line.removeprefix(name)) for line in metrics.text.splitlines() if line.startswith(name)]
        return page is not None and known == [len(page["items"])]

    async def unsubscribe(self, endpoint: Any) -> None:
        """Delete an endpoint of this test."""
        self._endpoint_ids.remove(endpoint["id"])
        await ok(self.dispatcher.delete(f"/v1/endpoints/{endpoint['id']}"))

    async def unsubscribe_all(self) -> None:
        """Delete the endpoints of this test: its receiver is going."""
        for endpoint_id in self._endpoint_ids:
            await ok(self.dispatcher.delete(f"/v1/endpoints/{endpoint_id}"))

    async def request(self, request_id: str) -> Any:
        """A request's details once it has ended."""

        async def ended() -> Any:
            answer = await self.ingress.get(f"/v1/requests/{request_id}")
            return answer.json() if answer.is_success and answer.json()["status"] in FINAL else None

        return await eventually(ended, SETTLED_WITHIN_S)

    async def care_flow(self, care_flow_id: str) -> Any:
        """A care flow's details."""
        return await ok(self.orchestrator.get(f"/v1/care-flows/{care_flow_id}"))

    async def care_flows_of(self, patient_id: str) -> list[Any]:
        """All care flows of a patient."""
        page = await ok(self.orchestrator.get("/v1/care-flows", params={"patient_id": patient_id, "limit": 100}))
        return list(page["items"])

    async def submit(self, care_flow_id: str, answers: Mapping[str, Any]) -> Any:
        """Answer the form that waits in a care flow."""
        form = next(
            activity
            for activity in (await self.care_flow(care_flow_id))["activities"]
            if activity["kind"] == "form" and activity["status"] == "active"
        )
        return await ok(self.orchestrator.post(f"/v1/activities/{form['id']}/submit", json={"answers": answers}))

    async def deliveries(self, endpoint_id: str) -> list[Any]:
        """The deliveries of an endpoint as the log has them, with their attempts."""
        page = await ok(self.dispatcher.get("/v1/deliveries", params={"endpoint_id": endpoint_id, "limit": 200}))
        return [await ok(self.dispatcher.get(f"/v1/deliveries/{one['id']}")) for one in page["items"]]


@asynccontextmanager
async def visit(platform: Platform) -> AsyncIterator[House]:
    """Open clients of a running platform."""
    headers = {"authorization": f"Bearer {platform.api_key}"}
    clients = {
        name: httpx.AsyncClient(base_url=url, headers=headers, timeout=30, trust_env=False, verify=NO_AUTHORITIES)
        for name, url in platform.urls.items()
    }
    try:
        house = House(platform, clients)
        yield house
        await house.unsubscribe_all()
    finally:
        for client in clients.values():
            await client.aclose()


async def ok(pending: Any) -> Any:
    """The JSON of an answer that has to be a success."""
    answer: httpx.Response = await pending
    assert answer.is_success, f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text}"
    return answer.json() if answer.content else None


async def maybe(pending: Any) -> Any:
    """The JSON of an answer, None where it is a refusal or nobody answers: for what takes a moment to be effective."""
    try:
        answer: httpx.Response = await pending
    except httpx.TransportError:
        return None
    return answer.json() if answer.is_success else None
