"""The delivery client beside the sender on aiohttp: the suite that both have to pass, and what a call costs by each.

Both run in this process, on the event loop of production, and take turns; a subscriber in a process of its own
answers at once. Measured is the CPU of this process alone: of a bare call, and of a whole attempt as the worker
makes it, with signature, verdict, log line and metrics, but for Kafka.
"""

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from statistics import median
from typing import IO, Final

import uvloop
from tests.bench import report

from carewire_dispatcher.adapters.attempter import Attempter
from carewire_dispatcher.adapters.pulse import Pulse
from carewire_dispatcher.adapters.sender import Call, Sender
from carewire_dispatcher.domain.classify import Answer
from carewire_dispatcher.domain.ending import End, EndStatus
from carewire_dispatcher.domain.schedule import RetrySchedule
from carewire_dispatcher.domain.signature import signed_headers
from carewire_runtime.clock import SystemClock
from carewire_runtime.telemetry.logs import configure_logs
from carewire_testing_bench.figures import Against, Ratio
from carewire_testing_dispatcher.attempts import OneByOne
from carewire_testing_dispatcher.deliveries import SECRET, a_delivery, a_keeper, an_endpoint
from carewire_testing_dispatcher.senders import SENDERS, sending

SUITE: Final = ("test_sender.py", "test_sender_hostile.py", "test_sender_tls.py", "test_sender_addresses.py")
ROUNDS: Final = 7
CALLS: Final = 2_000
AT_ONCE: Final = 16
"""What an endpoint's concurrency is by default."""
_BODY: Final = b"x" * 1024

Step = Callable[[], Awaitable[None]]


def run() -> None:
    """Run the suite, then measure."""
    _conformance()
    with (
        _subscriber() as url,
        tempfile.TemporaryFile() as log,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(_measure(url, log))


def _conformance() -> None:
    report.title("Delivery client: the suite of all senders")
    files = [f"tests/dispatcher/integration/{name}" for name in SUITE]
    for made in SENDERS:
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", made.__name__, *files]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        report.line(made.__name__, ended.stdout.strip().splitlines()[-1])


@contextmanager
def _subscriber() -> Iterator[str]:
    command = [sys.executable, "-m", "tests.bench.lone_subscriber"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()


async def _measure(url: str, log: IO[bytes]) -> None:
    configure_logs("bench", stream=log)  # type: ignore[arg-type]  # what the services' supervisor does
    async with sending(SENDERS[0]) as ours, sending(SENDERS[1]) as reference:
        for what, step in (("a signed POST of 1 KiB", _call), ("a whole attempt", _attempt)):
            report.title(f"Delivery client: CPU of {what}, {AT_ONCE} at a time")
            spent = await _rounds(step(url, reference), step(url, ours))
            before, after = (median(costs) * 1e6 for costs in zip(*spent, strict=True))
            report.line("by aiohttp", f"{before:6.0f} us")
            less = f"{after:6.0f} us, {(1 - after / before) * 100:.0f} % less"
            report.line("by the delivery client", less, Ratio(after / before, Against.REFERENCE))
            shown = ", ".join(f"{(1 - ours / theirs) * 100:.0f} %" for theirs, ours in spent)
            report.line("less in each round", shown)


async def _rounds(*steps: Step) -> list[tuple[float, ...]]:
    for step in steps:
        await _cost(step)
    return [tuple([await _cost(step) for step in steps]) for _ in range(ROUNDS)]


async def _cost(step: Step) -> float:
    numbers = iter(range(CALLS))

    async def work() -> None:
        for _ in numbers:
            await step()

    began = time.process_time()
    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return (time.process_time() - began) / CALLS


def _call(url: str, sender: Sender) -> Step:
    async def step() -> None:
        headers = signed_headers((SECRET,), a_delivery().event_id, 1_700_000_000, _BODY)
        answer = await sender.send(Call(url, {"content-type": "application/json", **headers}, _BODY, 10.0))
        if answer != Answer(204):
            raise RuntimeError(f"the subscriber did not accept: {answer}")

    return step


def _attempt(url: str, sender: Sender) -> Step:
    clock = SystemClock()
    attempter = OneByOne(Attempter(sender, RetrySchedule(), clock, Pulse(clock, 3600.0), a_keeper()), clock)
    endpoint, delivery = an_endpoint(url=url), replace(a_delivery(), body=_BODY)

    async def step() -> None:
        trial = await attempter.attempt("fast", delivery, endpoint)
        if trial.verdict != End(EndStatus.DELIVERED):
            raise RuntimeError(f"the subscriber did not accept: {trial.verdict}")

    return step
