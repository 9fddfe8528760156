"""The outbox: what is to be published is written in the same transaction as the change that it tells of."""

from collections.abc import Sequence
from dataclasses import field
from typing import Any

import orjson

from carewire_contracts.record import record
from carewire_runtime.kafka.producer import Headers
from carewire_runtime.postgres.pool import Connection
from carewire_runtime.postgres.queries import load_queries

_queries = load_queries("carewire_runtime")


@record()
class OutboxRecord:
    """A record to publish. Headers are text in UTF-8; put the `traceparent` of the moment among them.

    A `value` of None deletes the key of a compacted topic.
    """

    topic: str
    key: bytes | None
    value: bytes | None = field(repr=False)
    headers: Headers


async def add(connection: Connection, records: Sequence[OutboxRecord]) -> None:
    """Add records, in one statement, to the transaction that the connection is in. Wake the relay after commit."""
    if not records:
        return
    await connection.execute(
        _queries.add_to_outbox,
        [record.topic for record in records],
        [record.key for record in records],
        [record.value for record in records],
        [encode_headers(record.headers) for record in records],
    )


def encode_headers(headers: Headers) -> str:
    """Return headers as the outbox keeps them. Raises ValueError for a value that is not UTF-8."""
    return orjson.dumps([(name, value.decode()) for name, value in headers]).decode()


def decode_headers(text: str) -> Headers:
    """Return headers as Kafka takes them."""
    pairs: list[Any] = orjson.loads(text)
    return [(name, value.encode()) for name, value in pairs]
