"""A real Apache Kafka broker on this machine: one node, KRaft mode, its data in the state folder."""

import base64
import os
import secrets
import signal
from collections.abc import Sequence
from pathlib import Path

from carewire_local.kafka_probe import serves
from carewire_local.kafka_properties import as_text, broker_properties
from carewire_local.local_server import LocalServer, run_to_its_end
from carewire_local.spawner import Command
from carewire_local.state import StateFolder

# A small heap and the quick compiler only: a developer's broker is idle most of the time, and the optimizing
# compiler costs more CPU in its first minutes than it saves. The heap does not begin smaller than it is needed: with
# 64 MB the world stood still for 12-45 ms every 1.7 s at 50 journeys a second, and for 250 ms whenever the heap grew.
_HEAP = ("-Xms256m", "-Xmn128m", "-Xmx400m", "-XX:+UseSerialGC")
_JVM = (*_HEAP, "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true")
_LOGGING = (
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
)


class KafkaServer(LocalServer):
    """The broker of one stack."""

    name = "kafka"
    title = "Kafka"
    ordered_stop = signal.SIGTERM

    def __init__(
        self,
        state: StateFolder,
        java: Path,
        jars: Sequence[Path],
        port: int,
        controller_port: int,
        jvm_options: Sequence[str] = (),
    ) -> None:
        super().__init__(state, port)
        self._folder = state.path / "kafka"
        self._data = self._folder / "data"
        self._properties = self._folder / "server.properties"
        self._settings = broker_properties(self._data, port, controller_port)
        self._java = [str(java), *_JVM, *_LOGGING, *jvm_options, "-cp", os.pathsep.join(map(str, jars))]

    @property
    def bootstrap(self) -> str:
        """The address for clients."""
        return f"127.0.0.1:{self.port}"

    def prepare(self) -> None:
        """Write the settings, and give a new data folder its cluster id.

        A folder without meta.properties has never been used. Raises ServerFailed.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        self._properties.write_text(as_text(self._settings), "utf-8")
        if not (self._data / "meta.properties").exists():
            tool = ["kafka.tools.StorageTool", "format", "--ignore-formatted", "--cluster-id", new_cluster_id()]
            run_to_its_end(
                self._run(*tool, "--config", str(self._properties)), "the data folder of Kafka could not be formatted"
            )

    def command(self) -> Command:
        """Run the broker with its settings."""
        return self._run("kafka.Kafka", str(self._properties))

    def serves(self) -> bool:
        """Ask whether the broker is registered: only then can it lead partitions."""
        return serves("127.0.0.1", self.port)

    def _run(self, *arguments: str) -> Command:
        return Command([*self._java, *arguments], _environment(), self._folder)


def new_cluster_id() -> str:
    """Make a random 128-bit id in URL-safe base64; a leading `-` would look like an option to the format tool."""
    raw = secrets.token_bytes(16)
    return base64.urlsafe_b64encode(bytes([raw[0] & 0x7F]) + raw[1:]).decode().rstrip("=")


def _environment() -> dict[str, str]:
    """Pass the environment without what would change the JVM behind our back."""
    unwanted = {"JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "CLASSPATH"}
    return {key: value for key, value in os.environ.items() if key not in unwanted}
