"""The newcomer's first command, and the example receiver in Node."""

import asyncio
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import httpx
from standardwebhooks.webhooks import Webhook

from carewire_contracts.event_catalogue import EVENT_CATALOGUE
from carewire_local.examples import FOLDER
from carewire_testing import node
from carewire_testing.leftovers import at_work_in


def test_the_demo_shows_the_journey_and_leaves_no_process_behind(stack_folder: Path) -> None:
    command = [str(Path(sys.executable).with_name("carewire")), "demo", "--state", str(stack_folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=170, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for step in ("202", "care flow started", "form submitted", "pathway.completed", "422"):
        assert step in done.stdout
    assert done.stdout.count("signature verified by the package standardwebhooks") == 2
    assert done.stdout.splitlines()[-1].startswith("Stopped; nothing is left running. Next:")
    assert at_work_in(stack_folder) == []


async def test_the_express_receiver_takes_what_is_signed_and_refuses_the_rest() -> None:
    folder = FOLDER / "receivers" / "express"
    node.install(folder)
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    env = {**node.node_environment(), "WEBHOOK_SECRET": secret, "PORT": "0"}
    process = await asyncio.create_subprocess_exec(
        str(node.NODE), str(folder / "server.js"), env=env, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        url = json.loads(await process.stdout.readline())["listening"]
        body = EVENT_CATALOGUE["pathway.completed"].example
        async with httpx.AsyncClient(trust_env=False) as client:
            assert (await client.post(url, content=body, headers=_signed(secret, body))).status_code == 204
            assert (await client.post(url, content=body + b" ", headers=_signed(secret, body))).status_code == 401
        told = json.loads(await process.stdout.readline())
        assert told["received"] == "pathway.completed"
    finally:
        process.terminate()
        await process.wait()


def _signed(secret: str, body: bytes) -> dict[str, str]:
    now = datetime.now(UTC)
    return {
        "content-type": "application/json",
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign("msg_1", now, body.decode()),
    }
