"""The example receivers, each as a process of its own: both do alike, whatever they are written in."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from standardwebhooks.webhooks import Webhook

from carewire_contracts.event_catalogue import EVENT_CATALOGUE
from carewire_local.examples import FOLDER, RECEIVER
from carewire_local.ports import is_free
from carewire_testing import node
from carewire_testing.plain_http import NO_AUTHORITIES

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = EVENT_CATALOGUE["pathway.completed"].example
_PORTS = range(29_000, 30_000)


@asynccontextmanager
async def _running(*command: str, **env: str) -> AsyncIterator["Running"]:
    process = await asyncio.create_subprocess_exec(
        *command, env=node.node_environment() | {"WEBHOOK_SECRET": SECRET} | env, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        url = json.loads(await process.stdout.readline())["listening"]
        async with httpx.AsyncClient(trust_env=False, verify=NO_AUTHORITIES) as client:
            yield Running(url, client, process.stdout)
    finally:
        process.terminate()
        await process.wait()


class Running:
    """A receiver that listens."""

    def __init__(self, url: str, client: httpx.AsyncClient, output: asyncio.StreamReader) -> None:
        self._url = url
        self._client = client
        self._output = output

    async def call(self, webhook_id: str, body: bytes = BODY, sent: bytes | None = None) -> httpx.Response:
        """Send it a body; with `sent` other bytes than those that are signed."""
        return await self._client.post(self._url, content=sent or body, headers=_signed(webhook_id, body))

    async def told(self) -> Any:
        """What it says next of what it got."""
        return json.loads(await asyncio.wait_for(self._output.readline(), 30))


@pytest.fixture(params=["python", "express"])
async def receiver(request: pytest.FixtureRequest) -> AsyncIterator[Running]:
    if request.param == "python":
        port = next(port for port in _PORTS if is_free(port))
        async with _running(sys.executable, str(RECEIVER), "--port", str(port)) as running:
            yield running
        return
    folder = FOLDER / "receivers" / "express"
    await asyncio.to_thread(node.install, folder)
    async with _running(str(node.NODE), str(folder / "server.js"), PORT="0") as running:
        yield running


def _signed(webhook_id: str, body: bytes) -> dict[str, str]:
    now = datetime.now(UTC)
    return {
        "content-type": "application/json",
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SECRET).sign(webhook_id, now, body.decode()),
    }


async def test_what_is_signed_is_taken_once_however_often_it_comes_and_altered_bytes_never(receiver: Running) -> None:
    assert (await receiver.call("msg_1", sent=BODY + b" ")).status_code == 401
    for _ in range(2):
        assert (await receiver.call("msg_1")).status_code == 204
    assert (await receiver.call("msg_2", EVENT_CATALOGUE["form.submitted"].example)).status_code == 204
    first, second = await receiver.told(), await receiver.told()
    assert first["received"] == "pathway.completed"
    assert first["care_flow_id"] == json.loads(BODY)["pathway"]["id"]
    assert second["received"] == "form.submitted", "the repeat was told of by nobody"


async def test_a_challenge_is_echoed_once_its_signature_is_verified(receiver: Running) -> None:
    body = json.dumps({"event_type": "endpoint.verification", "endpoint_id": "e", "challenge": "abc"}).encode()
    assert (await receiver.call("msg_1", body)).json() == {"challenge": "abc"}
    assert (await receiver.call("msg_1", body, sent=body.replace(b"abc", b"xyz"))).status_code == 401


async def test_without_a_secret_a_receiver_does_not_start() -> None:
    env = {name: value for name, value in os.environ.items() if name != "WEBHOOK_SECRET"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(RECEIVER), env=env, stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    assert process.returncode == 1
    assert b"Set WEBHOOK_SECRET" in said
