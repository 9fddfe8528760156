"""How a service's process lives: roles are components, components run side by side, and die together.

A component runs until it is asked to stop. One that raises, or returns unasked, ends the whole process with
code 70: whoever supervises starts it anew (finish or die: nothing goes on half alive). Exit codes: 0 an
ordered stop (SIGTERM, SIGINT), 70 died of a fault, 78 the configuration or the setup is wrong.
"""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, Final, Protocol, TypeVar

import uvloop

from carewire_runtime.errors import ComponentEnded, ConfigurationError, SetupMissing
from carewire_runtime.memory import keep_freed_memory, spare_the_collector
from carewire_runtime.settings import ServiceSettings
from carewire_runtime.telemetry.logs import configure_logs, describe, logger
from carewire_runtime.telemetry.tracing import configure_tracing, shutdown_tracing

ORDERED: Final = 0
FAULT: Final = 70
WRONG_CONFIGURATION: Final = 78

STOP_WITH_STDIN: Final = "--stop-with-stdin"
"""The option of a process that belongs to another one: it stops when that one is no more."""

_STOP_DEADLINE_S: Final = 20.0
"""Longer than the longest single step of a component (an HTTP attempt: 10 s), shorter than the 30 s that
Kubernetes gives."""

_log = logger("process")


class Component(Protocol):
    """A part of a process that runs beside others."""

    @property
    def name(self) -> str:
        """What the part is called in logs and readiness."""
        ...

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set, then finish in order and return."""
        ...


Application = Callable[[], AbstractAsyncContextManager[Sequence[Component]]]
"""Builds what the components need, yields them, and takes everything down again when they have ended."""


async def run_components(
    name: str, components: Sequence[Component], stop: asyncio.Event, deadline: float = _STOP_DEADLINE_S
) -> int:
    """Run components until `stop` is set or one of them ends. Returns the exit code."""
    tasks = {asyncio.create_task(part.run(stop), name=part.name): part for part in components}
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([*tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
        # What had ended before anybody asked it to is the fault; what ends later only follows.
        ended_unasked = [] if stopping.done() else [task for task in tasks if task.done()]
        stop.set()
        await _end(tasks, deadline)
    finally:
        for task in (*tasks, stopping):
            task.cancel()
        await asyncio.gather(*tasks, stopping, return_exceptions=True)
    faults = [_fault(task, unasked=task in ended_unasked) for task in tasks]
    for part, fault in zip(components, faults, strict=True):
        if fault is not None:
            _log.error("component_failed", service=name, component=part.name, error=fault)
    return FAULT if any(faults) else ORDERED


async def _end(tasks: dict[asyncio.Task[None], Component], deadline: float) -> None:
    _, unfinished = await asyncio.wait(tasks, timeout=deadline) if tasks else ((), ())
    for task in unfinished:
        _log.warning("component_cancelled", component=tasks[task].name, wait_s=deadline)


def _fault(task: asyncio.Task[None], *, unasked: bool) -> BaseException | None:
    if task.cancelled():
        return None
    if task.exception() is None and unasked:
        return ComponentEnded("the component returned although nobody had asked it to stop")
    return task.exception()


async def run_application(name: str, application: Application, stop: asyncio.Event) -> int:
    """Build the application, run its components until `stop` is set, take it down. Returns the exit code.

    Raises what the building raises. A stop while it is being built breaks the building off.
    """
    running = asyncio.Event()

    async def live() -> int:
        async with application() as components:
            running.set()
            spare_the_collector()
            keep_freed_memory()
            _log.info("running", count=len(components))
            return await run_components(name, components, stop)

    life = asyncio.create_task(live())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([life, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not life.done() and not running.is_set():
        life.cancel()
        await asyncio.gather(life, return_exceptions=True)
        return ORDERED
    return await life


def run_service(name: str, application: Application, *, stops_with_stdin: bool = False) -> int:
    """Run an application in an event loop of its own (uvloop) until SIGTERM or SIGINT. Returns the exit code.

    With `stops_with_stdin` the end of standard input stops it as well.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_supervised(name, application, stops_with_stdin=stops_with_stdin))


async def _supervised(name: str, application: Application, *, stops_with_stdin: bool) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _asked_to_stop, number, stop)
    if stops_with_stdin:
        loop.add_reader(sys.stdin.fileno(), _read_stdin, loop, stop)
    code = await run_application(name, application, stop)
    _log.info("ended", exit_code=code)
    return code


def _asked_to_stop(number: signal.Signals, stop: asyncio.Event) -> None:
    _log.info("stopping", signal=number.name)
    stop.set()


def _read_stdin(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 1024):
        loop.remove_reader(sys.stdin.fileno())
        _log.info("stopping", reason="stdin_ended")
        stop.set()


S = TypeVar("S", bound=ServiceSettings)


def service_command(
    name: str,
    settings_type: type[S],
    roles: Sequence[str],
    *,
    setup: Callable[[S], Any],
    serve: Callable[[S, frozenset[str]], AbstractAsyncContextManager[Sequence[Component]]],
    arguments: Sequence[str] | None = None,
) -> int:
    """Run a service's command line, `setup` or `serve [--roles a,b]`, and return the exit code.

    `setup` is a coroutine function; `serve` builds the application of some roles (all by default). A service whose
    settings have `workers` takes `--workers N` too, which goes before the environment.
    """
    asked = _parser(name, roles, has_workers="workers" in settings_type.model_fields).parse_args(arguments)
    configure_logs(name)
    try:
        settings = settings_type.load(**_said(asked))
        configure_logs(name, settings.log_level)
        configure_tracing(name, settings)
        if asked.command == "setup":
            return run_setup(setup(settings))
        application = partial(serve, settings, frozenset(asked.roles))
        return run_service(name, application, stops_with_stdin=asked.stop_with_stdin)
    except (ConfigurationError, SetupMissing) as error:
        _log.error("cannot_start", error=error)
        sys.stderr.write(f"carewire-{name}: {error}\n")
        return WRONG_CONFIGURATION
    except Exception as error:  # noqa: BLE001 (the process ends here; what is left is to say why)
        _log.error("died", **describe(error))
        return FAULT
    finally:
        shutdown_tracing()


def run_setup(setup: Any) -> int:
    """Run a setup coroutine in an event loop of its own."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(setup)
    return ORDERED


def _said(asked: argparse.Namespace) -> dict[str, Any]:
    """Return the settings that the command line says."""
    workers = getattr(asked, "workers", None)
    return {} if workers is None else {"workers": workers}


def _parser(name: str, roles: Sequence[str], *, has_workers: bool) -> argparse.ArgumentParser:
    def chosen(text: str) -> list[str]:
        asked = [role.strip() for role in text.split(",") if role.strip()]
        unknown = sorted(set(asked) - set(roles))
        if unknown or not asked:
            raise argparse.ArgumentTypeError(f"roles are {', '.join(roles)}")
        return asked

    parser = argparse.ArgumentParser(prog=f"carewire-{name}", description=f"The {name} service of Carewire.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("setup", help="make or verify tables, topics, offsets and the first API key; repeatable")
    serving = commands.add_parser("serve", help="run the service until SIGTERM or Ctrl-C")
    serving.add_argument("--roles", type=chosen, default=list(roles), help=f"some of {','.join(roles)} (all)")
    serving.add_argument(STOP_WITH_STDIN, action="store_true", help="stop when standard input ends, too")
    if has_workers:
        serving.add_argument("--workers", type=int, help="worker processes, each on a core (CAREWIRE_WORKERS, or 1)")
    return parser
