"""Deliveries as fast as they go: what one costs the worker beside its ceiling, and all parts together.

Ceiling and worker are processes of their own, take turns, and carry the same deliveries to the same receivers, which
live in this process. What is stored of a delivery is looked at in the files of Kafka and the tables of Postgres.
"""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

import uvloop
from tests.bench import report
from tests.bench.dispatcher import Bench, Spent, dispatcher, measured
from tests.bench.surroundings import settle

from carewire_contracts.topics import Topic
from carewire_dispatcher.domain.delivery import Delivery, EventPosition
from carewire_local.stack import Stack
from carewire_runtime.ids import new_id
from carewire_runtime.kafka.admin import ensure_topics
from carewire_runtime.kafka.producer import Producer
from carewire_testing_bench.figures import Against, Ratio
from carewire_testing_dispatcher.by_roles import PARTITIONS, ByRoles
from carewire_testing_dispatcher.told_events import EVENT_TYPE, Told

ROUNDS: Final = 3
_WARM_UP: Final = 3_000
_ASKED_SHARE: Final = "asked: 60 % at least"
_ASKED_WORKER: Final = "asked: 250 us at most"
_PEERS: Final = (
    "Peers on a machine of this kind, one core: Outpost 780-1,200 us and 1,280 a second; Svix 2,450 us, and \
520-710 us in fan-out 1 -> 100; Convoy 12,000 us."
)
_BARE: Final = Topic("bench.bare", PARTITIONS, "endpoint id")
_BARE_LOG: Final = Topic("bench.bare-log", PARTITIONS, "endpoint id")


@dataclass(frozen=True)
class Shape:
    """Events of so many definitions, each wanted by `fan_out` of the endpoints; `at_once` calls of the ceiling."""

    title: str
    endpoints: int
    events: int
    asked_us: int
    fan_out: int = 1
    at_once: int = 64

    @property
    def paths(self) -> list[str]:
        """The endpoints, each named after its definition."""
        return [f"receiver-{number}" for number in range(self.endpoints)]

    @property
    def deliveries(self) -> int:
        """How many deliveries the events lead to."""
        return self.events * self.fan_out


SHAPES: Final = (
    Shape("1 endpoint", 1, 6_000, 400, at_once=16),
    Shape("100 endpoints, each event for one", 100, 6_000, 400),
    Shape("fan-out 1 -> 100", 100, 60, 250, fan_out=100),
)


async def measure(stack: Stack, roles: ByRoles) -> None:
    """Print what a delivery costs in each shape."""
    await ensure_topics(roles.bootstrap, [_BARE, _BARE_LOG])
    async with measured(stack, roles) as bench:
        await _write_bare(bench, max(shape.deliveries for shape in SHAPES))
        await bench.subscribe(["warm-up"], by_definition=False)
        await bench.burst(_WARM_UP, ["any"])
        totals: dict[str, float] = {}
        for shape in SHAPES:
            await bench.subscribe(shape.paths, by_definition=shape.fan_out == 1)
            before = await _stored(bench)
            pairs = [(await _bare(bench, shape), await _ours(bench, shape)) for _ in range(ROUNDS)]
            totals[shape.title] = _print(shape, pairs)
            if shape.fan_out == 1 and shape.endpoints > 1:
                _print_stored(before, await _stored(bench), ROUNDS * shape.deliveries)
        _print_growth(totals)
    report.say(_PEERS)


async def _ours(bench: Bench, shape: Shape) -> Spent:
    await settle(1.0)
    return await bench.burst(shape.events, shape.paths, shape.fan_out)


async def _bare(bench: Bench, shape: Shape) -> float:
    """Microseconds of a delivery by the ceiling."""
    arguments = [bench.roles.bootstrap, _BARE.name, PARTITIONS, shape.deliveries, shape.at_once, _BARE_LOG.name]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.bench.bare_worker", *map(str, arguments), bench.url("bare")),
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await process.communicate()
    return float(printed) / shape.deliveries * 1e6


async def _write_bare(bench: Bench, count: int) -> None:
    """Write deliveries as fan-out writes them."""
    endpoints = [new_id() for _ in range(100)]
    producer = Producer(bench.roles.bootstrap, "bench")
    await producer.start()
    try:
        made = [_delivery(bench.teller.event("any"), endpoints[number % 100]) for number in range(count)]
        records = [Told(one.id, _BARE.name, one.endpoint_id.encode(), one.body, one.headers()) for one in made]
        await asyncio.gather(*set(await producer.enqueue_all(records)))
    finally:
        await producer.stop()


def _delivery(event: Told, endpoint_id: str) -> Delivery:
    position, at = EventPosition(event.topic, 7, 123_456), 1_750_000_000_000
    return Delivery(new_id(), endpoint_id, event.id, EVENT_TYPE, position, at, event.value, at)


async def _stored(bench: Bench) -> dict[str, int]:
    topics, sizes = bench.roles.topics, bench.topic_bytes()
    lanes = sum(size for name, size in sizes.items() if name.endswith(".deliveries"))
    return {
        "the event itself (30 days)": sizes[topics.events.name],
        "deliveries (until committed)": lanes,
        "attempts (7 days)": sizes[topics.attempts.name],
        "Postgres, log with indexes": await bench.table_bytes(),
    }


def _print(shape: Shape, pairs: Sequence[tuple[float, Spent]]) -> float:
    """Answers the microseconds that a delivery cost all parts together."""
    report.title(f"Deliveries, {shape.title}: {ROUNDS} rounds of {shape.deliveries:,}")
    rate = median(spent.deliveries / spent.seconds for _, spent in pairs)
    report.line("deliveries", f"{rate:8.0f} a second, from the first event told to the last delivery")
    bare, ours = median(cost for cost, _ in pairs), median(spent.worker_us for _, spent in pairs)
    ratios = [cost / spent.worker_us * 100 for cost, spent in pairs]
    report.line("CPU of the ceiling", f"{bare:8.0f} us a delivery (getmany, bare client, one acked record)")
    report.line("CPU of the worker", f"{ours:8.0f} us a delivery ({_ASKED_WORKER})")
    shown = ", ".join(f"{ratio:.0f} %" for ratio in ratios)
    found = Ratio(median(ratios) / 100, Against.CEILING)
    report.line("of the ceiling per CPU second", f"{found!s:>10} ({_ASKED_SHARE}; rounds: {shown})", found)
    for part in pairs[0][1].cpu:
        cost = median(spent.cpu[part] / spent.deliveries * 1e6 for _, spent in pairs)
        report.line(f"CPU {part}", f"{cost:8.0f} us a delivery")
    total = median(spent.all_us for _, spent in pairs)
    report.line("CPU all together", f"{total:8.0f} us a delivery (aim: {shape.asked_us} us at most)")
    return total


def _print_growth(totals: Mapping[str, float]) -> None:
    """`totals` are of the shapes, by their titles."""
    (first, least), *others = totals.items()
    report.title(f"Deliveries, CPU of all parts together, to that of {first}")
    for title, total in others:
        grown = Ratio(total / least, Against.GROWTH)
        report.line(title, f"{grown} as much a delivery", grown)


def _print_stored(before: dict[str, int], after: dict[str, int], deliveries: int) -> None:
    for what, size in after.items():
        report.line(f"stored: {what}", f"{(size - before[what]) / deliveries:6.0f} bytes a delivery")


def run() -> None:
    """Measure in an event loop of its own."""
    with dispatcher() as (stack, roles), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(measure(stack, roles))
