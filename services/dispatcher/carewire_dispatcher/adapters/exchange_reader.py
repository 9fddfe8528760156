"""One attempt as it was: the call with its body, and the answer. Each look is recorded."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from carewire_contracts.json_query import JsonQuery
from carewire_dispatcher.adapters.answer_keeper import open_body
from carewire_dispatcher.adapters.delivery_store import plain
from carewire_dispatcher.adapters.event_reader import EventReader
from carewire_dispatcher.adapters.fresh_delivery import sent_body
from carewire_dispatcher.domain.matching import Event
from carewire_dispatcher.domain.redaction import shown_body
from carewire_dispatcher.errors import DeliveryNotFound
from carewire_runtime.audit import Audit, Deed
from carewire_runtime.auth import Principal
from carewire_runtime.errors import KafkaError
from carewire_runtime.kafka.records import Record
from carewire_runtime.postgres.pool import Database
from carewire_runtime.postgres.queries import load_queries
from carewire_runtime.sealing import Keyring

LOOK: Final = "attempt.look_at_bodies"
SUBJECT: Final = "attempt"

_PATIENCE_S: Final = 5.0
"""How long the event is waited for: who looks is a person."""

_queries = load_queries("carewire_dispatcher")

Events = Callable[[], AbstractAsyncContextManager[EventReader]]


class Missing(StrEnum):
    """Why a call's body cannot be shown."""

    GONE = "gone"
    """Kafka no longer holds the event."""
    NOT_TOLD = "not_told"
    """The log does not know in which form the event was sent."""
    NOT_AVAILABLE = "not_available"
    """Kafka does not answer now."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """An attempt's row, what was sent as far as it can be made again, and what is kept of what was answered.

    What the endpoint has redacted is in neither body.
    """

    row: dict[str, Any] = field(repr=False)
    sent: bytes | Missing = field(repr=False)
    answered: bytes | None = field(repr=False)


class ExchangeReader:
    """Reads attempts with their bodies. `events` lends a reader of the topics that events come from."""

    def __init__(self, db: Database, events: Events, keyring: Keyring, audit: Audit) -> None:
        self._db = db
        self._events = events
        self._keyring = keyring
        self._audit = audit

    async def look(self, delivery_id: str, attempt_id: str, by: Principal) -> Exchange:
        """Return an attempt with its bodies, and record who looked. Raises DeliveryNotFound."""
        async with self._db.transaction() as connection:
            found = await connection.fetchrow(_queries.find_attempt, delivery_id, attempt_id)
            if found is None:
                raise DeliveryNotFound("the delivery has no attempt of this id")
            await self._audit.add(connection, by, [Deed(LOOK, SUBJECT, attempt_id)])
        row = plain(found)
        sealed = row["answer_body"]
        answered = None if sealed is None else open_body(self._keyring, attempt_id, sealed)
        # An event may be big, and a path may lead everywhere: deliveries are not to wait for it.
        return await asyncio.to_thread(_shown, row, await self._sent(row), answered)

    async def _sent(self, row: dict[str, Any]) -> bytes | Missing:
        if row["payload"] is None:
            return Missing.NOT_TOLD
        try:
            async with asyncio.timeout(_PATIENCE_S), self._events() as reader:
                run = await reader.at(row["event_topic"], row["event_partition"], [row["event_offset"]])
        except (KafkaError, TimeoutError):
            return Missing.NOT_AVAILABLE
        return _made_again(row, run.records)


def _shown(row: dict[str, Any], sent: bytes | Missing, answered: bytes | None) -> Exchange:
    queries = [JsonQuery(path) for path in row["redacted"]]
    return Exchange(
        row,
        sent if isinstance(sent, Missing) else shown_body(sent, queries),
        None if answered is None else shown_body(answered, queries),
    )


def _made_again(row: dict[str, Any], records: list[Record]) -> bytes | Missing:
    for record in records:
        if record.header("ce_id") == row["event_id"].encode() and record.value is not None:
            return sent_body(record, Event(row["event_type"], record.value), row["payload"], row["content_mode"])
    return Missing.GONE
