"""A downstream team installs `carewire-contracts` alone, and reads with it what Carewire sends."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook

from carewire_contracts import freeze
from carewire_contracts.envelope import Envelope
from carewire_contracts.event_catalogue import EVENT_CATALOGUE

PROJECT = Path(__file__).parents[3] / "libs" / "contracts"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = EVENT_CATALOGUE["pathway.completed"].example

PROGRAM = """
import importlib.util, json, sys
given = json.loads(sys.stdin.read())
body = given["body"].encode()
print("alone", not any(importlib.util.find_spec(name) for name in given["others"]))
print("verified", receive(body, given["headers"], given["secret"]))
print("forged", receive(body + b" ", given["headers"], given["secret"]))
print("unknown", receive(given["unknown"].encode(), given["unknown_headers"], given["secret"]))
consume([(name, value.encode()) for name, value in given["record_headers"]], body)
"""
OTHERS = ("carewire_runtime", "carewire_ingress", "carewire_orchestrator", "carewire_dispatcher", "carewire_local")


def uv(*arguments: str | Path) -> None:
    program = os.environ.get("UV") or shutil.which("uv")
    assert program, "uv runs the tests, so it is there"
    subprocess.run([program, "--quiet", *arguments], check=True, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    uv("build", "--wheel", "--out-dir", folder, PROJECT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the wheel and what it depends on, nothing else."""
    home = tmp_path_factory.mktemp("downstream") / "venv"
    uv("venv", "--no-project", "--python", sys.executable, home)
    uv("pip", "install", "--python", home, wheel)
    return home / "bin" / "python"


def snippets() -> str:
    """The code of the README."""
    return "\n".join(re.findall(r"```python\n(.*?)```", (PROJECT / "README.md").read_text(), re.DOTALL))


def signed(body: bytes) -> dict[str, str]:
    """Headers of a call as the official library of Standard Webhooks makes them."""
    now = datetime.now(UTC)
    signature = Webhook(SECRET).sign("msg_1", now, body.decode())
    return {"webhook-id": "msg_1", "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature}


def said(python: Path, arguments: Sequence[str], **given: object) -> list[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL"))}
    done = subprocess.run(
        [python, "-I", *arguments],
        input=json.dumps(given),
        env=environment,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout.splitlines()


def test_the_readme_s_code_verifies_a_webhook_and_reads_a_record(python: Path) -> None:
    unknown = '{"event_type": "of.tomorrow"}'
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    envelope = Envelope("evt_1", "pathway.completed", "carewire/orchestrator", moment, "care-flow-1", sequence=18)
    lines = said(
        python,
        ["-c", snippets() + PROGRAM],
        body=BODY.decode(),
        headers=signed(BODY),
        secret=SECRET,
        unknown=unknown,
        unknown_headers=signed(unknown.encode()),
        record_headers=[(name, value.decode()) for name, value in envelope.headers()],
        others=OTHERS,
    )
    assert lines[0] == "alone True"
    care_flow_id = json.loads(BODY)["pathway"]["id"]
    assert lines[1:5] == [f"msg_1 completed {care_flow_id}", "verified 204", "forged 401", "unknown 204"]
    assert lines[5].startswith("evt_1 pathway.completed care-flow-1 18 event_type='pathway.completed'")


def test_the_wheel_holds_what_is_published_and_no_other_package(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    published = {str(path.relative_to(PROJECT)) for path in freeze.published_files()}
    examples = {f"carewire_contracts/examples/{name}.json" for name in EVENT_CATALOGUE}
    assert published | examples | {"carewire_contracts/py.typed"} <= held
    assert {name.partition("/")[0].partition("-")[0] for name in held} == {"carewire_contracts"}
