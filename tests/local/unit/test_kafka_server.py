"""How the broker is prepared and run."""

import os
from pathlib import Path

import pytest

from carewire_local import kafka_server
from carewire_local.errors import ServerFailed
from carewire_local.kafka_server import KafkaServer
from carewire_local.spawner import Command
from carewire_local.state import StateFolder

JARS = [Path("/jars/kafka.jar"), Path("/jars/clients.jar")]


class Tool:
    """Stands in for the format tool."""

    def __init__(self, fails_with: str | None = None) -> None:
        self.commands: list[Command] = []
        self._fails_with = fails_with

    def __call__(self, command: Command, failure: str) -> None:
        self.commands.append(command)
        if self._fails_with is not None:
            raise ServerFailed(f"{failure}:\n{self._fails_with}")


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> Tool:
    stand_in = Tool()
    monkeypatch.setattr(kafka_server, "run_to_its_end", stand_in)
    return stand_in


def server(folder: Path, options: tuple[str, ...] = ()) -> KafkaServer:
    return KafkaServer(StateFolder(folder), Path("/jdk/bin/java"), JARS, 9092, 9093, options)


def test_clients_reach_it_on_loopback(tmp_path: Path) -> None:
    assert server(tmp_path).bootstrap == "127.0.0.1:9092"


def test_it_runs_the_packaged_java_on_the_locked_jars_with_its_own_settings(tmp_path: Path) -> None:
    command = server(tmp_path).command()
    assert command.argv[0] == "/jdk/bin/java"
    classpath = command.argv.index("-cp")
    assert command.argv[classpath + 1 :] == [
        f"/jars/kafka.jar{os.pathsep}/jars/clients.jar",
        "kafka.Kafka",
        str(tmp_path / "kafka" / "server.properties"),
    ]
    assert command.folder == tmp_path / "kafka"
    assert command.user is None


def test_options_of_the_virtual_machine_stand_before_the_class_path(tmp_path: Path) -> None:
    argv = list(server(tmp_path, ("-XX:AOTCache=x",)).command().argv)
    assert "-Xmx400m" in argv
    assert argv.index("-XX:AOTCache=x") < argv.index("-cp")


def test_its_young_objects_have_room_from_the_start_so_that_it_rarely_stands_still(tmp_path: Path) -> None:
    argv = server(tmp_path).command().argv
    assert {"-Xms256m", "-Xmn128m"} <= set(argv)


@pytest.mark.parametrize("name", ["JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "CLASSPATH"])
def test_the_user_s_own_java_settings_do_not_reach_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "-Xmx8g")
    monkeypatch.setenv("LANG", "nl_BE")
    env = server(tmp_path).command().env
    assert name not in env
    assert env["LANG"] == "nl_BE"


def test_a_new_folder_is_formatted_with_a_cluster_id(tmp_path: Path, tool: Tool) -> None:
    server(tmp_path).prepare()
    (command,) = tool.commands
    words = list(command.argv)
    assert words[words.index("kafka.tools.StorageTool") + 1] == "format"
    assert len(words[words.index("--cluster-id") + 1]) == 22
    assert words[words.index("--config") + 1] == str(tmp_path / "kafka" / "server.properties")


def test_a_used_folder_is_never_formatted_again(tmp_path: Path, tool: Tool) -> None:
    (tmp_path / "kafka" / "data").mkdir(parents=True)
    (tmp_path / "kafka" / "data" / "meta.properties").touch()
    server(tmp_path).prepare()
    assert tool.commands == []


def test_the_settings_are_written_at_every_start_because_ports_may_have_changed(tmp_path: Path, tool: Tool) -> None:
    server(tmp_path).prepare()
    KafkaServer(StateFolder(tmp_path), Path("/jdk/bin/java"), JARS, 9192, 9193).prepare()
    written = (tmp_path / "kafka" / "server.properties").read_text().splitlines()
    assert "listeners=PLAINTEXT://127.0.0.1:9192,CONTROLLER://127.0.0.1:9193" in written
    assert f"log.dirs={tmp_path / 'kafka' / 'data'}" in written


def test_a_folder_that_cannot_be_formatted_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_server, "run_to_its_end", Tool(fails_with="No space left on device"))
    with pytest.raises(ServerFailed, match=r"^the data folder of Kafka could not be formatted:\nNo space left"):
        server(tmp_path).prepare()


@pytest.mark.parametrize("answer", [True, False])
def test_it_serves_when_the_probe_finds_a_registered_broker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: bool
) -> None:
    asked: list[tuple[str, int]] = []

    def probe(host: str, port: int) -> bool:
        asked.append((host, port))
        return answer

    monkeypatch.setattr(kafka_server, "serves", probe)
    assert server(tmp_path).serves() is answer
    assert asked == [("127.0.0.1", 9092)]
