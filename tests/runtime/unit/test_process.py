"""How processes live and die. The command line is run in this process, with a loop of its own."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pydantic import Field

from carewire_runtime.errors import ConfigurationError, SetupMissing
from carewire_runtime.process import STOP_WITH_STDIN, Component, run_application, run_components, service_command
from carewire_runtime.sealing import Keyring
from carewire_runtime.settings import ServiceSettings
from carewire_testing import eventually
from carewire_testing_runtime.log import logged


class Part:
    """A component that does what it is told."""

    def __init__(self, name: str, error: Exception | None = None, *, early: bool = False, deaf: bool = False) -> None:
        self.name = name
        self._error = error
        self._early = early
        self._deaf = deaf
        self.ended = False

    async def run(self, stop: asyncio.Event) -> None:
        if self._error is not None:
            raise self._error
        if self._deaf:
            await asyncio.Event().wait()
        if not self._early:
            await stop.wait()
        self.ended = True


async def test_a_stop_ends_every_component_in_order() -> None:
    parts, stop = [Part("a"), Part("b")], asyncio.Event()
    running = asyncio.create_task(run_components("test", parts, stop))
    await asyncio.sleep(0)
    stop.set()
    assert await running == 0
    assert all(part.ended for part in parts)


async def test_one_that_raises_ends_the_others_and_the_process() -> None:
    other = Part("other")
    with logged() as lines:
        assert await run_components("test", [Part("bad", RuntimeError("canary")), other], asyncio.Event()) == 70
    assert other.ended
    [line] = lines.of("component_failed")
    assert (line["component"], line["error"]) == ("bad", "RuntimeError")
    assert any("run" in frame for frame in line["frames"])
    assert "canary" not in lines.text


async def test_one_that_returns_unasked_ends_the_process() -> None:
    with logged() as lines:
        assert await run_components("test", [Part("early", early=True), Part("other")], asyncio.Event()) == 70
    [line] = lines.of("component_failed")
    assert (line["component"], line["error"]) == ("early", "ComponentEnded")


async def test_one_that_fails_while_stopping_is_a_fault_too() -> None:
    class FailsAtEnd(Part):
        async def run(self, stop: asyncio.Event) -> None:
            await stop.wait()
            raise RuntimeError

    stop = asyncio.Event()
    stop.set()
    assert await run_components("test", [FailsAtEnd("a")], stop) == 70


async def test_one_that_does_not_stop_is_cancelled_at_the_deadline() -> None:
    stop = asyncio.Event()
    stop.set()
    with logged() as lines:
        assert await run_components("test", [Part("deaf", deaf=True), Part("b")], stop, deadline=0.01) == 0
    assert [line["component"] for line in lines.of("component_cancelled")] == ["deaf"]


async def test_what_the_application_built_is_taken_down_after_its_components() -> None:
    part, order, stop = Part("a"), [], asyncio.Event()

    @asynccontextmanager
    async def application() -> AsyncIterator[Sequence[Component]]:
        async with asyncio.TaskGroup():  # must be entered and left in one task
            order.append("built")
            yield [part]
            order.append(f"taken down, component ended: {part.ended}")

    running = asyncio.create_task(run_application("test", application, stop))
    await eventually(lambda: order)
    stop.set()
    assert await running == 0
    assert order == ["built", "taken down, component ended: True"]


async def test_a_stop_while_it_is_being_built_breaks_the_building_off() -> None:
    stop, broken_off = asyncio.Event(), []

    @asynccontextmanager
    async def application() -> AsyncIterator[Sequence[Component]]:
        try:
            await asyncio.Event().wait()
            yield []
        finally:
            broken_off.append(True)

    running = asyncio.create_task(run_application("test", application, stop))
    await asyncio.sleep(0)
    stop.set()
    assert await running == 0
    assert broken_off == [True]


Serve = Callable[[ServiceSettings, frozenset[str]], object]


def command(*arguments: str, serve: object = None, setup: object = None) -> int:
    async def nothing(_: ServiceSettings) -> None:
        return None

    return service_command(
        "test",
        ServiceSettings,
        ("api", "worker"),
        setup=setup or nothing,  # type: ignore[arg-type]
        serve=serve,  # type: ignore[arg-type]
        arguments=arguments,
    )


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAREWIRE_ENCRYPTION_KEYS", Keyring.generate())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_an_ordered_stop(number: signal.Signals) -> None:
    seen: list[frozenset[str]] = []

    class Killer(Part):
        async def run(self, stop: asyncio.Event) -> None:
            os.kill(os.getpid(), number)
            await super().run(stop)

    @asynccontextmanager
    async def serve(_: ServiceSettings, roles: frozenset[str]) -> AsyncIterator[Sequence[Component]]:
        seen.append(roles)
        yield [Killer("killer")]

    assert command("serve", serve=serve) == 0
    assert command("serve", "--roles", "worker", serve=serve) == 0
    assert seen == [{"api", "worker"}, {"worker"}]


@pytest.mark.parametrize(
    ("error", "code"),
    [(SetupMissing("run setup"), 78), (ConfigurationError("set it"), 78), (RuntimeError("canary"), 70)],
)
def test_what_keeps_it_from_starting_is_told(error: Exception, code: int, capfd: pytest.CaptureFixture[str]) -> None:
    @asynccontextmanager
    async def serve(_: ServiceSettings, roles: frozenset[str]) -> AsyncIterator[Sequence[Component]]:
        if roles:
            raise error
        yield []

    assert command("serve", serve=serve) == code
    told = capfd.readouterr().err
    assert "canary" not in told
    if code == 78:
        assert f"carewire-test: {error}" in told


def test_a_wrong_setting_is_told(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("CAREWIRE_PARTITIONS", "many")
    assert command("serve") == 78
    assert "CAREWIRE_PARTITIONS" in capfd.readouterr().err


def test_setup_runs_and_ends() -> None:
    ran: list[int] = []

    async def setup(settings: ServiceSettings) -> None:
        ran.append(settings.partitions)

    assert command("setup", setup=setup) == 0
    assert ran == [12]


@pytest.mark.parametrize("arguments", [(), ("serve", "--roles", "cook"), ("serve", "--roles", ""), ("dance",)])
def test_a_wrong_command_line_is_refused(arguments: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as caught:
        command(*arguments)
    assert caught.value.code == 2


def test_a_process_of_another_one_stops_when_that_one_is_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = os.pipe()

    class Parent(Part):
        async def run(self, stop: asyncio.Event) -> None:
            os.write(theirs, b"said and not heeded")
            os.close(theirs)
            await super().run(stop)

    @asynccontextmanager
    async def serve(_: ServiceSettings, roles: frozenset[str]) -> AsyncIterator[Sequence[Component]]:
        assert roles
        yield [Parent("parent")]

    with os.fdopen(ours) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        assert command("serve", STOP_WITH_STDIN, serve=serve) == 0


class Sized(ServiceSettings):
    workers: int = Field(1, le=3)


@pytest.mark.parametrize(
    ("arguments", "workers"),
    [(("serve",), 2), (("serve", "--workers", "3"), 3)],
    ids=["the environment's", "the command line goes before it"],
)
def test_workers_are_a_setting_of_who_has_them(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], workers: int
) -> None:
    monkeypatch.setenv("CAREWIRE_WORKERS", "2")
    seen: list[int] = []

    @asynccontextmanager
    async def serve(settings: Sized, roles: frozenset[str]) -> AsyncIterator[Sequence[Component]]:
        seen.append(settings.workers)
        if roles:
            raise SetupMissing("seen")
        yield []

    async def setup(_: Sized) -> None:
        return None

    assert service_command("test", Sized, ("api",), setup=setup, serve=serve, arguments=arguments) == 78
    assert seen == [workers]


def test_too_many_workers_are_refused_by_name(capfd: pytest.CaptureFixture[str]) -> None:
    arguments = ("serve", "--workers", "9")
    serve: Any = None
    assert service_command("test", Sized, ("api",), setup=serve, serve=serve, arguments=arguments) == 78
    assert "CAREWIRE_WORKERS" in capfd.readouterr().err


def test_a_service_without_workers_takes_no_such_option() -> None:
    with pytest.raises(SystemExit):
        command("serve", "--workers", "2")
