"""Ingress beside its ceiling: the same server, producer, record and log line, with and without the logic.

Both run as processes of their own that log to a file, take turns at going first, and are asked for the same; the ratio
is of CPU seconds by the kernel's accounting, so that whatever else the machine does counts against both alike.
"""

import asyncio
import hashlib
import hmac
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any, Final

import httpx
import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from tests.bench import report
from tests.bench.bare_receiver import write_record
from tests.bench.http_load import Outcome, closed_loop, post
from tests.bench.process_cpu import CpuMeter
from tests.bench.surroundings import PARTITIONS, address_of, settle

from carewire_contracts.topics import Topics
from carewire_local.examples import HIP_SURGERY, new_order
from carewire_local.platform import Platform
from carewire_local.ports import is_free
from carewire_testing import eventually
from carewire_testing_bench.figures import Against, Ratio
from carewire_testing_e2e.house import House, ok, visit

PAIRS: Final = 4
"""An even number, so that each goes first as often as the other: a machine that grows slower meanwhile favours none."""
_TOPIC: Final = "bench.bare"
_PORTS: Final = range(28_000, 29_000)
_MORE_POINTS: Final[Mapping[str, tuple[str, str]]] = {
    "order_number": ("string", "$.identifier[0].value"),
    "order_status": ("string", "$.status"),
    "ordered_at": ("date", "$.authoredOn"),
    "ordered_by": ("string", "$.requester.display"),
}
"""What makes eight mapped data points of the example's four."""
_SECRET: Final = "what GitHub and we know"
_GUARDS: Final[Mapping[str, Any]] = {
    "sender": {"scheme": "github", "secrets": [_SECRET]},
    "filter": {"all": [{"reference": "$.status", "operator": "is_equal_to", "operand": "active"}]},
}
_MANY: Final = 10_000
_AT_ONCE: Final = 16


@dataclass(frozen=True)
class Case:
    """One comparison. `guarded` calls are signed and filtered; `roles` are those of the ingress process."""

    points: int
    connections: int
    calls: int
    guarded: bool = False
    roles: str = "receiver"

    def __str__(self) -> str:
        guards = ", a verified signature and a filter" if self.guarded else ""
        beside = "" if self.roles == "receiver" else ", log writer in the same process"
        return f"{self.connections} connections, {self.points} mapped data points{guards}{beside}"


CASES: Final = (
    Case(points=8, connections=1, calls=1_500, guarded=True),
    Case(points=8, connections=16, calls=6_000, guarded=True),
    Case(points=8, connections=64, calls=8_000, guarded=True),
    Case(points=8, connections=256, calls=8_000, guarded=True),
    Case(points=8, connections=64, calls=8_000),
    Case(points=4, connections=64, calls=8_000),
    Case(points=8, connections=64, calls=8_000, guarded=True, roles="receiver,log-writer"),
)
_OF_MANY: Final = Case(points=8, connections=64, calls=8_000, guarded=True)


@dataclass(frozen=True)
class Server:
    """A process that answers calls."""

    host: str
    port: int
    pid: int


Run = tuple[float, Outcome]
"""CPU seconds a call, and what came of the load."""
Pair = tuple[Run, Run]
"""Of the ceiling and of ingress."""


@contextmanager
def _process(command: Sequence[str], host: str, port: int, env: Mapping[str, str] | None = None) -> Iterator[Server]:
    # To a file, as the supervisor lets the services log: a terminal or a closed pipe would cost something else.
    with tempfile.TemporaryFile() as log, subprocess.Popen(command, stdout=log, stderr=log, env=env) as process:
        try:
            yield Server(host, port, process.pid)
        finally:
            process.terminate()


def _bare(bootstrap: str, record: Path) -> Any:
    port = next(port for port in _PORTS if is_free(port))
    arguments = [str(port), bootstrap, _TOPIC, str(PARTITIONS), str(record)]
    return _process([sys.executable, "-m", "tests.bench.bare_receiver", *arguments], "127.0.0.1", port)


def _ingress(platform: Platform, roles: str) -> Any:
    host, port, _ = address_of(platform.urls["ingress"] + "/")
    program = str(Path(sys.executable).with_name("carewire-ingress"))
    env = {**platform.env, "CAREWIRE_HTTP_HOST": host, "CAREWIRE_HTTP_PORT": str(port)}
    return _process([program, "serve", "--roles", roles], host, port, env)


async def _make_topic(bootstrap: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        config = {"message.timestamp.type": "LogAppendTime"}
        await admin.create_topics([NewTopic(_TOPIC, PARTITIONS, 1, topic_configs=config)])
    finally:
        await admin.close()


def _with_more_points() -> tuple[dict[str, Any], dict[str, Any]]:
    """The example's definition and webhook, widened."""
    definition, webhook = dict(HIP_SURGERY.definition), dict(HIP_SURGERY.webhook)
    definition["id"] = webhook["definition_id"] = "hip-surgery-eight-points"
    definition["data_points"] = [
        *definition["data_points"],
        *({"id": key, "key": key, "title": key, "value_type": kind} for key, (kind, _) in _MORE_POINTS.items()),
    ]
    webhook["mapping"] = {**webhook["mapping"], **{key: path for key, (_, path) in _MORE_POINTS.items()}}
    return definition, webhook


async def _open_webhooks(house: House) -> dict[tuple[int, bool], str]:
    """Paths by the number of mapped data points, and whether calls are signed and filtered."""
    await house.register_identifier_system()
    four, eight = (HIP_SURGERY.definition, HIP_SURGERY.webhook), _with_more_points()
    paths: dict[tuple[int, bool], str] = {}
    for points, (definition, webhook) in {4: four, 8: eight}.items():
        await house.publish(definition)
        paths[points, False] = address_of((await house.open_webhook(webhook))["url"])[2]
    guarded = await house.open_webhook(eight[1])
    await ok(house.ingress.patch(f"/v1/incoming-webhooks/{guarded['id']}", json=_GUARDS))

    async def is_guarded() -> bool:
        return (await house.ingress.post(guarded["url"], json={})).status_code == 401

    await eventually(is_guarded)
    paths[8, True] = address_of(guarded["url"])[2]
    return paths


async def _stop_services(platform: Platform) -> None:
    """They would take what is measured."""
    for service in list(platform.supervisor):
        await asyncio.to_thread(service.stop)


async def _ready(server: Server) -> None:
    async with httpx.AsyncClient(base_url=f"http://{server.host}:{server.port}") as client:

        async def answers() -> bool:
            try:
                return (await client.get("/readyz")).is_success
            except httpx.TransportError:
                return False

        await eventually(answers, 30.0)


async def _written(platform: Platform, server: Server, request: bytes, file: Path) -> None:
    """Make one call, and keep the record that ingress wrote for it."""
    bootstrap, topic = platform.stack.kafka_bootstrap, Topics().requests.name
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, number) for number in range(PARTITIONS)])
        await consumer.seek_to_end()
        await closed_loop(server.host, server.port, lambda _: request, connections=1, total=1)
        record = await consumer.getone()
        write_record(file, record.value or b"", record.headers)
    finally:
        await consumer.stop()


async def measure(platform: Platform) -> None:
    """Print CPU per request of both, in interleaved pairs, and the ratio."""
    await _make_topic(platform.stack.kafka_bootstrap)
    async with visit(platform) as house:
        paths = await _open_webhooks(house)
        await _stop_services(platform)
        for case in CASES:
            _print(case, await _compared(platform, case, paths))
        few = await _compared(platform, _OF_MANY, paths)
        await _configure_many(platform, house)
        many = await _compared(platform, _OF_MANY, paths)
    report.title(f"Ingress, {_OF_MANY}: {len(paths)} webhooks configured, and {_MANY:,} more")
    reached = []
    for label, pairs in ((f"{len(paths)} webhooks", few), (f"{_MANY:,} more", many)):
        bare, ours = (median(pair[index][0] for pair in pairs) * 1e6 for index in (0, 1))
        reached.append(median(_ratios(pairs)))
        shown = f"{ours:6.0f} us CPU a request, {reached[-1] * 100:.0f} % of the ceiling of {bare:.0f} us"
        report.line(label, shown, Ratio(reached[-1], Against.CEILING))
    # Both beside the ceilings of their own minutes: the machine may have changed while webhooks were created.
    grown = Ratio(reached[0] / reached[1], Against.GROWTH)
    report.line(f"{_MANY:,} more webhooks", f"{grown} the CPU a request, beside the ceiling", grown)


async def _compared(platform: Platform, case: Case, paths: Mapping[tuple[int, bool], str]) -> list[Pair]:
    body, path = orjson.dumps(new_order()), paths[case.points, case.guarded]
    signature = hmac.new(_SECRET.encode(), body, hashlib.sha256).hexdigest()
    signed = f"x-hub-signature-256: sha256={signature}\r\n" if case.guarded else ""
    with tempfile.NamedTemporaryFile() as kept, _ingress(platform, case.roles) as ours:
        await _ready(ours)
        request, record = post(path, body, signed), Path(kept.name)
        await _written(platform, ours, request, record)
        with _bare(platform.stack.kafka_bootstrap, record) as bare:
            await eventually(lambda: not is_free(bare.port), 30.0)
            bare_request = post("/hooks/bench" + "x" * (len(path) - 12), body, signed)
            return await _pairs(case, (bare, bare_request), (ours, request))


async def _configure_many(platform: Platform, house: House) -> None:
    """Create very many webhooks, side by side."""
    ingress = platform.supervisor["ingress"]
    ingress.start()
    await eventually(lambda: ingress.why_not_ready() is None, 30.0, pause=0.2)
    _, webhook = _with_more_points()
    numbers = iter(range(_MANY))

    async def create() -> None:
        for number in numbers:
            await ok(house.ingress.post("/v1/incoming-webhooks", json={**webhook, "name": f"one of many {number}"}))

    await asyncio.gather(*(create() for _ in range(_AT_ONCE)))
    await _stop_services(platform)


async def _pairs(case: Case, bare: tuple[Server, bytes], ours: tuple[Server, bytes]) -> list[Pair]:
    warm_up = replace(case, calls=case.calls // 4)
    for server, request in (bare, ours):
        await _run(server, request, warm_up)
    return [await _pair(case, bare, ours, ours_first=number % 2 == 1) for number in range(PAIRS)]


async def _pair(case: Case, bare: tuple[Server, bytes], ours: tuple[Server, bytes], *, ours_first: bool) -> Pair:
    """One run of each, right after the other."""
    if ours_first:
        our_run = await _run(*ours, case)
        return await _run(*bare, case), our_run
    return await _run(*bare, case), await _run(*ours, case)


async def _run(server: Server, request: bytes, case: Case) -> Run:
    await settle(0.5)
    meter = CpuMeter({"server": [server.pid]})
    outcome = await closed_loop(
        server.host, server.port, lambda _: request, connections=case.connections, total=case.calls
    )
    if outcome.statuses != {202: case.calls}:
        raise RuntimeError(f"not every call was accepted: {outcome.statuses}")
    return meter.spent()["server"] / case.calls, outcome


def _print(case: Case, pairs: list[Pair]) -> None:
    report.title(f"Ingress, {case}")
    report.line("the ceiling is", "the same uvicorn, producer, record, log line and answer, without any decision")
    for label, index in (("bare ceiling", 0), ("ingress", 1)):
        cost = median(pair[index][0] for pair in pairs)
        rate = median(pair[index][1].answered / pair[index][1].seconds for pair in pairs)
        p99 = median(pair[index][1].percentile(0.99) for pair in pairs)
        report.line(label, f"{cost * 1e6:6.0f} us CPU a request, {rate:.0f} a second, p99 {report.milliseconds(p99)}")
    ratios = _ratios(pairs)
    shown = ", ".join(f"{ratio * 100:.0f} %" for ratio in ratios)
    found = Ratio(median(ratios), Against.CEILING)
    report.line("of the ceiling per CPU second", f"{found} (pairs: {shown})", found)


def _ratios(pairs: list[Pair]) -> list[float]:
    """How much of the ceiling each pair reached, the least first."""
    return sorted(bare[0] / ours[0] for bare, ours in pairs)


def run(platform: Platform) -> None:
    """Measure in an event loop of its own."""
    asyncio.run(measure(platform))
