"""Endpoints in Postgres. Each change writes the row and its outbox record in one transaction."""

import secrets as randomness
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from carewire_contracts.topics import Topics
from carewire_dispatcher.adapters.endpoint_news import EndpointNews
from carewire_dispatcher.adapters.endpoint_record import (
    FIELDS,
    JSON_HEADERS,
    EndpointRecord,
    seal_headers,
    seal_secret,
)
from carewire_dispatcher.adapters.repair_wish import resume_held
from carewire_dispatcher.domain.endpoint import DisabledBecause
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

    def __init__(
        self, db: Database, keyring: Keyring, topics: Topics, news: EndpointNews, wake: Callable[[], None]
    ) -> None:
        self._db = db
        self._keyring = keyring
        self._topic = topics.endpoints.name
        self._news = news
        self.wake = wake

    async def create(self, fields: dict[str, Any]) -> tuple[StoredEndpoint, str]:
        """Add an endpoint; returns it and its signing secret, which is shown this once."""
        endpoint_id, secret = new_id(), randomness.token_bytes(SECRET_BYTES)
        headers = seal_headers(self._keyring, endpoint_id, fields.pop("headers"))
        sealed = seal_secret(self._keyring, endpoint_id, secret)
        fields["disabled_because"] = None if fields["enabled"] else DisabledBecause.OPERATOR
        record = EndpointRecord(id=endpoint_id, headers=headers, secrets=[sealed], **fields)
        async with self._db.transaction() as connection:
            stored = await self._write(connection, _queries.add_endpoint, record)
        self.wake()
        return stored, encode_secret(secret)

    async def get(self, endpoint_id: str) -> StoredEndpoint:
        """Return one endpoint. Raises EndpointNotFound."""
        async with self._db.connection() as connection:
            return _stored(await connection.fetchrow(_queries.find_endpoint, endpoint_id))

    async def get_in(self, connection: Connection, endpoint_id: str) -> StoredEndpoint:
        """Return one endpoint in the transaction that a connection is in. Raises EndpointNotFound."""
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

    async def enable(self, endpoint_id: str) -> StoredEndpoint:
        """Send events again, whyever it was disabled. Raises EndpointNotFound."""
        return await self._change(endpoint_id, lambda record: replace(record, enabled=True, disabled_because=None))

    async def disable(self, endpoint_id: str, because: DisabledBecause) -> StoredEndpoint:
        """Send no events any more. Raises EndpointNotFound."""
        return await self._change(endpoint_id, lambda record: replace(record, enabled=False, disabled_because=because))

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
        self.wake()

    async def disable_in(self, connection: Connection, endpoint_id: str, because: DisabledBecause) -> None:
        """Disable an endpoint in the transaction that a connection is in. Wake the relay after commit."""
        await self._change_in(
            connection, endpoint_id, lambda record: replace(record, enabled=False, disabled_because=because)
        )

    async def _change(self, endpoint_id: str, change: Change) -> StoredEndpoint:
        async with self._db.transaction() as connection:
            stored = await self._change_in(connection, endpoint_id, change)
        self.wake()
        return stored

    async def _change_in(self, connection: Connection, endpoint_id: str, change: Change) -> StoredEndpoint:
        present = _stored(await connection.fetchrow(_queries.lock_endpoint, endpoint_id)).record
        stored = await self._write(connection, _queries.change_endpoint, change(present))
        await self._draw_conclusions(connection, present, stored)
        return stored

    async def _draw_conclusions(self, connection: Connection, before: EndpointRecord, stored: StoredEndpoint) -> None:
        """Tell who operates the endpoints of one that was disabled; judge one anew that is enabled or moved.

        Once it takes events again, what is held for it is sent.
        """
        now, at = stored.record, stored.updated_at
        if before.enabled and now.disabled_because is not None:
            await outbox.add(connection, [self._news.disabled(now, at, DisabledBecause(now.disabled_because))])
        if _is_open(now) and not _is_open(before):
            await resume_held(connection, now.id, at)
        if now.url != before.url or (now.enabled and not before.enabled):
            await connection.execute(_queries.judge_anew, now.id, int(at.timestamp() * 1000))

    async def _write(self, connection: Connection, query: str, record: EndpointRecord) -> StoredEndpoint:
        row = await connection.fetchrow(query, *(getattr(record, name) for name in FIELDS))
        published = OutboxRecord(self._topic, record.id.encode(), record.encode(), list(JSON_HEADERS))
        await outbox.add(connection, [published])
        return _stored(row)


def _is_open(record: EndpointRecord) -> bool:
    return record.enabled and not record.paused


def _stored(row: Any) -> StoredEndpoint:
    if row is None:
        raise EndpointNotFound("no endpoint has this id")
    fields = {name: row[name] for name in FIELDS} | {"id": str(row["id"])}
    return StoredEndpoint(EndpointRecord(**fields), row["created_at"], row["updated_at"])
