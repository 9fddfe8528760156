"""The user's own servers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from carewire_local.errors import ServerUnreachable
from carewire_local.ports import Ports
from carewire_local.reachable import require_kafka, require_postgres
from carewire_local.stack import Stack
from carewire_local.state import StateFolder


def test_servers_that_answer_are_accepted(stack: Stack) -> None:
    require_kafka(f"127.0.0.1:1,{stack.kafka_bootstrap}")
    require_postgres(stack.postgres_dsn)


def test_servers_that_are_away_are_named_without_the_password(free_port: int) -> None:
    with pytest.raises(ServerUnreachable, match="CAREWIRE_KAFKA_BOOTSTRAP: no broker answers"):
        require_kafka(f"127.0.0.1:{free_port}")
    with pytest.raises(ServerUnreachable, match="CAREWIRE_POSTGRES_DSN") as raised:
        require_postgres(f"postgresql://someone:a-secret@127.0.0.1:{free_port}/db")
    assert "a-secret" not in str(raised.value)


def test_a_wrong_password_is_told_as_such_without_repeating_it(stack: Stack) -> None:
    with pytest.raises(ServerUnreachable, match="InvalidPassword") as raised:
        require_postgres(stack.postgres_dsn.replace("carewire:", "carewire:wrong-"))
    assert "wrong-" not in str(raised.value)


def test_the_users_own_servers_are_used_and_outlive_the_stack(
    stack: Stack, stack_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAREWIRE_KAFKA_BOOTSTRAP", stack.kafka_bootstrap)
    monkeypatch.setenv("CAREWIRE_POSTGRES_DSN", stack.postgres_dsn)
    with Stack(stack_folder) as other:
        assert (other.kafka, other.postgres) == (None, None)
        assert (other.kafka_bootstrap, other.postgres_dsn) == (stack.kafka_bootstrap, stack.postgres_dsn)
    require_kafka(stack.kafka_bootstrap)
    require_postgres(stack.postgres_dsn)


@pytest.fixture
def free_port(tmp_path: Path) -> Iterator[int]:
    """A port at which nobody answers: it is reserved, and no outgoing connection of a neighbour is given it."""
    ports = Ports(StateFolder(tmp_path))
    yield ports.choose("nothing")
    ports.release()
