"""The management API on a real database, without Kafka: what it publishes stays in the outbox."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
import orjson
from fastapi import APIRouter

from carewire_runtime.auth import ApiKeys, Role
from carewire_runtime.http.audit_api import audit_router
from carewire_runtime.http.health import Health
from carewire_runtime.http.management import management_app
from carewire_runtime.postgres import outbox
from carewire_runtime.postgres.migrations import migrate
from carewire_runtime.postgres.outbox import OutboxRecord
from carewire_runtime.postgres.pool import Database

Call = Callable[..., Awaitable[httpx.Response]]


async def made_keys(dsn: str) -> dict[Role, str]:
    """Migrate the dispatcher's schema, and make a key of each role."""
    db = Database(dsn, "dispatcher")
    await db.start()
    try:
        await migrate(db, "carewire_dispatcher")
        return {role: await ApiKeys(db).create(str(role), role) for role in Role}
    finally:
        await db.stop()


@asynccontextmanager
async def database(dsn: str) -> AsyncIterator[Database]:
    """The dispatcher's database, without endpoints, deliveries and news."""
    made = Database(dsn, "dispatcher")
    await made.start()
    async with made.connection() as connection:
        await connection.execute("truncate endpoint, delivery, attempt, outbox, audit_record cascade")
    yield made
    await made.stop()


@asynccontextmanager
async def calling(db: Database, keys: dict[Role, str], routers: Sequence[APIRouter]) -> AsyncIterator[Call]:
    """Calls of some routes and of the audit, by an admin unless another role is said."""
    app = management_app("Dispatcher", Health(), ApiKeys(db), [*routers, audit_router(db)])
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:

        async def call(method: str, path: str, role: Role = Role.ADMIN, **more: Any) -> httpx.Response:
            return await http.request(method, path, headers={"authorization": f"Bearer {keys[role]}"}, **more)

        yield call


async def published(db: Database) -> list[OutboxRecord]:
    """The records that wait in the outbox, in their order."""
    async with db.connection() as connection:
        rows = await connection.fetch("select heads, bodies from outbox order by position")
    return [one for row in rows for one in outbox.unpack(row["heads"], row["bodies"])]


async def published_values(db: Database, topic: str) -> list[Any]:
    """The values of one topic's records, None for a tombstone."""
    return [one.value and orjson.loads(one.value) for one in await published(db) if one.topic == topic]
