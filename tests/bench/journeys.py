"""Whole journeys: accepted -> patient -> care flow -> pathway.completed -> delivered, signed, to a subscriber."""

import asyncio
import time

import orjson
from tests.bench import report
from tests.bench.http_load import Outcome, closed_loop, open_loop, post
from tests.bench.process_cpu import CpuMeter, MachineMeter
from tests.bench.subscriber import Subscriber
from tests.bench.surroundings import address_of, instant_care_flow, processes, settle, unique_mark

from carewire_local.platform import Platform
from carewire_testing import eventually
from carewire_testing_e2e.care_flows import payload_of

WARM_UP = 500
STEADY_RATE = 50.0
LEAD_IN_COUNT = 250
"""Journeys at the steady rate that do not count: the first ones alone meet code and connections that are cold."""
STEADY_COUNT = 3_000
"""One in a hundred is 30 journeys."""
BURST_COUNT = 5_000
SHARES = (0.5, 0.9, 0.99, 0.999, 1.0)
_PATIENCE_S = 120.0


class Journeys:
    """Knows of each patient's call when it was sent and when its delivery came."""

    def __init__(self) -> None:
        self._mark = unique_mark()
        self._sent: dict[str, float] = {}
        self._done: dict[str, float] = {}
        self.copies = 0

    def request(self, path: str, number: int) -> bytes:
        """The call of one new patient."""
        patient = f"{self._mark}-{number}"
        self._sent[patient] = time.perf_counter()
        return post(path, orjson.dumps(payload_of(patient)))

    def note(self, body: bytes, at: float) -> None:
        """Take a delivery."""
        patient = orjson.loads(body)["pathway"]["patient_identifiers"][0]["value"]
        if patient in self._done:
            self.copies += 1
        self._done.setdefault(patient, at)

    def arrived(self) -> bool:
        """Whether every call has led to a delivery."""
        return len(self._done) >= len(self._sent)

    def outcome(self) -> Outcome:
        """The latencies of whole journeys."""
        latencies = [self._done[patient] - sent for patient, sent in self._sent.items() if patient in self._done]
        took = max(self._done.values()) - min(self._sent.values())
        return Outcome(took, latencies)


async def measure(platform: Platform) -> None:
    """Print latency and CPU at a steady 50 a second, and how many a second there can be."""
    async with instant_care_flow(platform) as (house, webhook):
        host, port, path = address_of(webhook["url"])
        current = Journeys()
        async with Subscriber(lambda body, at: current.note(body, at)) as subscriber:
            await house.subscribe(subscriber.url, "pathway.completed")
            await settle(2.0)
            await closed_loop(host, port, lambda n: current.request(path, n), connections=16, total=WARM_UP)
            await eventually(current.arrived, _PATIENCE_S)
            await settle(2.0)

            current = Journeys()
            await open_loop(host, port, lambda n: current.request(path, n), rate=STEADY_RATE, total=LEAD_IN_COUNT)
            await eventually(current.arrived, _PATIENCE_S)

            current = Journeys()
            meter, others = CpuMeter(processes(platform)), MachineMeter()
            await open_loop(host, port, lambda n: current.request(path, n), rate=STEADY_RATE, total=STEADY_COUNT)
            await eventually(current.arrived, _PATIENCE_S)
            _print(
                f"Whole journeys, a steady {STEADY_RATE:.0f} a second for {STEADY_COUNT / STEADY_RATE:.0f} s",
                current,
                meter,
                others,
            )

            current = Journeys()
            meter, others = CpuMeter(processes(platform)), MachineMeter()
            await closed_loop(host, port, lambda n: current.request(path, n), connections=64, total=BURST_COUNT)
            await eventually(current.arrived, _PATIENCE_S)
            _print(f"Whole journeys, {BURST_COUNT} as fast as they are accepted", current, meter, others)


def _print(what: str, journeys: Journeys, meter: CpuMeter, others: MachineMeter) -> None:
    outcome, spent = journeys.outcome(), meter.spent()
    strangers = others.busy() - sum(spent.values())
    report.title(what)
    report.line("journeys", f"{outcome.answered} delivered, {journeys.copies} copies")
    report.line("rate", f"{outcome.answered / outcome.seconds:.0f} a second")
    shares = ", ".join(f"p{share * 100:g} {report.milliseconds(outcome.percentile(share))}" for share in SHARES)
    report.line("accepted to delivered", shares)
    report.cpu_per("journey", spent, outcome.answered)
    report.line("CPU of everything else here", f"{strangers / outcome.seconds * 100:.0f} % of a core")


def run(platform: Platform) -> None:
    """Measure in an event loop of its own."""
    asyncio.run(measure(platform))
