"""Looks at processes by more than their number: a pid alone may belong to somebody else by now."""

import signal
import time
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]

_SAME_START_S = 2.0  # a clock set by a time service moves the computed start of a process a little


@dataclass(frozen=True)
class Identity:
    """A process: its pid and when it was started (seconds since the epoch)."""

    pid: int
    started: float


def identify(pid: int) -> Identity | None:
    """Return the identity of a running process; None when there is none, or only a zombie."""
    process = _running(pid)
    return Identity(pid, process.create_time()) if process else None


def is_alive(identity: Identity) -> bool:
    """Tell whether this very process still runs."""
    now = identify(identity.pid)
    return now is not None and abs(now.started - identity.started) < _SAME_START_S


def working_in(folder: Path, name: str) -> list[Identity]:
    """Return the processes of that program name whose working folder is this one."""
    return [
        Identity(process.pid, process.create_time())
        for process in psutil.process_iter(["name", "cwd"])
        if process.info["name"] == name and process.info["cwd"] == str(folder)
    ]


def mentions(pid: int, folder: Path) -> bool:
    """Tell whether the process has the folder in its command line or works in it."""
    process = _running(pid)
    if process is None:
        return False
    try:
        return any(str(folder) in part for part in process.cmdline()) or _is_inside(process.cwd(), folder)
    except psutil.Error:
        return False


def _is_inside(cwd: str, folder: Path) -> bool:
    return Path(cwd) == folder or folder in Path(cwd).parents


def descendants(pid: int) -> list[Identity]:
    """Return all living children of the process, and theirs."""
    process = _running(pid)
    if process is None:
        return []
    try:
        return [Identity(child.pid, child.create_time()) for child in process.children(recursive=True)]
    except psutil.Error:
        return []


def kill_and_wait(victims: list[Identity], deadline_s: float = 10.0) -> None:
    """Kill by SIGKILL the processes that still are the ones meant, and wait until they are gone."""
    for victim in victims:
        if is_alive(victim):
            _signal(victim.pid)
    end = time.monotonic() + deadline_s
    while any(is_alive(victim) for victim in victims) and time.monotonic() < end:
        time.sleep(0.01)


def _signal(pid: int) -> None:
    try:
        psutil.Process(pid).send_signal(signal.SIGKILL)
    except psutil.NoSuchProcess:
        return


def _running(pid: int) -> "psutil.Process | None":
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process
    except psutil.NoSuchProcess:
        return None
