"""Checks the servers that the user pointed to, before anything is started against them."""

import asyncio

import asyncpg

from carewire_local.errors import ServerUnreachable
from carewire_local.kafka_probe import serves

_TIMEOUT_S = 5.0


def require_kafka(bootstrap: str) -> None:
    """Raise ServerUnreachable unless one of the addresses `host:port,host:port` answers as a Kafka broker."""
    for address in bootstrap.split(","):
        host, _, port = address.strip().rpartition(":")
        if port.isdigit() and serves(host, int(port), _TIMEOUT_S):
            return
    raise ServerUnreachable(f"CAREWIRE_KAFKA_BOOTSTRAP: no broker answers at {bootstrap}. Start it, or unset it.")


def require_postgres(dsn: str) -> None:
    """Raise ServerUnreachable unless the database accepts a connection.

    Some malformed addresses are a ValueError of the driver, whose text may hold a part of the password.
    """
    try:
        asyncio.run(_connect_once(dsn))
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise ServerUnreachable(
            f"CAREWIRE_POSTGRES_DSN: the database does not accept a connection ({type(error).__name__}). "
            "Start it, correct the address, or unset it."
        ) from None


async def _connect_once(dsn: str) -> None:
    connection = await asyncpg.connect(dsn, timeout=_TIMEOUT_S)
    await connection.close()
