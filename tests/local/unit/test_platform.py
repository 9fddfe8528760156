"""Servers, setup and services in their order; one environment for all; and nothing left running at a failure."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from carewire_local import platform as platform_module
from carewire_local.child import ChildMaker
from carewire_local.errors import NotReady, SetupFailed
from carewire_local.platform import Platform
from carewire_local.ports import Ports
from carewire_local.service_process import Service
from carewire_local.state import StateFolder
from carewire_runtime.sealing import Keyring
from carewire_testing_local.children import Children


class FakeStack:
    """Servers that are up at once."""

    kafka_bootstrap = "127.0.0.1:29092"
    postgres_dsn = "postgresql://here/carewire"

    def __init__(self, folder: Path, *, events: list[str]) -> None:
        self.state = StateFolder(folder)
        self.ports = Ports(self.state)
        self.events = events

    def up(self) -> None:
        self.state.hold()
        self.events.append("servers up")

    def down(self) -> None:
        self.ports.release()
        self.state.release()
        self.events.append("servers down")


class World:
    """Everything that a platform starts."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.events: list[str] = []
        self.set_up: list[Service] = []
        self.served: list[Service] = []
        self.children: list[Any] = []
        self.failures: dict[str, BaseException] = {}
        patch.setattr(platform_module, "Stack", lambda folder, **_: FakeStack(folder, events=self.events))
        for name in ("CAREWIRE_ENCRYPTION_KEYS", "CAREWIRE_BOOTSTRAP_API_KEY"):
            patch.delenv(name, raising=False)
        patch.setattr(platform_module, "set_up", self._set_up)
        patch.setattr(platform_module, "Supervisor", self._supervisor)

    def _set_up(self, services: Sequence[Service], _state: StateFolder, child: ChildMaker) -> None:
        self.set_up = list(services)
        self.children.append(child)
        self._happens("set up")

    def _supervisor(self, services: Sequence[Service], _state: StateFolder, *, child: ChildMaker, **_: Any) -> Any:
        self.served = list(services)
        self.children.append(child)
        return SimpleNamespace(
            start=lambda: self._happens("services start"),
            wait_ready=lambda: self._happens("services ready"),
            stop=lambda: self._happens("services stop"),
        )

    def _happens(self, event: str) -> None:
        self.events.append(event)
        if event in self.failures:
            raise self.failures[event]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def test_everything_comes_up_in_order_and_goes_down_in_the_opposite_one(tmp_path: Path, world: World) -> None:
    with Platform(tmp_path) as platform:
        assert platform.supervisor is not None
    assert world.events == [
        "servers up",
        "set up",
        "services start",
        "services ready",
        "services stop",
        "servers down",
    ]


def test_each_service_is_set_up_and_served_by_its_own_command(tmp_path: Path, world: World) -> None:
    with Platform(tmp_path):
        pass
    assert [(Path(each.argv[0]).name, each.argv[1], each.name) for each in [*world.set_up, *world.served]] == [
        ("carewire-ingress", "setup", "ingress-setup"),
        ("carewire-orchestrator", "setup", "orchestrator-setup"),
        ("carewire-dispatcher", "setup", "dispatcher-setup"),
        ("carewire-ingress", "serve", "ingress"),
        ("carewire-orchestrator", "serve", "orchestrator"),
        ("carewire-dispatcher", "serve", "dispatcher"),
    ]


def test_all_share_one_environment_but_for_the_port(tmp_path: Path, world: World) -> None:
    with Platform(tmp_path) as platform:
        urls = dict(platform.urls)
    ports = [service.env["CAREWIRE_HTTP_PORT"] for service in world.served]
    assert len(set(ports)) == 3
    assert [f"http://127.0.0.1:{port}" for port in ports] == list(urls.values())
    shared = [
        {name: value for name, value in service.env.items() if name != "CAREWIRE_HTTP_PORT"} for service in world.served
    ]
    assert shared[0] == shared[1] == shared[2]
    assert shared[0]["CAREWIRE_KAFKA_BOOTSTRAP"] == FakeStack.kafka_bootstrap
    assert shared[0]["CAREWIRE_POSTGRES_DSN"] == FakeStack.postgres_dsn
    assert shared[0]["CAREWIRE_HTTP_HOST"] == "127.0.0.1"


def test_a_developer_s_machine_may_be_called_back_without_a_certificate(tmp_path: Path, world: World) -> None:
    with Platform(tmp_path) as platform:
        assert platform.env["CAREWIRE_ALLOW_PRIVATE_ENDPOINTS"] == "true"
        assert platform.env["CAREWIRE_ALLOW_HTTP_ENDPOINTS"] == "true"


def test_keys_are_made_once_and_kept(tmp_path: Path, world: World) -> None:
    with Platform(tmp_path) as platform:
        first = (platform.api_key, platform.env["CAREWIRE_ENCRYPTION_KEYS"])
        assert platform.env["CAREWIRE_BOOTSTRAP_API_KEY"] == platform.api_key
    with Platform(tmp_path) as platform:
        assert (platform.api_key, platform.env["CAREWIRE_ENCRYPTION_KEYS"]) == first
    assert first[0].startswith("cw_admin_")
    Keyring.parse(first[1])  # else it raises


def test_the_user_s_own_keys_open_the_user_s_own_database(
    tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = Keyring.generate()
    monkeypatch.setenv("CAREWIRE_ENCRYPTION_KEYS", keys)
    monkeypatch.setenv("CAREWIRE_BOOTSTRAP_API_KEY", "cw_admin_mine")
    with Platform(tmp_path) as platform:
        assert platform.env["CAREWIRE_ENCRYPTION_KEYS"] == keys
        assert platform.env["CAREWIRE_BOOTSTRAP_API_KEY"] == platform.api_key == "cw_admin_mine"


def test_what_the_caller_sets_wins(tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAREWIRE_LOG_LEVEL", "debug")
    with Platform(tmp_path, env={"CAREWIRE_TIME_SCALE": "0.01", "CAREWIRE_LOG_LEVEL": "error"}) as platform:
        assert platform.env["CAREWIRE_TIME_SCALE"] == "0.01"
        assert platform.env["CAREWIRE_LOG_LEVEL"] == "error"


def test_progress_is_told_with_times(tmp_path: Path, world: World) -> None:
    told: list[str] = []
    with Platform(tmp_path, report=told.append):
        pass
    assert [line.partition(", after ")[0] for line in told] == [
        "Kafka and Postgres serve",
        "schemas, topics and keys are in place",
        "all services are ready",
    ]


@pytest.mark.parametrize(
    ("step", "error", "then"),
    [
        ("set up", SetupFailed("ingress-setup ended"), ["servers down"]),
        ("services ready", NotReady("ingress answers 503"), ["services stop", "servers down"]),
    ],
)
def test_a_failure_leaves_nothing_running(
    tmp_path: Path, world: World, step: str, error: Exception, then: list[str]
) -> None:
    world.failures[step] = error
    with pytest.raises(type(error)):
        Platform(tmp_path).up()
    assert world.events[world.events.index(step) + 1 :] == then


def test_on_servers_of_somebody_else_only_the_services_are_started_and_stopped(tmp_path: Path, world: World) -> None:
    theirs = FakeStack(tmp_path / "theirs", events=world.events)
    told: list[str] = []
    with Platform(tmp_path / "ours", stack=theirs, report=told.append) as platform:  # type: ignore[arg-type]
        assert platform.logs == tmp_path / "ours" / "logs"
        assert platform.env["CAREWIRE_POSTGRES_DSN"] == theirs.postgres_dsn
    assert world.events == ["set up", "services start", "services ready", "services stop"]
    assert not any("Kafka and Postgres" in line for line in told)


def test_on_servers_of_somebody_else_a_database_of_one_s_own_may_be_named(tmp_path: Path, world: World) -> None:
    theirs: Any = FakeStack(tmp_path / "theirs", events=world.events)
    with Platform(tmp_path / "ours", stack=theirs, env={"CAREWIRE_POSTGRES_DSN": "postgresql://mine"}) as platform:
        assert platform.env["CAREWIRE_POSTGRES_DSN"] == "postgresql://mine"


def test_down_is_harmless_when_nothing_runs_and_there_is_no_supervisor_yet(tmp_path: Path, world: World) -> None:
    platform = Platform(tmp_path)
    with pytest.raises(RuntimeError, match="the platform is not up"):
        platform.supervisor  # noqa: B018 (the property raises)
    platform.down()
    assert world.events == ["servers down"]


def test_the_caller_may_say_how_the_processes_of_services_are_started(tmp_path: Path, world: World) -> None:
    with Platform(tmp_path, child=Children().make):
        assert [made.__func__ for made in world.children] == [Children.make, Children.make], "for setup and serve"
