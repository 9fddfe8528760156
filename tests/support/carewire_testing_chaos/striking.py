"""Faults, as they are done to the house."""

import asyncio
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from carewire_local.errors import NotReady
from carewire_local.local_server import LocalServer
from carewire_local.service_process import ServiceProcess
from carewire_testing_chaos import clocks
from carewire_testing_chaos.history import Struck
from carewire_testing_chaos.house import House
from carewire_testing_chaos.proxy import Line
from carewire_testing_chaos.schedule import Action, Fault

_DELAY_S: Final = 0.1
_BACK_WITHIN_S: Final = 120.0
_LOOK_EVERY_S: Final = 0.2

Tell = Callable[[Struck], None]


async def strike_all(house: House, faults: Sequence[Fault], tell: Tell) -> None:
    """Do one fault after the other, and tell of each when it is over."""
    for fault in faults:
        await asyncio.sleep(fault.after_s)
        began = time.time()
        await strike(house, fault)
        tell(Struck(fault.number, str(fault.action), fault.target, began, time.time(), fault.by_s))


async def strike(house: House, fault: Fault) -> None:
    """Do it, and return when it is over: what was killed may still be on its way back."""
    match fault.action:
        case Action.KILL:
            await _kill(house, fault.target)
        case Action.FREEZE:
            await _freeze(house, fault)
        case Action.CUT:
            await _cut(house.lines[fault.target][1], fault.lasts_s)
        case Action.DELAY:
            await _delay(house.lines[fault.target][1], fault.lasts_s)
        case Action.RESTART:
            await _restart(house, fault.target)
        case Action.STEP:
            await _step(house.clock(fault.target), fault)


def _server(house: House, target: str) -> LocalServer | None:
    return {"kafka": house.kafka, "postgres": house.postgres}.get(target)


async def _kill(house: House, target: str) -> None:
    server = _server(house, target)
    if server is None:
        await asyncio.to_thread(house.service(target).kill)
        return
    await asyncio.to_thread(server.kill)
    await asyncio.to_thread(server.start)


async def _freeze(house: House, fault: Fault) -> None:
    frozen = _server(house, fault.target) or house.service(fault.target)
    send = frozen._child.send
    send(signal.SIGSTOP)
    try:
        await asyncio.sleep(fault.lasts_s)
    finally:
        send(signal.SIGCONT)


async def _cut(line: Line, lasts_s: float) -> None:
    line.cut()
    await asyncio.sleep(lasts_s)
    line.heal()


async def _delay(line: Line, lasts_s: float) -> None:
    line.delay_s = _DELAY_S
    await asyncio.sleep(lasts_s)
    line.heal()


async def _restart(house: House, kind: str) -> None:
    """Stop and start one process after the other, each ready before the next goes."""
    for process in house.named(kind):
        await asyncio.to_thread(process.stop)
        process.start()
        await _ready(process)


async def _step(clock: Path, fault: Fault) -> None:
    clocks.step(clock, fault.by_s)
    await asyncio.sleep(fault.lasts_s)
    clocks.step(clock, 0.0)


async def _ready(process: ServiceProcess) -> None:
    end = time.monotonic() + _BACK_WITHIN_S
    while (reason := await asyncio.to_thread(process.why_not_ready)) is not None:
        if time.monotonic() > end:
            raise NotReady(f"{process.name} {reason}")
        await asyncio.sleep(_LOOK_EVERY_S)


async def all_back(house: House) -> None:
    """Return once every line is whole and every process ready. Raises NotReady."""
    for _, line in house.lines.values():
        line.heal()
    # One by one: whoever waits for all at once gives up where one ends with a fault, and the supervisor mends that.
    for process in house.supervisor:
        await _ready(process)
