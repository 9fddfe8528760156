"""A real Apache Kafka broker on this machine: one node, KRaft mode, its data in the state folder."""

import base64
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from carewire_local.child import Child
from carewire_local.errors import ServerFailed
from carewire_local.kafka_probe import serves
from carewire_local.kafka_properties import as_text, broker_properties
from carewire_local.spawner import Command
from carewire_local.state import StateFolder

START_DEADLINE_S = 60.0
STOP_DEADLINE_S = 20.0
_POLL_S = 0.05

# A small heap and the quick compiler only: a developer's broker is idle most of the time, and the optimizing
# compiler costs more CPU in its first minutes than it saves.
_JVM = ("-Xms64m", "-Xmx400m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true")
_LOGGING = (
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
)


class KafkaServer:
    """The broker of one stack. `stop` and `kill` keep its data; `start` takes it up again."""

    def __init__(
        self,
        state: StateFolder,
        java: Path,
        jars: Sequence[Path],
        port: int,
        controller_port: int,
        jvm_options: Sequence[str] = (),
    ) -> None:
        self.port = port
        self._state = state
        self._child = Child("kafka", state)
        self._data = state.path / "kafka" / "data"
        self._properties = state.path / "kafka" / "server.properties"
        self._settings = broker_properties(self._data, port, controller_port)
        self._java = [str(java), *_JVM, *_LOGGING, *jvm_options, "-cp", os.pathsep.join(map(str, jars))]

    @property
    def bootstrap(self) -> str:
        """The address for clients."""
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        """The pid of the running broker; None when it does not run."""
        return self._child.pid

    @property
    def alive(self) -> bool:
        """Whether the broker's process runs."""
        return self._child.alive

    def start(self) -> None:
        """Start the broker on its data and wait until it serves.

        Raises ServerFailed when it ends or does not serve in time.
        """
        self.format_once()
        command = [*self._java, "kafka.Kafka", str(self._properties)]
        self._child.start(Command(command, _environment(), self._properties.parent))
        self._wait_until_serving()

    def stop(self, deadline_s: float = STOP_DEADLINE_S) -> None:
        """Stop the broker in order, so that its next start needs no recovery; kill it after the deadline."""
        self._child.stop(signal.SIGTERM, deadline_s)

    def kill(self) -> None:
        """Kill the broker by SIGKILL."""
        self._child.kill()

    def format_once(self) -> None:
        """Write the settings, and give a new data folder its cluster id.

        A folder without meta.properties has never been used. Raises ServerFailed.
        """
        self._properties.parent.mkdir(parents=True, exist_ok=True)
        self._properties.write_text(as_text(self._settings), "utf-8")
        if (self._data / "meta.properties").exists():
            return
        tool = [*self._java, "kafka.tools.StorageTool", "format", "--ignore-formatted"]
        done = subprocess.run(
            [*tool, "--cluster-id", new_cluster_id(), "--config", str(self._properties)],
            env=_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise ServerFailed(f"the data folder of Kafka could not be formatted:\n{done.stderr or done.stdout}")

    def _wait_until_serving(self) -> None:
        end = time.monotonic() + START_DEADLINE_S
        while not serves("127.0.0.1", self.port):
            if not self._child.alive:
                raise self._failed(f"Kafka ended at its start with exit code {self._child.exit_code}")
            if time.monotonic() > end:
                self.kill()
                raise self._failed(f"Kafka did not serve within {START_DEADLINE_S:.0f} s")
            time.sleep(_POLL_S)

    def _failed(self, what: str) -> ServerFailed:
        return ServerFailed(f"{what}. The end of {self._child.log}:\n{self._child.last_words()}")


def new_cluster_id() -> str:
    """Make a random 128-bit id in URL-safe base64; a leading `-` would look like an option to the format tool."""
    raw = secrets.token_bytes(16)
    return base64.urlsafe_b64encode(bytes([raw[0] & 0x7F]) + raw[1:]).decode().rstrip("=")


def _environment() -> dict[str, str]:
    """Pass the environment without what would change the JVM behind our back."""
    unwanted = {"JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "CLASSPATH"}
    return {key: value for key, value in os.environ.items() if key not in unwanted}
