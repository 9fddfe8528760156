"""`carewire-ingress` as an operator meets it."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import httpx
import orjson

from carewire_local.stack import Stack
from carewire_runtime.sealing import Keyring
from carewire_testing.free_ports import free_port
from carewire_testing.waiting import eventually

COMMAND = Path(sys.executable).with_name("carewire-ingress")


async def start(environment: dict[str, str], *arguments: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(COMMAND, *arguments, env=environment, stdout=pipe, stderr=pipe)


async def test_serve_asks_for_setup_and_then_runs_until_it_is_stopped(
    stack: Stack, database_dsn: str, topic_prefix: str
) -> None:
    port = free_port()
    environment = os.environ | {
        "CAREWIRE_KAFKA_BOOTSTRAP": stack.kafka_bootstrap,
        "CAREWIRE_POSTGRES_DSN": database_dsn,
        "CAREWIRE_TOPIC_PREFIX": topic_prefix,
        "CAREWIRE_PARTITIONS": "2",
        "CAREWIRE_ENCRYPTION_KEYS": Keyring.generate(),
        "CAREWIRE_HTTP_PORT": str(port),
    }
    refused = await start(environment, "serve")
    _, told = await refused.communicate()
    assert refused.returncode == 78
    assert b"is missing" in told
    assert b"setup" in told

    prepared = await start(environment, "setup")
    printed, _ = await prepared.communicate()
    assert prepared.returncode == 0
    key = orjson.loads(printed)["api_key"]
    again = await start(environment, "setup")
    printed, _ = await again.communicate()
    assert (again.returncode, printed) == (0, b""), "setup may be repeated, and makes no second key"

    serving = await start(environment, "serve")
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:

            async def ready() -> bool:
                try:
                    return (await client.get("/readyz")).status_code == 200
                except httpx.TransportError:
                    return False

            await eventually(ready)
            listed = await client.get("/v1/incoming-webhooks", headers={"authorization": f"Bearer {key}"})
            assert listed.json() == {"items": [], "next_cursor": None}
        serving.send_signal(signal.SIGTERM)
        await asyncio.wait_for(serving.communicate(), 20)
        assert serving.returncode == 0
    finally:
        if serving.returncode is None:
            serving.kill()
            await serving.communicate()
