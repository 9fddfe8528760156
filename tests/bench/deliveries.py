"""Deliveries as fast as they go, from the event on: what one costs each part, and all of them together.

The receivers live in this process. What is stored of a delivery is looked at in the files of Kafka and the tables of
Postgres. What the worker costs beside its ceiling is another part of the bench: here it is fed by fan-out.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

import uvloop
from tests.bench import report
from tests.bench.dispatcher import Bench, Spent, dispatcher, measured
from tests.bench.surroundings import settle

from carewire_local.stack import Stack
from carewire_testing_bench.figures import Against, Ratio
from carewire_testing_dispatcher.by_roles import ByRoles

ROUNDS: Final = 3
_WARM_UP: Final = 3_000
_ASKED_WORKER: Final = "asked: 250 us at most"
_PEERS: Final = (
    "Peers on a machine of this kind, one core: Outpost 780-1,200 us and 1,280 a second; Svix 2,450 us, and \
520-710 us in fan-out 1 -> 100; Convoy 12,000 us."
)


@dataclass(frozen=True)
class Shape:
    """Events of so many definitions, each wanted by `fan_out` of the endpoints."""

    title: str
    endpoints: int
    events: int
    asked_us: int
    fan_out: int = 1

    @property
    def paths(self) -> list[str]:
        """The endpoints, each named after its definition."""
        return [f"receiver-{number}" for number in range(self.endpoints)]

    @property
    def deliveries(self) -> int:
        """How many deliveries the events lead to."""
        return self.events * self.fan_out


SHAPES: Final = (
    Shape("1 endpoint", 1, 6_000, 400),
    Shape("100 endpoints, each event for one", 100, 6_000, 400),
    Shape("fan-out 1 -> 100", 100, 60, 250, fan_out=100),
)


async def measure(stack: Stack, roles: ByRoles) -> None:
    """Print what a delivery costs in each shape."""
    async with measured(stack, roles) as bench:
        await bench.subscribe(["warm-up"], by_definition=False)
        await bench.burst(_WARM_UP, ["any"])
        totals: dict[str, float] = {}
        for shape in SHAPES:
            await bench.subscribe(shape.paths, by_definition=shape.fan_out == 1)
            before = await _stored(bench)
            totals[shape.title] = _print(shape, [await _round(bench, shape) for _ in range(ROUNDS)])
            if shape.fan_out == 1 and shape.endpoints > 1:
                _print_stored(before, await _stored(bench), ROUNDS * shape.deliveries)
        _print_growth(totals)
    report.say(_PEERS)


async def _round(bench: Bench, shape: Shape) -> Spent:
    await settle(1.0)
    return await bench.burst(shape.events, shape.paths, shape.fan_out)


async def _stored(bench: Bench) -> dict[str, int]:
    topics, sizes = bench.roles.topics, bench.topic_bytes()
    lanes = sum(size for name, size in sizes.items() if name.endswith(".deliveries"))
    return {
        "the event itself (30 days)": sizes[topics.events.name],
        "deliveries (until committed)": lanes,
        "attempts (7 days)": sizes[topics.attempts.name],
        "Postgres, log with indexes": await bench.table_bytes(),
    }


def _print(shape: Shape, rounds: Sequence[Spent]) -> float:
    """Answers the microseconds that a delivery cost all parts together."""
    report.title(f"Deliveries, {shape.title}: {ROUNDS} rounds of {shape.deliveries:,}")
    rate = median(spent.deliveries / spent.seconds for spent in rounds)
    report.line("deliveries", f"{rate:8.0f} a second, from the first event told to the last delivery")
    for part in rounds[0].cpu:
        cost = median(spent.cpu[part] / spent.deliveries * 1e6 for spent in rounds)
        asked = f" ({_ASKED_WORKER})" if part == "worker" else ""
        report.line(f"CPU {part}", f"{cost:8.0f} us a delivery{asked}")
    total = median(spent.all_us for spent in rounds)
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
