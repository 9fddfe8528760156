"""The command itself: setup, serve, an ordered stop, and kill -9 in the middle of the work."""

import asyncio
import os
import signal
import sys
from collections import Counter
from pathlib import Path

import httpx
import orjson
import pytest

from carewire_orchestrator import app
from carewire_orchestrator.settings import OrchestratorSettings
from carewire_testing import eventually
from carewire_testing.plain_http import NO_AUTHORITIES
from carewire_testing_orchestrator.calls import accepted, mrn
from carewire_testing_orchestrator.running import running

COMMAND = Path(sys.executable).with_name("carewire-orchestrator")


def environment(settings: OrchestratorSettings, **changes: str) -> dict[str, str]:
    return {
        **os.environ,
        "CAREWIRE_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "CAREWIRE_POSTGRES_DSN": settings.postgres_dsn,
        "CAREWIRE_TOPIC_PREFIX": settings.topic_prefix,
        "CAREWIRE_PARTITIONS": str(settings.partitions),
        "CAREWIRE_ENCRYPTION_KEYS": settings.encryption_keys,
        "CAREWIRE_HTTP_PORT": "0",
        **changes,
    }


async def run(*arguments: str, env: dict[str, str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        COMMAND, *arguments, env=env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )


async def test_setup_tells_the_first_key_once(settings: OrchestratorSettings) -> None:
    prefixed = environment(settings, CAREWIRE_TOPIC_PREFIX=f"{settings.topic_prefix}other-")
    again = await run("setup", env=prefixed)
    out, _ = await again.communicate()
    assert (again.returncode, out) == (0, b""), "a key of that name lives already"


async def test_serve_without_setup_says_the_cure_and_leaves_with_78(settings: OrchestratorSettings) -> None:
    process = await run("serve", env=environment(settings, CAREWIRE_TOPIC_PREFIX=f"{settings.topic_prefix}never-"))
    _, errors = await process.communicate()
    assert process.returncode == 78
    assert b"setup" in errors.splitlines()[-1]


async def test_an_ordered_stop_leaves_with_0(settings: OrchestratorSettings) -> None:
    process = await run("serve", env=environment(settings))
    assert process.stderr is not None
    port = None
    while port is None:
        line = orjson.loads(await asyncio.wait_for(process.stderr.readline(), 20))
        port = line.get("port") if line["event"] == "listening" else None
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, verify=NO_AUTHORITIES) as client:
        document = (await client.get("/openapi.json")).json()
        assert "/v1/care-flows" in document["paths"]
        assert (await client.get("/v1/care-flows")).status_code == 401
        assert (await client.get("/metrics")).status_code == 200
    process.send_signal(signal.SIGTERM)
    _, rest = await process.communicate()
    assert process.returncode == 0, rest


@pytest.mark.parametrize("after", [1, 120])
async def test_kill_9_in_the_middle_loses_nothing_and_doubles_nothing(
    settings: OrchestratorSettings, after: int
) -> None:
    async with running(settings, frozenset({app.API})) as orchestrator:
        release = await orchestrator.publish()
        requests = [accepted(*release, identifiers=(mrn(f"kill-{after}-{n % 100}"),)) for n in range(400)]
        count = "SELECT count(*) AS found FROM care_flow WHERE definition_id = $1"

        async def some() -> bool:
            return bool((await orchestrator.query(count, release[0]))[0]["found"] >= after)

        first = await run("serve", "--roles", "engine", env=environment(settings))
        await orchestrator.accept(requests)
        await eventually(some, 20, pause=0.001)
        first.kill()
        await first.communicate()

        second = await run("serve", "--roles", "engine", env=environment(settings))
        try:
            ended = await orchestrator.final_statuses(requests)
        finally:
            second.terminate()
            await second.communicate()

        assert {one["status"] for one in ended.values()} == {"SUCCESS"}
        care_flows = {one["care_flow_id"] for one in ended.values()}
        assert len(care_flows) == 400
        assert (await orchestrator.query(count, release[0]))[0]["found"] == 400
        assert len({one["patient_id"] for one in ended.values()}) == 100

        async def all_told() -> dict[str, str]:
            told = {
                one.headers["ce_id"]: one.headers["ce_subject"]
                for one in await orchestrator.told(settings.topics.events)
                if one.headers["ce_subject"] in care_flows
            }
            assert set(Counter(told.values()).values()) == {6}
            return told

        assert await eventually(all_told, 20)
