"""The user's own servers: asked before anything starts, and told about without their passwords."""

import asyncpg
import pytest

from carewire_local import reachable
from carewire_local.errors import ServerUnreachable
from carewire_local.reachable import require_kafka, require_postgres


@pytest.fixture
def brokers(monkeypatch: pytest.MonkeyPatch) -> set[tuple[str, int]]:
    serving: set[tuple[str, int]] = set()
    monkeypatch.setattr(reachable, "serves", lambda host, port, _: (host, port) in serving)
    return serving


@pytest.mark.parametrize(
    "bootstrap",
    ["kafka-2:9092", "kafka-1:9092,kafka-2:9092", " kafka-1:9092 , kafka-2:9092 "],
    ids=["one", "one of two", "with spaces"],
)
def test_one_broker_that_answers_is_enough(brokers: set[tuple[str, int]], bootstrap: str) -> None:
    brokers.add(("kafka-2", 9092))
    require_kafka(bootstrap)


def test_an_address_of_ipv6_is_read(brokers: set[tuple[str, int]]) -> None:
    brokers.add(("::1", 9092))
    require_kafka("::1:9092")


@pytest.mark.parametrize(
    "bootstrap", ["kafka-1:9092", "kafka-1", "kafka-1:", "kafka-1:http", ""], ids=lambda text: text or "empty"
)
def test_no_answer_or_no_address_is_told_with_what_to_do(brokers: set[tuple[str, int]], bootstrap: str) -> None:
    with pytest.raises(ServerUnreachable) as refused:
        require_kafka(bootstrap)
    assert str(refused.value) == (f"CAREWIRE_KAFKA_BOOTSTRAP: no broker answers at {bootstrap}. Start it, or unset it.")


def connecting(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    async def connect(_dsn: str, *, timeout: float) -> None:
        raise error

    monkeypatch.setattr(asyncpg, "connect", connect)


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError("to a-host"),
        TimeoutError(),
        asyncpg.InvalidPasswordError("password of someone"),
        asyncpg.InterfaceError("invalid DSN with a-secret"),
        OSError("Name or service not known"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_database_that_refuses_is_told_by_the_kind_of_error_alone(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    connecting(monkeypatch, error)
    with pytest.raises(ServerUnreachable) as refused:
        require_postgres("postgresql://someone:a-secret@db/carewire")
    assert str(refused.value) == (
        f"CAREWIRE_POSTGRES_DSN: the database does not accept a connection ({type(error).__name__}). "
        "Start it, correct the address, or unset it."
    )
    assert refused.value.__cause__ is None


def test_a_database_that_accepts_is_left_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[bool] = []

    class Connection:
        async def close(self) -> None:
            closed.append(True)

    async def connect(_dsn: str, *, timeout: float) -> Connection:
        return Connection()

    monkeypatch.setattr(asyncpg, "connect", connect)
    require_postgres("postgresql://db/carewire")
    assert closed == [True]


@pytest.mark.parametrize("dsn", ["not a dsn", "postgresql://someone:a-secret@db:a-secret/carewire"])
def test_what_is_no_dsn_is_told_too_without_repeating_it(dsn: str) -> None:
    with pytest.raises(ServerUnreachable, match=r"CAREWIRE_POSTGRES_DSN: .*correct the address") as refused:
        require_postgres(dsn)
    assert "a-secret" not in str(refused.value)
    assert refused.value.__cause__ is None
