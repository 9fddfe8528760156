"""All that leaves the house or is kept in it, as places to be searched for canaries.

A place that is not listed as one that may hold something must hold nothing: new topics, tables, log files and
metrics are searched without being named here.
"""

import asyncio
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, TypeAlias

import asyncpg
import httpx
import orjson
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from carewire_contracts.event_catalogue import EVENT_CATALOGUE
from carewire_local.platform import Platform
from carewire_testing.plain_http import NO_AUTHORITIES
from carewire_testing_e2e.canaries import Family, Place

_PAYLOAD: Final = frozenset({Family.PAYLOAD})
_ADDRESS: Final = frozenset({Family.ADDRESS})

TOPIC_VALUES: Final = {
    "ingress.requests": _PAYLOAD | {Family.SOFTWARE},
    "ingress.refused": _PAYLOAD | {Family.SOFTWARE},
    "ingress.dead": _PAYLOAD,
    "orchestrator.dead": _PAYLOAD,
    "dispatcher.dead": _PAYLOAD,
    "dispatcher.endpoints": _ADDRESS,
}
"""Whose values may hold what. Public events, and deliveries of them, hold it in the fields marked as personal."""

COLUMNS: Final = {
    "ingress.request.payload": _PAYLOAD,
    "ingress.request.data_points": _PAYLOAD,
    "ingress.request.headers": frozenset({Family.SOFTWARE}),
    "ingress.request.content_type": frozenset({Family.SENDER}),
    "orchestrator.data_point.value": _PAYLOAD,
    "orchestrator.care_flow.document": _PAYLOAD,
    "orchestrator.api_call.request": _PAYLOAD,
    "orchestrator.outbox.bodies": _PAYLOAD,
    "orchestrator.outbox_set_aside.value": _PAYLOAD,
    "dispatcher.endpoint.url": _ADDRESS,
}
"""Which columns may hold what in clear; staff see it through the APIs."""

Record: TypeAlias = "ConsumerRecord[bytes, bytes]"


async def everywhere(platform: Platform, spans: Path) -> list[Place]:
    """Everything that there is to be searched."""
    return [
        *await asyncio.to_thread(lambda: [*files(platform.logs), *files(platform.stack.state.logs), *files(spans)]),
        *await metrics(platform),
        *await topics(platform),
        *await tables(platform.env["CAREWIRE_POSTGRES_DSN"]),
    ]


def files(root: Path) -> Iterator[Place]:
    """A file, or all files of a folder."""
    for path in [root] if root.is_file() else sorted(root.rglob("*")):
        if path.is_file():
            yield Place(f"file {path.name}", path.read_bytes())


async def metrics(platform: Platform) -> list[Place]:
    """What each service tells Prometheus."""
    async with httpx.AsyncClient(trust_env=False, verify=NO_AUTHORITIES) as client:
        answers = {name: await client.get(f"{url}/metrics") for name, url in platform.urls.items()}
    return [Place(f"metrics of {name}", answer.content) for name, answer in answers.items()]


async def topics(platform: Platform) -> list[Place]:
    """Keys, headers and values of every topic of the house."""
    prefix = platform.env["CAREWIRE_TOPIC_PREFIX"]
    found = await records(platform.stack.kafka_bootstrap, prefix)
    return [place for name, held in found.items() for place in topic(name.removeprefix(prefix), held)]


def topic(name: str, held: Iterable[Record]) -> Iterator[Place]:
    """The three places of one topic."""
    held = list(held)
    headers = [header for record in held for pair in record.headers for header in (pair[0].encode(), pair[1])]
    yield Place(f"keys of {name}", b"\n".join(record.key or b"" for record in held))
    yield Place(f"headers of {name}", b"\n".join(headers))
    yield Place(f"values of {name}", b"\n".join(map(_unmarked, held)), TOPIC_VALUES.get(name, frozenset()))


def _unmarked(record: Record) -> bytes:
    """A record's value without the fields that the catalogue of events marks as personal."""
    event = EVENT_CATALOGUE.get(_event_type(record))
    if event is None or not record.value:
        return record.value or b""
    return orjson.dumps(without(orjson.loads(record.value), event.personal_fields))


def _event_type(record: Record) -> str:
    headers = dict(record.headers)
    state = orjson.loads(headers.get("delivery", b"{}"))
    return headers.get("ce_type", b"").decode() or str(state.get("event_type", ""))


def without(data: Any, paths: Iterable[str]) -> Any:
    """A copy of an event without some fields, given as `pathway.patient_identifiers[].value`."""
    copy = orjson.loads(orjson.dumps(data))
    for path in paths:
        _drop(copy, path.replace("[]", ".[]").split("."))
    return copy


def _drop(node: Any, parts: list[str]) -> None:
    head, *rest = parts
    if head == "[]" and isinstance(node, list):
        for item in node:
            if rest:
                _drop(item, rest)
        if not rest:
            node.clear()
    elif isinstance(node, dict) and head in node:
        if rest:
            _drop(node[head], rest)
        else:
            del node[head]


async def records(bootstrap: str, prefix: str) -> dict[str, list[Record]]:
    """All records of all topics with a prefix, by topic."""
    parts = await _partitions(bootstrap, prefix)
    found: dict[str, list[Record]] = {part.topic: [] for part in parts}
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign(parts)
        await consumer.seek_to_beginning(*parts)
        ends = await consumer.end_offsets(parts)
        while any([await consumer.position(part) < ends[part] for part in parts]):
            for batch in (await consumer.getmany(timeout_ms=200)).values():
                for record in batch:
                    found[record.topic].append(record)
        return found
    finally:
        await consumer.stop()


async def _partitions(bootstrap: str, prefix: str) -> list[TopicPartition]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        names = [name for name in await admin.list_topics() if name.startswith(prefix)]
        described = await admin.describe_topics(names)
        return [TopicPartition(one["topic"], part["partition"]) for one in described for part in one["partitions"]]
    finally:
        await admin.close()


async def tables(dsn: str) -> list[Place]:
    """Every column of every table of the services, as text; bytes in hex."""
    connection = await asyncpg.connect(dsn)
    try:
        columns = await connection.fetch(
            "SELECT table_schema AS schema, table_name AS name, column_name AS column, data_type AS type "
            "FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name) "
            "WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')"
        )
        return [await _column(connection, *row) for row in columns]
    finally:
        await connection.close()


async def _column(connection: Any, schema: str, table: str, column: str, kind: str) -> Place:
    # Bytes are read as they are; all else as Postgres writes it.
    shown = f'"{column}"' if kind == "bytea" else f'"{column}"::text'
    held = await connection.fetch(f'SELECT {shown} AS value FROM "{schema}"."{table}" WHERE "{column}" IS NOT NULL')  # noqa: S608
    content = b"\n".join(row["value"] if kind == "bytea" else row["value"].encode() for row in held)
    name = f"{schema}.{table}.{column}"
    return Place(f"column {name}", content, COLUMNS.get(name, frozenset()))
