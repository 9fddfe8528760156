"""The life of a server: prepared, started, awaited, stopped in order, or killed; each failure with its last words."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from carewire_local import local_server
from carewire_local.errors import ServerFailed
from carewire_local.local_server import START_DEADLINE_S, LocalServer, run_to_its_end
from carewire_local.spawner import Command
from carewire_local.state import StateFolder
from carewire_testing_local import FakeChild, HandTime, children


class Server(LocalServer):
    """A server that serves as soon as it was asked so many times."""

    name = "store"
    title = "The store"
    ordered_stop = signal.SIGUSR1

    def __init__(self, state: StateFolder, asked_until_it_serves: int = 1) -> None:
        super().__init__(state, port=4_000)
        self.prepared = 0
        self._left = asked_until_it_serves

    def prepare(self) -> None:
        self.prepared += 1

    def command(self) -> Command:
        return Command(["store", "--port", str(self.port)], {"KEY": "value"}, Path("/data"))

    def serves(self) -> bool:
        self._left -= 1
        return self._left <= 0


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> HandTime:
    clock = HandTime()
    monkeypatch.setattr(local_server, "time", clock)
    return clock


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    return StateFolder(tmp_path)


@pytest.fixture
def world() -> Iterator[dict[str, FakeChild]]:
    with children(local_server) as made:
        yield made  # type: ignore[misc]  # found by name, as in a dict


def test_a_server_is_prepared_before_its_command_is_run(
    state: StateFolder, world: dict[str, FakeChild], time: HandTime
) -> None:
    server = Server(state)
    assert (server.alive, server.pid) == (False, None)
    server.start()
    assert server.prepared == 1
    assert world["store"].commands == [server.command()]
    assert (server.alive, server.pid) == (True, 40_001)
    assert time.sleeps == []


def test_it_is_asked_until_it_serves(state: StateFolder, world: dict[str, FakeChild], time: HandTime) -> None:
    server = Server(state, asked_until_it_serves=5)
    server.start()
    assert len(time.sleeps) == 4
    assert server.alive


def test_an_end_during_the_start_is_told_with_code_log_and_last_words(
    state: StateFolder, world: dict[str, FakeChild], time: HandTime
) -> None:
    server = Server(state, asked_until_it_serves=100)
    time.on_sleep = lambda: world["store"].end(1)
    with pytest.raises(ServerFailed) as failed:
        server.start()
    assert str(failed.value) == (
        f"The store ended at its start with exit code 1. The end of {server.log}:\nthe last words of store"
    )
    assert failed.value.retriable
    assert len(time.sleeps) == 1


def test_a_server_that_stays_silent_is_killed_at_the_deadline(
    state: StateFolder, world: dict[str, FakeChild], time: HandTime
) -> None:
    server = Server(state, asked_until_it_serves=1_000_000)
    with pytest.raises(ServerFailed, match=r"^The store did not serve within 60 s\. The end of "):
        server.start()
    assert not server.alive
    assert START_DEADLINE_S <= sum(time.sleeps) < START_DEADLINE_S + 1


def test_a_stop_uses_the_signal_that_needs_no_recovery_and_gives_a_deadline(
    state: StateFolder, world: dict[str, FakeChild], time: HandTime
) -> None:
    server = Server(state)
    server.start()
    server.stop()
    assert not server.alive
    server.start()
    server.stop(deadline_s=120)
    with children(local_server) as other:
        Server(state).kill()
        assert other.events == ["kill store"]


def test_the_events_of_a_whole_life_come_in_their_order(state: StateFolder, time: HandTime) -> None:
    with children(local_server) as made:
        server = Server(state)
        server.start()
        server.stop()
        server.start()
        server.stop(deadline_s=120)
        server.start()
        server.kill()
    assert made.events == [
        "start store",
        "stop store by SIGUSR1 within 20 s",
        "start store",
        "stop store by SIGUSR1 within 120 s",
        "start store",
        "kill store",
    ]
    assert server.prepared == 3


def test_a_tool_that_succeeds_says_nothing(tmp_path: Path) -> None:
    program = "import sys, pathlib; pathlib.Path('said').write_text(sys.stdin.read())"
    run_to_its_end(Command([sys.executable, "-c", program], {}, tmp_path), "never", "CREATE DATABASE x\n")
    assert (tmp_path / "said").read_text() == "CREATE DATABASE x\n"


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import sys; print('disk full', file=sys.stderr); sys.exit(1)", "disk full"),
        ("import sys; print('no such locale'); sys.exit(2)", "no such locale"),
        ("import sys; print('heard'); print('told', file=sys.stderr); sys.exit(3)", "told"),
    ],
    ids=["on stderr", "on stdout", "on both, stderr has the reason"],
)
def test_a_tool_that_fails_is_named_with_what_it_said(tmp_path: Path, program: str, said: str) -> None:
    with pytest.raises(ServerFailed) as failed:
        run_to_its_end(Command([sys.executable, "-c", program], {}, tmp_path), "initdb failed")
    assert str(failed.value) == f"initdb failed:\n{said}\n"
