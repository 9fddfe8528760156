"""Ingress beside its ceiling: the same server, producer, record size and log line, with and without the logic."""

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

import orjson
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from tests.bench import report
from tests.bench.http_load import Outcome, closed_loop, post
from tests.bench.process_cpu import CpuMeter
from tests.bench.surroundings import PARTITIONS, address_of, settle

from carewire_local.examples import HIP_SURGERY, new_order
from carewire_local.platform import Platform
from carewire_local.ports import is_free
from carewire_testing import eventually
from carewire_testing_e2e.house import House, visit

CONNECTIONS = 64
CALLS = 6_000
PAIRS = 3
_TOPIC = "bench.bare"
_PORTS = range(28_000, 29_000)


@contextmanager
def bare_receiver(bootstrap: str, record_bytes: int) -> Iterator[tuple[int, int]]:
    """The ceiling as a process of its own; its port and pid."""
    port = next(port for port in _PORTS if is_free(port))
    command = [sys.executable, "-m", "tests.bench.bare_receiver", str(port), bootstrap, _TOPIC, str(record_bytes)]
    # To a file, as the supervisor lets the services log: a terminal or a closed pipe would cost something else.
    with tempfile.TemporaryFile() as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            yield port, process.pid
        finally:
            process.terminate()


async def _make_topic(bootstrap: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        config = {"message.timestamp.type": "LogAppendTime"}
        await admin.create_topics([NewTopic(_TOPIC, PARTITIONS, 1, topic_configs=config)])
    finally:
        await admin.close()


async def _open_webhook(house: House) -> str:
    await house.register_identifier_system()
    await house.publish(HIP_SURGERY.definition)
    webhook = await house.open_webhook(HIP_SURGERY.webhook)
    return str(webhook["url"])


async def measure(platform: Platform) -> None:
    """Print CPU per request of both, in interleaved pairs, and the ratio."""
    bootstrap = platform.stack.kafka_bootstrap
    await _make_topic(bootstrap)
    body = orjson.dumps(new_order())
    async with visit(platform) as house:
        host, port, path = address_of(await _open_webhook(house))
    # What else runs would take the cores that are being measured.
    for name in ("orchestrator", "dispatcher"):
        await asyncio.to_thread(platform.supervisor[name].stop)
    pid = platform.supervisor["ingress"].pid
    if pid is None:
        raise RuntimeError("ingress does not run")
    with bare_receiver(bootstrap, _record_bytes(body)) as (bare_port, bare_pid):
        await eventually(lambda: not is_free(bare_port), 30.0)
        request, bare_request = post(path, body), post("/hooks/bench", body)
        await _run(host, port, request, pid, CALLS // 4)
        await _run("127.0.0.1", bare_port, bare_request, bare_pid, CALLS // 4)
        pairs = [
            (
                await _run("127.0.0.1", bare_port, bare_request, bare_pid, CALLS),
                await _run(host, port, request, pid, CALLS),
            )
            for _ in range(PAIRS)
        ]
    _print(pairs)


def _record_bytes(body: bytes) -> int:
    """About what ingress writes for this body: the payload in base64, and 1 KiB of ids and mapped values."""
    return len(body) * 4 // 3 + 1024


async def _run(host: str, port: int, request: bytes, pid: int, calls: int) -> tuple[float, Outcome]:
    await settle(1.0)
    meter = CpuMeter({"server": [pid]})
    outcome = await closed_loop(host, port, lambda _: request, connections=CONNECTIONS, total=calls)
    if outcome.statuses != {202: calls}:
        raise RuntimeError(f"not every call was accepted: {outcome.statuses}")
    return meter.spent()["server"] / calls, outcome


def _print(pairs: list[tuple[tuple[float, Outcome], tuple[float, Outcome]]]) -> None:
    report.title(f"Ingress, {CONNECTIONS} connections, 4 mapped data points, log writer in the same process")
    for label, index in (("bare ceiling", 0), ("ingress", 1)):
        cost = median(pair[index][0] for pair in pairs)
        rate = median(pair[index][1].answered / pair[index][1].seconds for pair in pairs)
        p99 = median(pair[index][1].percentile(0.99) for pair in pairs)
        report.line(label, f"{cost * 1e6:6.0f} us CPU a request, {rate:.0f} a second, p99 {report.milliseconds(p99)}")
    ratios = sorted(bare[0] / ours[0] for bare, ours in pairs)
    shown = ", ".join(f"{ratio * 100:.0f} %" for ratio in ratios)
    report.line("of the ceiling per CPU second", f"{median(ratios) * 100:.0f} % (pairs: {shown})")


def run(platform: Platform) -> None:
    """Measure in an event loop of its own."""
    asyncio.run(measure(platform))
