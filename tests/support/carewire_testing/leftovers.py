"""Finds processes that a test run left behind."""

import os
from pathlib import Path

import psutil  # type: ignore[import-untyped]


def left_behind(folder: Path) -> list[str]:
    """Return a line for each living child of this process, and for each process at work in `folder`."""
    found = {child.pid: child for child in [*psutil.Process().children(recursive=True), *at_work_in(folder)]}
    return [_describe(process) for process in found.values() if is_running(process)]


def at_work_in(folder: Path) -> list["psutil.Process"]:
    """Return the running processes that have the folder in their command line or work in it, this one excepted."""
    return [
        process
        for process in psutil.process_iter(["cmdline", "cwd"])
        if process.pid != os.getpid() and _mentions(process, str(folder)) and is_running(process)
    ]


def _mentions(process: "psutil.Process", folder: str) -> bool:
    words = [*(process.info["cmdline"] or []), process.info["cwd"] or ""]
    return any(folder in word for word in words)


def is_running(process: "psutil.Process") -> bool:
    """Tell whether the process runs; a zombie doesn't."""
    try:
        return bool(process.is_running()) and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _describe(process: "psutil.Process") -> str:
    return f"pid {process.pid}: {' '.join(process.cmdline())[:200]}"
