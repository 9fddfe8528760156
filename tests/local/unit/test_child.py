"""A child process: its log, its record in the state folder, and every way that it can end."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from carewire_local.child import Child
from carewire_local.processes import identify, is_alive
from carewire_local.spawner import Command
from carewire_local.state import StateFolder
from carewire_testing import eventually

SLEEP = "import time; print('up', flush=True); time.sleep(60)"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEP
PARENT = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {SLEEP!r}]).wait()"


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateFolder]:
    folder = StateFolder(tmp_path)
    folder.hold()
    yield folder
    folder.release()


@pytest.fixture
def child(state: StateFolder) -> Iterator[Child]:
    made = Child("store", state)
    yield made
    made.kill()


def running(program: str, folder: Path) -> Command:
    return Command([sys.executable, "-c", program], {}, folder)


async def started(child: Child, program: str, folder: Path) -> None:
    child.start(running(program, folder))
    await eventually(lambda: "up" in child.last_words())


def test_before_its_first_start_nothing_happens_to_it(child: Child) -> None:
    assert (child.alive, child.pid, child.exit_code, child.last_words()) == (False, None, None, "")
    assert child.stop(signal.SIGTERM, 1.0)
    child.send(signal.SIGTERM)
    child.kill()
    assert child.wait(1.0) is None


async def test_it_is_recorded_while_it_runs_and_forgotten_after_an_ordered_stop(child: Child, tmp_path: Path) -> None:
    await started(child, SLEEP, tmp_path)
    recorded = tmp_path / "children" / "store"
    assert recorded.read_text().split()[0] == str(child.pid)
    assert child.stop(signal.SIGTERM, 10.0)
    assert child.exit_code == -signal.SIGTERM
    assert not recorded.exists()
    assert child.pid is None


async def test_who_does_not_listen_is_killed_after_the_deadline(child: Child, tmp_path: Path) -> None:
    await started(child, DEAF, tmp_path)
    assert not child.stop(signal.SIGTERM, 0.05)
    assert child.exit_code == -signal.SIGKILL
    assert not (tmp_path / "children" / "store").exists()


async def test_a_kill_takes_its_children_too(child: Child, tmp_path: Path) -> None:
    await started(child, PARENT, tmp_path)
    assert child.pid is not None
    (inner,) = psutil.Process(child.pid).children()
    identity = identify(inner.pid)
    assert identity is not None
    child.kill()
    assert not is_alive(identity)


@pytest.mark.parametrize("code", [0, 1, 70, 78])
def test_its_exit_code_is_known(child: Child, tmp_path: Path, code: int) -> None:
    child.start(running(f"raise SystemExit({code})", tmp_path))
    assert child.wait(10.0) == code
    assert child.exit_code == code
    assert not child.alive


async def test_who_still_runs_at_the_deadline_has_no_exit_code(child: Child, tmp_path: Path) -> None:
    await started(child, SLEEP, tmp_path)
    assert child.wait(0.02) is None
    assert child.alive


def test_each_run_adds_to_the_log_with_output_and_errors(child: Child, tmp_path: Path) -> None:
    for word in ("first", "second"):
        child.start(running(f"import sys; print('{word}'); print('{word} error', file=sys.stderr)", tmp_path))
        child.wait(10.0)
    assert sorted(child.log.read_text().splitlines()) == ["first", "first error", "second", "second error"]


def test_last_words_are_the_end_of_the_log_even_if_it_is_no_text(child: Child) -> None:
    child.log.write_bytes(b"\n".join(b"line %d" % n for n in range(100)) + b"\n\xff\n")
    assert child.last_words(3).splitlines() == ["line 98", "line 99", "\ufffd"]
    assert len(child.last_words().splitlines()) == 15


async def test_it_can_be_started_again_after_its_end(child: Child, tmp_path: Path) -> None:
    await started(child, SLEEP, tmp_path)
    first = child.pid
    child.kill()
    await started(child, SLEEP, tmp_path)
    assert child.alive
    assert child.pid != first


def test_it_sees_nothing_of_our_environment_but_what_it_is_given(
    child: Child, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAREWIRE_SECRET", "ours")
    program = "import os; print(os.environ.get('CAREWIRE_SECRET'), os.environ.get('GIVEN'), os.getcwd())"
    child.start(Command([sys.executable, "-c", program], {"GIVEN": "yes"}, tmp_path))
    child.wait(10.0)
    assert child.last_words() == f"None yes {tmp_path}"


def test_a_command_that_does_not_exist_ends_and_says_so(child: Child, tmp_path: Path) -> None:
    child.start(Command(["/no/such/program"], {}, tmp_path))
    assert child.wait(10.0) == 1
    assert "FileNotFoundError" in child.last_words()


def test_a_folder_that_does_not_exist_is_an_error_at_once(child: Child, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        child.start(running(SLEEP, tmp_path / "none"))
