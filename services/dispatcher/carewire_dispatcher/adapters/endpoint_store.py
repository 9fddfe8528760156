"""Endpoints in Postgres. Each change writes the row and its outbox record in one transaction."""

import secrets as randomness
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from carewire_contracts.topics import Topics
from carewire_dispatcher.adapters.endpoint_record import (
    JSON_HEADERS,
    EndpointRecord,
    seal_headers,
    seal_secret,
)
from carewire_dispatcher.domain.signature import SECRET_BYTES, encode_secret
from carewire_dispatcher.errors import EndpointNotFound
from carewire_runtime.ids import new_id
from carewire_runtime.postgres import outbox
from carewire_runtime.postgres.outbox import OutboxRecord
from carewire_runtime.postgres.pool import Connection, Database
from carewire_runtime.postgres.queries import load_queries
from carewire_runtime.sealing import Keyring

_queries = load_queries("carewire_dispatcher")
_FIRST_PAGE = "00000000-0000-0000-0000-000000000000"

Change = Callable[[EndpointRecord], EndpointRecord]


@dataclass(frozen=True, slots=True)
class StoredEndpoint:
    """An endpoint with the times of its row."""

    record: EndpointRecord
    created_at: datetime
    updated_at: datetime


class EndpointStore:
    """The endpoints of this deployment. `wake` is called after each commit, so that the relay publishes it."""

    def __init__(self, db: Database, keyring: Keyring, topics: Topics, wake: Callable[[], None]) -> None:
        self._db = db
        self._keyring = keyring
        self._topic = topics.endpoints.name
        self._wake = wake

    async def create(self, fields: dict[str, Any]) -> tuple[StoredEndpoint, str]:
        """Add an endpoint; returns it and its signing secret, which is shown this once."""
        endpoint_id, secret = new_id(), randomness.token_bytes(SECRET_BYTES)
        headers = seal_headers(self._keyring, endpoint_id, fields.pop("headers"))
        sealed = seal_secret(self._keyring, endpoint_id, secret)
        record = EndpointRecord(id=endpoint_id, headers=headers, secrets=[sealed], **fields)
        async with self._db.transaction() as connection:
            stored = await self._write(connection, _queries.add_endpoint, record)
        self._wake()
        return stored, encode_secret(secret)

    async def get(self, endpoint_id: str) -> StoredEndpoint:
        """Return one endpoint. Raises EndpointNotFound."""
        async with self._db.connection() as connection:
            return _stored(await connection.fetchrow(_queries.find_endpoint, endpoint_id))

    async def page(self, after: str | None, limit: int) -> list[StoredEndpoint]:
        """Return endpoints in the order of their creation, those after one."""
        async with self._db.connection() as connection:
            rows = await connection.fetch(_queries.list_endpoints, after or _FIRST_PAGE, limit)
        return [_stored(row) for row in rows]

    async def change(self, endpoint_id: str, fields: dict[str, Any]) -> StoredEndpoint:
        """Set some fields. Raises EndpointNotFound."""
        if "headers" in fields:
            fields["headers"] = seal_headers(self._keyring, endpoint_id, fields["headers"])
        return await self._change(endpoint_id, lambda record: replace(record, **fields))

    async def rotate_secret(self, endpoint_id: str) -> tuple[StoredEndpoint, str]:
        """Put a new signing secret before the present one; both sign until the old one is retired."""
        secret = randomness.token_bytes(SECRET_BYTES)
        sealed = seal_secret(self._keyring, endpoint_id, secret)
        stored = await self._change(endpoint_id, lambda record: replace(record, secrets=[sealed, record.secrets[0]]))
        return stored, encode_secret(secret)

    async def retire_old_secret(self, endpoint_id: str) -> StoredEndpoint:
        """Sign with the newest secret alone. Raises EndpointNotFound."""
        return await self._change(endpoint_id, lambda record: replace(record, secrets=record.secrets[:1]))

    async def delete(self, endpoint_id: str) -> None:
        """Remove an endpoint; what is still on its way to it ends as held. Raises EndpointNotFound."""
        async with self._db.transaction() as connection:
            if await connection.fetchval(_queries.delete_endpoint, endpoint_id) is None:
                raise EndpointNotFound("no endpoint has this id")
            await outbox.add(connection, [OutboxRecord(self._topic, endpoint_id.encode(), None, [])])
        self._wake()

    async def _change(self, endpoint_id: str, change: Change) -> StoredEndpoint:
        async with self._db.transaction() as connection:
            present = _stored(await connection.fetchrow(_queries.lock_endpoint, endpoint_id))
            stored = await self._write(connection, _queries.change_endpoint, change(present.record))
        self._wake()
        return stored

    async def _write(self, connection: Connection, query: str, record: EndpointRecord) -> StoredEndpoint:
        row = await connection.fetchrow(
            query,
            record.id,
            record.name,
            record.url,
            record.event_types,
            record.definition_ids,
            record.enabled,
            record.concurrency,
            record.timeout_s,
            record.headers,
            record.secrets,
            record.rate_per_s,
        )
        published = OutboxRecord(self._topic, record.id.encode(), record.encode(), list(JSON_HEADERS))
        await outbox.add(connection, [published])
        return _stored(row)


def _stored(row: Any) -> StoredEndpoint:
    if row is None:
        raise EndpointNotFound("no endpoint has this id")
    fields = dict(row)
    created_at, updated_at = fields.pop("created_at"), fields.pop("updated_at")
    return StoredEndpoint(EndpointRecord(**{**fields, "id": str(fields["id"])}), created_at, updated_at)
