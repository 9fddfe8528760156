"""The life of a server of the stack: started on its data, awaited until it serves, stopped in order, or killed."""

import signal
import subprocess
import time
from abc import ABC, abstractmethod
from typing import ClassVar

from carewire_local.child import Child, ChildKeeper
from carewire_local.errors import ServerFailed
from carewire_local.spawner import Command
from carewire_local.state import StateFolder

START_DEADLINE_S = 60.0
STOP_DEADLINE_S = 20.0
_POLL_S = 0.02


class LocalServer(ChildKeeper, ABC):
    """A server on this machine. `stop` and `kill` keep its data; `start` takes it up again.

    Each kind says how its data is prepared, which command runs it, and when it serves. `name` is that of its log
    file, `title` the one for people; `ordered_stop` is the signal by which it needs no recovery at its next start.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    ordered_stop: ClassVar[signal.Signals]

    def __init__(self, state: StateFolder, port: int) -> None:
        super().__init__(Child(self.name, state))
        self.port = port

    def start(self) -> None:
        """Start the server on its data, made at its first start, and wait until it serves.

        Raises ServerFailed when it ends or does not serve in time.
        """
        self.prepare()
        self._child.start(self.command())
        self._wait_until_serving()

    def stop(self, deadline_s: float = STOP_DEADLINE_S) -> None:
        """Stop the server in order; kill it after the deadline."""
        self._child.stop(self.ordered_stop, deadline_s)

    def kill(self) -> None:
        """Kill the server and all its processes by SIGKILL."""
        self._child.kill()

    @abstractmethod
    def prepare(self) -> None:
        """Make the data where there is none yet, and mend what a kill left behind. Raises ServerFailed."""

    @abstractmethod
    def command(self) -> Command:
        """Say what to run."""

    @abstractmethod
    def serves(self) -> bool:
        """Ask the server whether clients may come."""

    def _wait_until_serving(self) -> None:
        end = time.monotonic() + START_DEADLINE_S
        while not self.serves():
            if not self.alive:
                raise self._failed(f"ended at its start with exit code {self._child.exit_code}")
            if time.monotonic() > end:
                self.kill()
                raise self._failed(f"did not serve within {START_DEADLINE_S:.0f} s")
            time.sleep(_POLL_S)

    def _failed(self, what: str) -> ServerFailed:
        return ServerFailed(f"{self.title} {what}. The end of {self.log}:\n{self._child.last_words()}")


def run_to_its_end(command: Command, failure: str, text: str = "") -> None:
    """Run a tool that prepares a server's data, with `text` as its input.

    Raises ServerFailed, saying `failure` and what the tool said, when it ends with an error.
    """
    user = command.user
    done = subprocess.run(
        command.argv,
        input=text,
        env=command.env,
        cwd=command.folder,
        user=user.uid if user else None,
        group=user.gid if user else None,
        extra_groups=[] if user else None,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ServerFailed(f"{failure}:\n{done.stderr or done.stdout}")
