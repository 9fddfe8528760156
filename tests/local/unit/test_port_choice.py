"""Choosing ports when the machine is full, and among stacks that do not listen yet."""

import socket
from pathlib import Path

import pytest

from carewire_local import ports as ports_module
from carewire_local.errors import ServerFailed
from carewire_local.ports import Ports, is_free
from carewire_local.state import StateFolder


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    return StateFolder(tmp_path)


def test_a_machine_without_a_free_port_is_said_so(state: StateFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports_module, "is_free", lambda _: False)
    with pytest.raises(ServerFailed, match="no free port between 20000 and 32000"):
        Ports(state).choose("kafka", 9092)


def test_one_stack_gives_no_port_twice(state: StateFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports_module, "is_free", lambda _: True)
    ports = Ports(state)
    chosen = [ports.choose(name, 28_123) for name in ("kafka", "postgres", "ingress")]
    assert chosen[0] == 28_123
    assert len(set(chosen)) == 3
    ports.release()


def test_a_released_port_may_be_chosen_again(state: StateFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports_module, "is_free", lambda _: True)
    ports = Ports(state)
    first = ports.choose("kafka")
    ports.release()
    assert ports.choose("kafka") == first
    ports.release()


def test_a_port_is_free_unless_somebody_is_bound_to_it() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert not is_free(port)
    assert is_free(port)
