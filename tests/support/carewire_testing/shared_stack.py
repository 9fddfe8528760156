"""One stack for all processes that share the tests of a run: servers of their own cost each of them more than tests."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from carewire_local.progress import Report
from carewire_local.stack import Stack


class RunningStack(Stack):
    """A stack that another process runs: it serves, and is not this one's to stop."""

    def __init__(self, folder: Path, kafka_bootstrap: str, postgres_dsn: str) -> None:
        super().__init__(folder)
        self._addresses = kafka_bootstrap, postgres_dsn

    @property
    def kafka_bootstrap(self) -> str:
        """The address of the broker."""
        return self._addresses[0]

    @property
    def postgres_dsn(self) -> str:
        """The address of the database, with the password."""
        return self._addresses[1]


@contextmanager
def shared_stack(folder: Path, report: Report) -> Iterator[Stack]:
    """Yield the stack of the folder. Whoever comes first starts it, and stops it when all others have left."""
    folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    addresses = folder / "addresses.json"
    with (folder / "users").open("a") as users:
        with (folder / "starting").open("a") as starting, _locked(starting):
            # Waits while the one who started it stops it: then there is none any more.
            fcntl.flock(users, fcntl.LOCK_SH)
            stack: Stack
            if addresses.exists():
                stack = RunningStack(folder / "stack", *json.loads(addresses.read_text("utf-8")))
            else:
                stack = Stack(folder / "stack", report=report, durable=False)
                stack.up()
                addresses.write_text(json.dumps([stack.kafka_bootstrap, stack.postgres_dsn]), "utf-8")
        try:
            yield stack
        finally:
            if not isinstance(stack, RunningStack):
                fcntl.flock(users, fcntl.LOCK_EX)
                addresses.unlink()
                stack.down()


@contextmanager
def _locked(file: IO[str]) -> Iterator[None]:
    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)
