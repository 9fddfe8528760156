"""Processes are known by more than their number; the ones that are meant are ended, no others."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from carewire_local import processes
from carewire_local.processes import (
    Identity,
    descendants,
    identify,
    is_alive,
    kill_and_wait,
    mentions,
    working_in,
)

NOBODY = 2**22 + 1  # above the largest pid of Linux
SLEEP = "import time; print('up', flush=True); time.sleep(60)"
PARENT = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {SLEEP!r}], stdout=subprocess.PIPE)
child.stdout.readline()
print("up", flush=True)
child.wait()
"""


def _start(program: str, folder: Path, *arguments: str) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"up\n"
    return process


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.communicate()


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    process = _start(SLEEP, tmp_path)
    yield process
    _end(process)


def test_a_running_process_has_a_pid_and_a_start(sleeper: "subprocess.Popen[bytes]") -> None:
    identity = identify(sleeper.pid)
    assert identity is not None
    assert identity.pid == sleeper.pid
    assert identity == Identity(sleeper.pid, psutil.Process(sleeper.pid).create_time())
    assert is_alive(identity)


def test_nobody_has_no_identity() -> None:
    assert identify(NOBODY) is None
    assert not is_alive(Identity(NOBODY, 0.0))


def test_the_same_number_with_another_start_is_somebody_else() -> None:
    me = identify(os.getpid())
    assert me is not None
    assert is_alive(me)
    assert not is_alive(Identity(me.pid, me.started - 3_600))


def test_a_clock_that_was_set_a_little_does_not_make_somebody_else_of_it() -> None:
    me = identify(os.getpid())
    assert me is not None
    assert is_alive(Identity(me.pid, me.started + 1.5))
    assert is_alive(Identity(me.pid, me.started - 1.5))


def test_a_zombie_is_nobody(sleeper: "subprocess.Popen[bytes]") -> None:
    identity = identify(sleeper.pid)
    assert identity is not None
    os.kill(sleeper.pid, signal.SIGKILL)
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)  # ended, and not yet collected
    assert not is_alive(identity)
    assert descendants(sleeper.pid) == []
    assert not mentions(sleeper.pid, Path("/"))


def test_a_process_mentions_the_folder_that_it_works_in_and_those_above(
    sleeper: "subprocess.Popen[bytes]", tmp_path: Path
) -> None:
    assert mentions(sleeper.pid, tmp_path)
    assert mentions(sleeper.pid, tmp_path.parent)
    assert not mentions(sleeper.pid, tmp_path / "deeper")


def test_a_process_mentions_a_folder_of_its_command_line(tmp_path: Path) -> None:
    process = _start(SLEEP, Path("/"), f"--data={tmp_path}/kafka")
    assert mentions(process.pid, tmp_path)
    assert not mentions(process.pid, tmp_path / "another")
    _end(process)


def test_nobody_mentions_nothing() -> None:
    assert not mentions(NOBODY, Path("/"))
    assert descendants(NOBODY) == []


def test_processes_are_found_by_name_and_working_folder(sleeper: "subprocess.Popen[bytes]", tmp_path: Path) -> None:
    name = psutil.Process(sleeper.pid).name()
    assert [found.pid for found in working_in(tmp_path, name)] == [sleeper.pid]
    assert working_in(tmp_path, "postgres") == []
    assert working_in(tmp_path.parent, name) == []


def test_children_of_children_are_found_and_ended(tmp_path: Path) -> None:
    parent = _start(PARENT, tmp_path)
    family = descendants(parent.pid)
    assert len(family) == 1
    me = identify(parent.pid)
    assert me is not None
    kill_and_wait([me, *family])
    assert not any(is_alive(each) for each in [me, *family])
    _end(parent)


def test_who_only_has_the_number_is_not_ended(sleeper: "subprocess.Popen[bytes]") -> None:
    kill_and_wait([Identity(sleeper.pid, 1.0)])
    assert sleeper.poll() is None


def test_ending_nobody_takes_no_time() -> None:
    kill_and_wait([], deadline_s=0)
    kill_and_wait([Identity(NOBODY, 1.0)], deadline_s=0)


def test_who_ends_in_the_moment_of_the_signal_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([True, False])
    monkeypatch.setattr(processes, "is_alive", lambda _: next(answers))
    kill_and_wait([Identity(NOBODY, 1.0)])


@pytest.mark.parametrize("look", ["cmdline", "children"])
def test_a_process_that_hides_is_not_looked_into(
    sleeper: "subprocess.Popen[bytes]", monkeypatch: pytest.MonkeyPatch, look: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise psutil.AccessDenied(sleeper.pid)

    monkeypatch.setattr(psutil.Process, look, refuse)
    assert not mentions(sleeper.pid, Path("/")) or look == "children"
    assert descendants(sleeper.pid) == []
