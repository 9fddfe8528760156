"""A real PostgreSQL server on this machine: the packaged programs, with a life cycle of our own."""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from carewire_local.local_server import LocalServer, run_to_its_end
from carewire_local.postgres_place import Place
from carewire_local.processes import kill_and_wait, working_in
from carewire_local.spawner import Command
from carewire_local.state import StateFolder

_NAME = "carewire"  # of the role and of the database
_LONGEST_SOCKET_FOLDER = 80  # a socket's path has at most 107 bytes on Linux, 103 elsewhere

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "wal_level": "minimal",
    "min_wal_size": "80MB",
    "max_wal_size": "1GB",
    "max_wal_senders": "0",
    "jit": "off",
    # The log must not hold what a failing statement was about: rows, keys and parameters stay out of it.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length_on_error": "0",
}

_INITDB = (
    f"--username={_NAME}",
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
    "--data-checksums",
    "--no-sync",
    "--no-instructions",
    # A commit that needs a new segment of the log waits until it is filled with zeros, 20-40 ms for the usual 16 MB and
    # 6 ms for these: a young server has none to recycle.
    "--wal-segsize=4",
)


class PostgresServer(LocalServer):
    """The Postgres of one stack.

    `durable=False` doesn't wait for the disk: safe when a process dies, not when the machine does.
    """

    name = "postgres"
    title = "Postgres"
    ordered_stop = signal.SIGINT  # "fast shutdown": open connections are closed

    def __init__(self, state: StateFolder, place: Place, port: int, *, durable: bool = True) -> None:
        super().__init__(state, port)
        self._place = place
        self._data = place.data / "data"
        self._sockets = place.data / "socket"
        self._durable = durable
        self._password = state.secret("postgres_password")

    @property
    def dsn(self) -> str:
        """The address for clients, with the password."""
        return f"postgresql://{_NAME}:{self._password}@127.0.0.1:{self.port}/{_NAME}"

    def prepare(self) -> None:
        """Make folders and database cluster where they are missing, and remove the locks of a killed server."""
        self._make_folders()
        self._initialize_once()
        self._remove_stale_locks()

    def command(self) -> Command:
        """Run the server with its settings."""
        # "Immediate shutdown" at the owner's death: the server ends its own children, also busy ones.
        return self._run("postgres", "-D", str(self._data), *self._options(), death_signal=signal.SIGQUIT)

    def serves(self) -> bool:
        """Ask whether the server accepts connections."""
        probe = [str(self._place.programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port), "-t", "1"]
        return subprocess.run(probe, capture_output=True, check=False).returncode == 0

    def _run(self, program: str, *arguments: str, death_signal: signal.Signals = signal.SIGKILL) -> Command:
        argv = [str(self._place.programs / program), *arguments]
        return Command(argv, _environment(), self._place.data, self._place.user, death_signal)

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
            self._use_tool("initdb", "-D", str(aside), f"--pwfile={password.name}", *_INITDB)
        self._use_tool("postgres", "--single", "-D", str(aside), "postgres", text=f"CREATE DATABASE {_NAME}\n")
        aside.rename(self._data)

    def _use_tool(self, program: str, *arguments: str, text: str = "") -> None:
        run_to_its_end(self._run(program, *arguments), f"{program} of Postgres failed", text)

    def _remove_stale_locks(self) -> None:
        """Remove lock files left by kill -9: Postgres refuses to start while their pid exists, whoever has it now.

        The killed server's own children notice its death only when they are idle: none may write any more.
        """
        lock = self._data / "postmaster.pid"
        if lock.exists():
            kill_and_wait(working_in(self._data, "postgres"))
            for stale in (lock, *self._sockets.iterdir()):
                stale.unlink(missing_ok=True)


def _environment() -> dict[str, str]:
    """Pass nothing of the user's own Postgres settings (PGDATA, PGPORT and the like), nor of the locale."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "LC_"))}
    return {**kept, "LC_ALL": "C"}
