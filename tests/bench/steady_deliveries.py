"""Deliveries at a steady rate: how long each takes from the topic to its receiver, and what they cost then."""

import asyncio
from collections.abc import Sequence
from typing import Final

import uvloop
from tests.bench import report
from tests.bench.dispatcher import Bench, Spent, dispatcher, measured
from tests.bench.surroundings import settle

from carewire_local.stack import Stack
from carewire_testing_dispatcher.by_roles import ByRoles

RATES: Final = (50, 200, 500, 2_000)
SECONDS: Final = 20
_LEAD_IN_S: Final = 3
"""Deliveries at the rate that do not count: the first ones alone meet code and connections that are cold."""
ENDPOINTS: Final = tuple(f"receiver-{number}" for number in range(100))
_ASKED_RATE: Final = 50
_SHARES: Final = (0.5, 0.9, 0.99, 1.0)


async def measure(stack: Stack, roles: ByRoles) -> None:
    """Print latency and CPU at each rate."""
    async with measured(stack, roles) as bench:
        await bench.subscribe(ENDPOINTS, by_definition=True)
        for rate in RATES:
            await _tell(bench, rate, _LEAD_IN_S)
            await settle(1.0)
            spent = await _tell(bench, rate, SECONDS)
            _print(rate, spent, bench.latencies())


async def _tell(bench: Bench, rate: int, seconds: int) -> Spent:
    begin = await bench.begin()
    await bench.teller.steadily(rate, seconds, lambda number: ENDPOINTS[number % len(ENDPOINTS)])
    return await begin.spent(rate * seconds)


def _print(rate: int, spent: Spent, latencies: Sequence[float]) -> None:
    report.title(f"Deliveries, a steady {rate:,} a second for {SECONDS} s, to {len(ENDPOINTS)} endpoints in turn")
    found = {share: latencies[min(len(latencies) - 1, int(share * len(latencies)))] for share in _SHARES}
    shown = ", ".join(f"p{share * 100:g} {report.milliseconds(found[share])}" for share in _SHARES)
    asked = " (asked: p50 of 10 ms at most)" if rate == _ASKED_RATE else ""
    report.line("from topic to receiver", f"{shown}{asked}")
    for part, seconds in spent.cpu.items():
        cost = seconds / spent.deliveries * 1e6
        report.line(f"CPU {part}", f"{seconds / SECONDS * 100:6.1f} % of a core, {cost:6.0f} us a delivery")
    report.line("CPU all together", f"{sum(spent.cpu.values()) / SECONDS * 100:6.1f} % of a core")


def run() -> None:
    """Measure in an event loop of its own."""
    with dispatcher() as (stack, roles), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(measure(stack, roles))
