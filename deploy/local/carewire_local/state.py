"""The state folder of one stack: who holds it, what it remembers, and which processes it started.

lock                who holds the folder (an advisory lock: it is free as soon as the holder is dead)
state.json          ports, passwords and keys, readable by the owner only
children/NAME       pid and start time of each running child
kafka/ postgres/    the data of the servers
logs/               one log file for each server and service
"""

import fcntl
import json
import os
import secrets
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from carewire_local.errors import StateHeld
from carewire_local.processes import Identity, descendants, identify, is_alive, kill_and_wait, mentions


class StateFolder:
    """A state folder, made when it is missing. `hold` it before starting anything in it."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.logs = self.path / "logs"
        self._children = self.path / "children"
        self._lock: IO[str] | None = None
        self._writing = threading.Lock()

    def hold(self) -> None:
        """Take the folder for this process until `release` or its death; end orphans of an earlier holder.

        Raises StateHeld, naming the holder, when another process has it.
        """
        if not self.path.exists():
            # The Postgres user passes through this folder on its way to its data, but cannot list it.
            self.path.mkdir(parents=True)
            self.path.chmod(0o711)
        for folder in (self.logs, self._children):
            folder.mkdir(mode=0o700, exist_ok=True)  # the log of a setup holds the first API key
        lock = (self.path / "lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with lock:
                raise self._held_by(lock) from None
        lock.truncate(0)
        lock.write(json.dumps({"pid": os.getpid(), "command": " ".join(sys.argv)}))
        lock.flush()
        self._lock = lock
        self._end_orphans()

    def _held_by(self, lock: IO[str]) -> StateHeld:
        lock.seek(0)
        text = lock.read()
        holder = json.loads(text) if text else {"pid": "?", "command": "starting"}
        return StateHeld(
            f"{self.path} is in use by process {holder['pid']} ({holder['command']}). "
            "Stop that one first, or choose another folder by --state."
        )

    def release(self) -> None:
        """Give the folder back. Harmless when it is not held."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def record_child(self, name: str, pid: int) -> None:
        """Remember a running child, so that a later holder can end it if nobody else did."""
        identity = identify(pid)
        if identity is not None:
            _write_atomically(self._children / name, f"{identity.pid} {identity.started}")

    def forget_child(self, name: str) -> None:
        """Forget a child that has ended."""
        (self._children / name).unlink(missing_ok=True)

    def _end_orphans(self) -> None:
        """End what an earlier holder left behind: same pid, same start time, and at work in this folder."""
        recorded = {file: _read_identity(file) for file in self._children.iterdir()}
        orphans = [child for child in recorded.values() if child and self._is_ours(child)]
        families = [member for orphan in orphans for member in descendants(orphan.pid)]
        kill_and_wait([*orphans, *families])
        for file in recorded:
            file.unlink(missing_ok=True)

    def _is_ours(self, child: Identity) -> bool:
        return is_alive(child) and mentions(child.pid, self.path)

    def contents(self) -> list[Path]:
        """Return everything that a stack puts into its folder; the lock last."""
        names = ("kafka", "postgres", "logs", "children", "state.json", "lock")
        return [self.path / name for name in names]

    def remembered(self, key: str) -> Any:
        """Return what was stored under the key, or None."""
        return self._read().get(key)

    def remember(self, key: str, value: Any) -> None:
        """Store a JSON value under the key. Safe to use from several threads."""
        with self._writing:
            _write_atomically(self.path / "state.json", json.dumps({**self._read(), key: value}, indent=2))

    def secret(self, key: str, make: Callable[[], str] = secrets.token_urlsafe) -> str:
        """Return the secret of that name, made at its first use."""
        known = self.remembered(key)
        if isinstance(known, str):
            return known
        made = make()
        self.remember(key, made)
        return made

    def _read(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads((self.path / "state.json").read_text("utf-8"))
        except FileNotFoundError:
            return {}
        return found


def _read_identity(file: Path) -> Identity | None:
    pid, _, started = file.read_text("utf-8").partition(" ")
    return Identity(int(pid), float(started)) if pid.isdigit() and started else None


def _write_atomically(file: Path, text: str) -> None:
    """Write through a private temporary file: a reader sees the old text or the new one, never half of it."""
    part = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.write(text)
    part.replace(file)
