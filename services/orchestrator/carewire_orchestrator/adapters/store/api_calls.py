"""API calls on their way, as rows: asked for and taken back in the transactions of their care flows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from carewire_orchestrator.adapters.store.queries import QUERIES
from carewire_orchestrator.domain.advance import Advanced
from carewire_orchestrator.domain.effects import ActivityMoved
from carewire_orchestrator.domain.orders import ApiCallRequested, Blank, WithBlanks
from carewire_runtime.postgres.pool import Connection, Database


@dataclass(frozen=True, slots=True)
class TakenCall:
    """A call that is this process's to make until its lease ends. `attempts` counts this one."""

    care_flow_id: str
    attempts: int
    order: ApiCallRequested

    @property
    def activity_id(self) -> str:
        """The activity that waits for it."""
        return self.order.activity_id


async def write_api_calls(connection: Connection, all_advanced: Iterable[Advanced], now: datetime) -> bool:
    """Write the calls that are asked for and drop those whose activities have ended; whether any is to be made."""
    rows, ended = [], []
    for advanced in all_advanced:
        rows += [_row(advanced, order, now) for order in advanced.orders if isinstance(order, ApiCallRequested)]
        ended += [
            effect.activity.id
            for effect in advanced.effects
            if isinstance(effect, ActivityMoved) and effect.activity.kind == "api_call" and not effect.activity.is_open
        ]
    if rows:
        await connection.executemany(QUERIES.add_api_call, rows)
    if ended:
        await connection.execute(QUERIES.delete_api_calls, ended)
    return bool(rows)


def _row(advanced: Advanced, order: ApiCallRequested, now: datetime) -> tuple[object, ...]:
    request = {
        "method": order.method,
        "url": _written(order.url),
        "headers": [(name, _written(value)) for name, value in order.headers],
        "body": None if order.body is None else _written(order.body),
    }
    return order.activity_id, advanced.care_flow.id, orjson.dumps(request).decode(), now


class ApiCallQueue:
    """Calls that are to be made."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def take(self, now: datetime, until: datetime, limit: int) -> list[TakenCall]:
        """Take calls that are due, for the time of a lease."""
        # Asked all the time, mostly in vain, and so without the statements that a transaction takes besides.
        async with self._db.connection() as connection:
            rows = await connection.fetch(QUERIES.take_api_calls, now, until, limit)
        return [_taken(row) for row in rows]

    async def put_off(self, call: TakenCall, due_at: datetime) -> None:
        """Have a call be made again at a moment."""
        async with self._db.connection() as connection:
            await connection.execute(QUERIES.put_off_api_call, call.activity_id, call.attempts, due_at)


async def is_still_taken(connection: Connection, call: TakenCall) -> bool:
    """Whether a call of a locked care flow is still this process's, and nothing has ended it."""
    return bool(await connection.fetchval(QUERIES.is_own_api_call, call.activity_id, call.attempts))


async def forget_call(connection: Connection, call: TakenCall) -> None:
    """Drop a call whose answer nobody waits for."""
    await connection.execute(QUERIES.delete_api_calls, [call.activity_id])


def _taken(row: Mapping[str, Any]) -> TakenCall:
    request = orjson.loads(row["request"])
    order = ApiCallRequested(
        activity_id=row["activity_id"],
        method=request["method"],
        url=_read(request["url"]),
        headers=tuple((name, _read(value)) for name, value in request["headers"]),
        body=None if request["body"] is None else _read(request["body"]),
    )
    return TakenCall(row["care_flow_id"], row["attempts"], order)


def _written(text: WithBlanks) -> str | list[str | dict[str, str]]:
    """A text without blanks is written as one."""
    parts = [part if isinstance(part, str) else {"concealed": part.constant} for part in text]
    texts = [part for part in parts if isinstance(part, str)]
    return parts if len(texts) < len(parts) else "".join(texts)


def _read(written: str | list[str | dict[str, str]]) -> WithBlanks:
    parts = [written] if isinstance(written, str) else written
    return tuple(part if isinstance(part, str) else Blank(part["concealed"]) for part in parts)
