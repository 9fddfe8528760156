"""Endpoints in Postgres. Each change writes row, outbox record and audit record in one transaction."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from carewire_contracts.topics import Topics
from carewire_dispatcher.adapters.endpoint_health_store import failing_of
from carewire_dispatcher.adapters.endpoint_keys import (
    EndpointKeys,
    PublicKeys,
    Scheme,
    retired,
    rotated,
    with_missing,
)
from carewire_dispatcher.adapters.endpoint_news import EndpointNews
from carewire_dispatcher.adapters.endpoint_record import FIELDS, JSON_HEADERS, EndpointRecord, opened, seal_headers
from carewire_dispatcher.adapters.instants import millis
from carewire_dispatcher.adapters.repair_wish import resume_held
from carewire_dispatcher.domain.endpoint import DisabledBecause, Endpoint
from carewire_dispatcher.domain.sharding import places_fault
from carewire_dispatcher.errors import EndpointChanged, EndpointImpossible, EndpointNotFound
from carewire_runtime.audit import Audit, Deed
from carewire_runtime.auth import Principal, Role
from carewire_runtime.clock import Clock
from carewire_runtime.ids import new_id
from carewire_runtime.postgres import outbox
from carewire_runtime.postgres.outbox import OutboxRecord
from carewire_runtime.postgres.pool import Connection, Database
from carewire_runtime.postgres.queries import load_queries
from carewire_runtime.sealing import Keyring

SUBJECT: Final = "endpoint"
CREATE: Final = "endpoint.create"
UPDATE: Final = "endpoint.update"
ENABLE: Final = "endpoint.enable"
DISABLE: Final = "endpoint.disable"
PAUSE: Final = "endpoint.pause"
RESUME: Final = "endpoint.resume"
ROTATE: Final = "endpoint.rotate_secret"
RETIRE: Final = "endpoint.retire_secret"
DELETE: Final = "endpoint.delete"
JUDGE: Final = Principal("carewire", "judge of endpoints", Role.ADMIN)
"""Who the audit says disabled an endpoint that is gone or fails: nobody's key."""

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
        self,
        db: Database,
        keyring: Keyring,
        topics: Topics,
        news: EndpointNews,
        clock: Clock,
        wake: Callable[[], None],
    ) -> None:
        self._db = db
        self._keyring = keyring
        self._topic = topics.endpoints.name
        self._news = news
        self._clock = clock
        self._audit = Audit(clock)
        self._keys = EndpointKeys(keyring)
        self.wake = wake

    async def create(self, fields: dict[str, Any], by: Principal) -> tuple[StoredEndpoint, str | None]:
        """Add an endpoint; returns it and its signing secret, which is shown this once."""
        endpoint_id = new_id()
        made = await self._keys.first(fields["signing"], endpoint_id)
        headers = seal_headers(self._keyring, endpoint_id, fields.pop("headers"))
        because = None if fields["enabled"] else DisabledBecause.OPERATOR
        record = EndpointRecord(
            id=endpoint_id,
            headers=headers,
            secrets=[made["hmac"].sealed],
            disabled_because=because,
            judged_from=0,
            **fields,
        )
        async with self._db.transaction() as connection:
            stored = await self._write(connection, _queries.add_endpoint, with_missing(record, made))
            await self._keep_heartbeat(connection, None, stored.record)
            await self._audit.add(connection, by, [Deed(CREATE, SUBJECT, endpoint_id)])
        self.wake()
        return stored, made["hmac"].shown

    def opened(self, stored: StoredEndpoint) -> Endpoint:
        """Open what is sealed of an endpoint. Raises SealingError."""
        return opened(self._keyring, stored.record)

    def public_keys(self, stored: StoredEndpoint) -> PublicKeys:
        """Show by what receivers verify. Raises SealingError."""
        return self._keys.public(stored.record, millis(self._clock))

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

    async def change(
        self, endpoint_id: str, fields: dict[str, Any], by: Principal, *, only_disabled: bool = False
    ) -> StoredEndpoint:
        """Set some fields, if it is said only of an endpoint that is disabled.

        Raises EndpointNotFound, EndpointChanged or EndpointImpossible.
        """
        if "headers" in fields:
            fields["headers"] = seal_headers(self._keyring, endpoint_id, fields["headers"])
        spare = {scheme: await self._keys.new(scheme, endpoint_id) for scheme in fields.get("signing", ())}

        def changed(record: EndpointRecord) -> EndpointRecord:
            if only_disabled and record.enabled:
                raise EndpointChanged("it was enabled meanwhile")
            return with_missing(with_fields(record, fields), spare)

        return await self._change(endpoint_id, changed, UPDATE, by)

    async def enable(self, endpoint_id: str, by: Principal, *, at: EndpointRecord | None = None) -> StoredEndpoint:
        """Send events again, whyever it was disabled; with `at`, only to the address that it had then.

        Raises EndpointNotFound or EndpointChanged.
        """

        def enabled(record: EndpointRecord) -> EndpointRecord:
            if at is not None and at.url != record.url:
                raise EndpointChanged("its URL was changed meanwhile")
            return replace(record, enabled=True, disabled_because=None)

        return await self._change(endpoint_id, enabled, ENABLE, by)

    async def disable(self, endpoint_id: str, by: Principal) -> StoredEndpoint:
        """Send no events any more, and collect none. Raises EndpointNotFound."""
        return await self._change(endpoint_id, lambda record: _disabled(record, DisabledBecause.OPERATOR), DISABLE, by)

    async def pause(self, endpoint_id: str, by: Principal) -> StoredEndpoint:
        """Hold events until it is resumed. Raises EndpointNotFound."""
        return await self._change(endpoint_id, lambda record: replace(record, paused=True), PAUSE, by)

    async def resume(self, endpoint_id: str, by: Principal) -> StoredEndpoint:
        """Send events again. Raises EndpointNotFound."""
        return await self._change(endpoint_id, lambda record: replace(record, paused=False), RESUME, by)

    async def rotate(
        self, endpoint_id: str, scheme: Scheme, overlap_s: int, by: Principal
    ) -> tuple[StoredEndpoint, str | None]:
        """Sign with a new key too, and after the overlap with it alone. A new secret is shown this once.

        Raises EndpointNotFound.
        """
        key, until = await self._keys.new(scheme, endpoint_id), millis(self._clock) + overlap_s * 1000
        stored = await self._change(endpoint_id, lambda record: rotated(record, scheme, key, until), ROTATE, by)
        return stored, key.shown

    async def retire(self, endpoint_id: str, scheme: Scheme, by: Principal) -> StoredEndpoint:
        """Sign with the newest key of a scheme alone, from now on. Raises EndpointNotFound."""
        return await self._change(endpoint_id, lambda record: retired(record, scheme), RETIRE, by)

    async def delete(self, endpoint_id: str, by: Principal) -> None:
        """Remove an endpoint; what is still on its way to it ends as held. Raises EndpointNotFound."""
        async with self._db.transaction() as connection:
            if await connection.fetchval(_queries.delete_endpoint, endpoint_id) is None:
                raise EndpointNotFound("no endpoint has this id")
            await outbox.add(connection, [OutboxRecord(self._topic, endpoint_id.encode(), None, [])])
            await self._audit.add(connection, by, [Deed(DELETE, SUBJECT, endpoint_id)])
        self.wake()

    async def disable_in(self, connection: Connection, endpoint_id: str, because: DisabledBecause) -> None:
        """Disable an endpoint in the transaction that a connection is in. Wake the relay after commit."""
        await self._change_in(connection, endpoint_id, lambda record: _disabled(record, because), DISABLE, JUDGE)

    async def _change(self, endpoint_id: str, change: Change, action: str, by: Principal) -> StoredEndpoint:
        async with self._db.transaction() as connection:
            stored = await self._change_in(connection, endpoint_id, change, action, by)
        self.wake()
        return stored

    async def _change_in(
        self, connection: Connection, endpoint_id: str, change: Change, action: str, by: Principal
    ) -> StoredEndpoint:
        present = _stored(await connection.fetchrow(_queries.lock_endpoint, endpoint_id)).record
        following = change(present)
        if _is_another(present, following):
            following = replace(following, judged_from=max(millis(self._clock), (present.judged_from or 0) + 1))
        stored = await self._write(connection, _queries.change_endpoint, following)
        await self._audit.add(connection, by, [Deed(action, SUBJECT, endpoint_id)])
        await self._draw_conclusions(connection, present, stored)
        return stored

    async def _draw_conclusions(self, connection: Connection, before: EndpointRecord, stored: StoredEndpoint) -> None:
        """Tell who operates the endpoints of one that was disabled; judge one anew that is enabled or moved.

        Once it takes events again, what is held for it is sent.
        """
        now, at = stored.record, stored.updated_at
        if before.paused and not now.paused:
            await _judge_on(connection, now.id, int(at.timestamp() * 1000))
        if before.enabled and now.disabled_because is not None:
            await outbox.add(connection, [self._news.disabled(now, at, DisabledBecause(now.disabled_because))])
        if _is_open(now) and not _is_open(before):
            await resume_held(connection, now.id, at)
        if _is_another(before, now):
            await connection.execute(_queries.judge_anew, now.id, now.judged_from)
        await self._keep_heartbeat(connection, before.heartbeat_s, now)

    async def _keep_heartbeat(self, connection: Connection, interval_s: int | None, now: EndpointRecord) -> None:
        if now.heartbeat_s is not None and now.heartbeat_s != interval_s:
            await connection.execute(_queries.keep_heartbeat, now.id, self._clock.now())

    async def _write(self, connection: Connection, query: str, record: EndpointRecord) -> StoredEndpoint:
        row = await connection.fetchrow(query, *(getattr(record, name) for name in FIELDS))
        published = OutboxRecord(self._topic, record.id.encode(), record.encode(), list(JSON_HEADERS))
        await outbox.add(connection, [published])
        return _stored(row)


async def _judge_on(connection: Connection, endpoint_id: str, at: int) -> None:
    known = failing_of(await connection.fetchrow(_queries.find_health, endpoint_id))
    if known is not None:
        rest = known.resumed(at)
        fields = [[endpoint_id], [rest.since], [rest.last], [rest.attempts], [rest.warnings], [rest.warned_at]]
        await connection.execute(_queries.set_health, *fields)


def with_fields(record: EndpointRecord, fields: dict[str, Any]) -> EndpointRecord:
    """Set some fields. Raises EndpointImpossible where they don't go with those that stay."""
    changed = replace(record, **fields)
    fault = places_fault(changed.concurrency, changed.shards) if fields.keys() & {"concurrency", "shards"} else None
    if fault is not None:
        raise EndpointImpossible("shards", fault)
    return changed


def _disabled(record: EndpointRecord, because: DisabledBecause) -> EndpointRecord:
    return replace(record, enabled=False, disabled_because=because)


def _is_another(before: EndpointRecord, now: EndpointRecord) -> bool:
    """Whether attempts of before say nothing of it any more: it has moved, or is enabled again."""
    return now.url != before.url or (now.enabled and not before.enabled)


def _is_open(record: EndpointRecord) -> bool:
    return record.enabled and not record.paused


def _stored(row: Any) -> StoredEndpoint:
    if row is None:
        raise EndpointNotFound("no endpoint has this id")
    fields = {name: row[name] for name in FIELDS} | {"id": str(row["id"])}
    return StoredEndpoint(EndpointRecord(**fields), row["created_at"], row["updated_at"])
