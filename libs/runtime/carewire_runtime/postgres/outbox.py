"""The outbox: what is to be published is written in the same transaction as the change that it tells of.

Records that are added together share a row: one start of a care flow tells of ten, and Postgres would insert, index,
read, delete and vacuum a row for each. A row holds so many records that its own cost no longer counts, and so few that
a relay which reads some rows knows how much that is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import field

import orjson

from carewire_contracts.record import record
from carewire_runtime.ids import new_id
from carewire_runtime.kafka.producer import Headers
from carewire_runtime.postgres.pool import Connection
from carewire_runtime.postgres.queries import load_queries

MOST_RECORDS = 200
"""Records of a row. At 1 KiB each they are 200 KiB."""
MOST_BYTES = 256 * 1024
"""Bytes of values at which a row takes no further record."""

_queries = load_queries("carewire_runtime")


@record()
class OutboxRecord:
    """A record to publish. Key and headers are text in UTF-8; put the `traceparent` of the moment among the headers.

    A `value` of None deletes the key of a compacted topic.
    """

    topic: str
    key: bytes | None
    value: bytes | None = field(repr=False)
    headers: Headers


@record()
class OutboxRow:
    """A row as it was added. Once it is committed, the relay of this process can do without reading it."""

    id: str
    records: Sequence[OutboxRecord]


async def add(connection: Connection, records: Sequence[OutboxRecord]) -> list[OutboxRow]:
    """Add records, in one statement, to the transaction that the connection is in. Wake the relay after commit.

    Raises ValueError for a key or a header that is not UTF-8.
    """
    rows = rows_of(records)
    await add_rows(connection, rows)
    return rows


def rows_of(records: Sequence[OutboxRecord]) -> list[OutboxRow]:
    """Lay records out in rows, for `add_rows` or a statement of one's own."""
    return [OutboxRow(new_id(), together) for together in _shared_out(records)]


def columns_of(rows: Sequence[OutboxRow]) -> tuple[list[str], list[str], list[bytes]]:
    """Return ids, heads and bodies of rows. Raises ValueError for a key or a header that is not UTF-8."""
    packed = [pack(row.records) for row in rows]
    return [row.id for row in rows], [heads for heads, _ in packed], [bodies for _, bodies in packed]


async def add_rows(connection: Connection, rows: Sequence[OutboxRow]) -> None:
    """Add rows as `add` does."""
    if rows:
        await connection.execute(_queries.add_to_outbox, *columns_of(rows))


def _shared_out(records: Sequence[OutboxRecord]) -> Iterator[list[OutboxRecord]]:
    row: list[OutboxRecord] = []
    size = 0
    for one in records:
        row.append(one)
        size += len(one.value or b"")
        if len(row) == MOST_RECORDS or size >= MOST_BYTES:
            yield row
            row, size = [], 0
    if row:
        yield row


def pack(records: Sequence[OutboxRecord]) -> tuple[str, bytes]:
    """Return heads and bodies of a row. Raises ValueError for a key or a header that is not UTF-8.

    Most headers say the same in many records, so each is written once, and the heads say which.
    """
    places: dict[tuple[str, bytes], int] = {}
    place = places.setdefault
    heads = [
        (
            one.topic,
            None if one.key is None else one.key.decode(),
            None if one.value is None else len(one.value),
            [place(header, len(places)) for header in one.headers],
        )
        for one in records
    ]
    headers = [(name, value.decode()) for name, value in places]
    return orjson.dumps((headers, heads)).decode(), b"".join([one.value or b"" for one in records])


def unpack(heads: str, bodies: bytes) -> list[OutboxRecord]:
    """Return the records of a row, as they were added."""
    written, described = orjson.loads(heads)
    headers = [(name, value.encode()) for name, value in written]
    records: list[OutboxRecord] = []
    begin = 0
    for topic, key, length, places in described:
        end = begin + (length or 0)
        records.append(
            OutboxRecord(
                topic,
                None if key is None else key.encode(),
                None if length is None else bodies[begin:end],
                [headers[place] for place in places],
            )
        )
        begin = end
    return records


def encode_headers(headers: Headers) -> str:
    """Return headers as JSON, in which a record that is set aside keeps them."""
    return orjson.dumps([(name, value.decode()) for name, value in headers]).decode()
