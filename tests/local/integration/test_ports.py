"""Choosing ports."""

import socket
from pathlib import Path

from carewire_local.ports import Ports, is_free
from carewire_local.state import StateFolder


def _free_port(folder: Path) -> int:
    """A port that no outgoing connection of a neighbour is given, and that no stack of this machine has chosen."""
    ports = Ports(_state(folder / "nobody"))
    port = ports.choose("nothing")
    ports.release()
    return port


def _state(folder: Path) -> StateFolder:
    state = StateFolder(folder)
    state.hold()
    state.release()
    return state


def test_the_usual_port_is_taken_when_it_is_free(tmp_path: Path) -> None:
    usual = _free_port(tmp_path)
    ports = Ports(_state(tmp_path / "a"))
    assert ports.choose("kafka", usual) == usual
    ports.release()


def test_another_port_is_chosen_when_the_usual_one_is_taken_and_it_is_remembered(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        usual = other.getsockname()[1]
        assert not is_free(usual)
        ports = Ports(_state(tmp_path / "a"))
        chosen = ports.choose("kafka", usual)
        assert chosen != usual
        ports.release()
    again = Ports(_state(tmp_path / "a"))
    assert again.choose("kafka", usual) == chosen
    again.release()


def test_a_remembered_port_that_is_taken_by_now_is_chosen_anew(tmp_path: Path) -> None:
    ports = Ports(_state(tmp_path / "a"))
    first = ports.choose("kafka")
    ports.release()
    with socket.socket() as other:
        other.bind(("127.0.0.1", first))
        other.listen()
        again = Ports(_state(tmp_path / "a"))
        assert again.choose("kafka") != first
        again.release()


def test_two_stacks_never_choose_the_same_port_even_before_they_listen(tmp_path: Path) -> None:
    usual = _free_port(tmp_path)
    one, other = Ports(_state(tmp_path / "a")), Ports(_state(tmp_path / "b"))
    assert one.choose("kafka", usual) != other.choose("kafka", usual)
    one.release()
    other.release()


def test_ports_lie_below_those_of_outgoing_connections(tmp_path: Path) -> None:
    ports = Ports(_state(tmp_path / "a"))
    assert 20_000 <= ports.choose("kafka") < 32_000
    ports.release()
