"""A real PostgreSQL server on this machine: the packaged programs, with a life cycle of our own."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from carewire_local.child import Child
from carewire_local.errors import ServerFailed
from carewire_local.postgres_place import Place
from carewire_local.processes import kill_and_wait, working_in
from carewire_local.spawner import Command
from carewire_local.state import StateFolder

START_DEADLINE_S = 60.0
STOP_DEADLINE_S = 20.0
_POLL_S = 0.02
_NAME = "carewire"  # of the role and of the database
_LONGEST_SOCKET_FOLDER = 80  # a socket's path has at most 107 bytes on Linux, 103 elsewhere

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "jit": "off",
    # The log must not hold what a failing statement was about: rows, keys and parameters stay out of it.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length_on_error": "0",
}


class PostgresServer:
    """The Postgres of one stack. `stop` and `kill` keep its data; `start` takes it up again.

    `durable=False` doesn't wait for the disk: safe when a process dies, not when the machine does.
    """

    def __init__(self, state: StateFolder, place: Place, port: int, *, durable: bool = True) -> None:
        self.port = port
        self._state = state
        self._place = place
        self._data = place.data / "data"
        self._sockets = place.data / "socket"
        self._durable = durable
        self._child = Child("postgres", state)
        self._password = state.secret("postgres_password")

    @property
    def dsn(self) -> str:
        """The address for clients, with the password."""
        return f"postgresql://{_NAME}:{self._password}@127.0.0.1:{self.port}/{_NAME}"

    @property
    def pid(self) -> int | None:
        """The pid of the running server; None when it does not run."""
        return self._child.pid

    @property
    def alive(self) -> bool:
        """Whether the server's process runs."""
        return self._child.alive

    def start(self) -> None:
        """Start the server on its data and wait until it accepts connections.

        Raises ServerFailed when it ends or does not accept any in time.
        """
        self._make_folders()
        self._initialize_once()
        self._remove_stale_locks()
        self._child.start(
            Command(
                [str(self._place.programs / "postgres"), "-D", str(self._data), *self._options()],
                _environment(),
                self._place.data,
                user=self._place.user,
                # "Immediate shutdown": the server ends its own children, also busy ones, and recovers later.
                death_signal=signal.SIGQUIT,
            )
        )
        self._wait_until_accepting()

    def stop(self) -> None:
        """Stop the server in order; open connections are closed."""
        self._child.stop(signal.SIGINT, STOP_DEADLINE_S)

    def kill(self) -> None:
        """Kill the server and all its processes by SIGKILL."""
        self._child.kill()

    def _options(self) -> list[str]:
        sockets = str(self._sockets)
        settings = {
            **_SETTINGS,
            "port": str(self.port),
            "unix_socket_directories": sockets if len(sockets) <= _LONGEST_SOCKET_FOLDER else "",
            "unix_socket_permissions": "0700",
            "fsync": "on" if self._durable else "off",
        }
        return [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]

    def _make_folders(self) -> None:
        for folder in (self._place.data, self._sockets):
            if not folder.exists():
                folder.mkdir(parents=True)
                folder.chmod(0o700)
                self._give(folder)

    def _give(self, path: Path) -> None:
        if self._place.user is not None:
            os.chown(path, self._place.user.uid, self._place.user.gid)

    def _initialize_once(self) -> None:
        """Make the database cluster aside and rename it, so that a killed attempt leaves no half of one."""
        if self._data.exists():
            return
        aside = self._place.data / "data.new"
        shutil.rmtree(aside, ignore_errors=True)
        with tempfile.NamedTemporaryFile("w", prefix="carewire-") as password:
            password.write(self._password)
            password.flush()
            self._give(Path(password.name))
            self._run("initdb", "-D", str(aside), f"--pwfile={password.name}", *_INITDB)
        self._run("postgres", "--single", "-D", str(aside), "postgres", text=f"CREATE DATABASE {_NAME}\n")
        aside.rename(self._data)

    def _run(self, program: str, *arguments: str, text: str = "") -> None:
        user = self._place.user
        done = subprocess.run(
            [self._place.programs / program, *arguments],
            input=text,
            env=_environment(),
            cwd=self._place.data,
            user=user.uid if user else None,
            group=user.gid if user else None,
            extra_groups=[] if user else None,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise ServerFailed(f"{program} of Postgres failed:\n{done.stderr or done.stdout}")

    def _remove_stale_locks(self) -> None:
        """Remove lock files left by kill -9: Postgres refuses to start while their pid exists, whoever has it now.

        The killed server's own children notice its death only when they are idle: none may write any more.
        """
        lock = self._data / "postmaster.pid"
        if lock.exists():
            kill_and_wait(working_in(self._data, "postgres"))
            for stale in (lock, *self._sockets.iterdir()):
                stale.unlink(missing_ok=True)

    def _wait_until_accepting(self) -> None:
        end = time.monotonic() + START_DEADLINE_S
        while not self._accepts():
            if not self._child.alive:
                raise self._failed(f"Postgres ended at its start with exit code {self._child.exit_code}")
            if time.monotonic() > end:
                self.kill()
                raise self._failed(f"Postgres did not accept connections within {START_DEADLINE_S:.0f} s")
            time.sleep(_POLL_S)

    def _accepts(self) -> bool:
        probe = [str(self._place.programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port), "-t", "1"]
        return subprocess.run(probe, capture_output=True, check=False).returncode == 0

    def _failed(self, what: str) -> ServerFailed:
        return ServerFailed(f"{what}. The end of {self._child.log}:\n{self._child.last_words()}")


_INITDB = (
    f"--username={_NAME}",
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
    "--data-checksums",
    "--no-sync",
    "--no-instructions",
)


def _environment() -> dict[str, str]:
    """Pass nothing of the user's own Postgres settings (PGDATA, PGPORT and the like), nor of the locale."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "LC_"))}
    return {**kept, "LC_ALL": "C"}
