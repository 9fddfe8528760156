"""Heartbeats: each endpoint that asked for them is told, again and again, what it is to have received.

What is told, how far, and the delivery that tells it are one transaction: a kill leaves the heartbeat as it was, to be
made by the next one who looks.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from carewire_contracts import wire
from carewire_contracts.events.endpoint import EndpointHeartbeat, HandedOut
from carewire_contracts.topics import Topics
from carewire_dispatcher.adapters.endpoint_record import endpoint_decoder
from carewire_dispatcher.adapters.endpoint_store import EndpointStore
from carewire_dispatcher.adapters.lone_delivery import in_fast_lane, lone_delivery
from carewire_runtime.clock import Clock
from carewire_runtime.periodic import every
from carewire_runtime.postgres import outbox
from carewire_runtime.postgres.pool import Connection, Database
from carewire_runtime.postgres.queries import load_queries
from carewire_runtime.sealing import Keyring

LOOK_EVERY_S: Final = 5.0
"""The shortest interval is a minute."""
MOST_TOLD: Final = 500
"""Events that one heartbeat lists, some 80 KiB; what is more is told by another at once."""

_queries = load_queries("carewire_dispatcher")


class Heartbeats:
    """A component. Several processes may have it."""

    name = "heartbeats"

    def __init__(
        self, db: Database, store: EndpointStore, keyring: Keyring, topics: Topics, tenant_id: str, clock: Clock
    ) -> None:
        self._db = db
        self._store = store
        self._decode = endpoint_decoder(keyring)
        self._topics = topics
        self._tenant_id = tenant_id
        self._clock = clock

    async def run(self, stop: asyncio.Event) -> None:
        """Send what is due until `stop` is set. Raises errors that do not pass by themselves."""

        async def look() -> None:
            while not stop.is_set() and await self.beat():
                pass

        await every(LOOK_EVERY_S, look, stop, self._clock, what="heartbeat")

    async def beat(self) -> bool:
        """Send the heartbeat that is due for longest; say whether there was one. Raises DatabaseError."""
        now = self._clock.now()
        async with self._db.transaction() as connection:
            due = await connection.fetchrow(_queries.take_due_heartbeat, now)
            if due is None:
                return False
            through = await self._tell(connection, due, now)
            if through is None:
                through, is_all = due["told_through"], True
            else:
                is_all = through >= due["last_sequence"]
            next_at = now + timedelta(seconds=due["heartbeat_s"]) if is_all else now
            await connection.execute(_queries.save_heartbeat, due["endpoint_id"], through, next_at)
        return True

    async def _tell(self, connection: Connection, due: Any, now: datetime) -> int | None:
        """Say what was handed out, and return up to which number; None where the endpoint cannot be opened."""
        endpoint_id = str(due["endpoint_id"])
        stored = await self._store.get_in(connection, endpoint_id)
        endpoint = self._decode(endpoint_id, stored.record.encode())
        if endpoint.is_sealed:
            return None
        rows = await connection.fetch(_queries.handed_out_after, endpoint_id, due["told_through"], MOST_TOLD)
        event = heartbeat_of(endpoint_id, self._tenant_id, now, due["last_sequence"], rows)
        delivery = lone_delivery(self._topics, endpoint, event.event_type, wire.encode(event), now)
        await outbox.add(connection, [in_fast_lane(self._topics, delivery)])
        return event.through


def heartbeat_of(
    endpoint_id: str, tenant_id: str, now: datetime, last_sequence: int, rows: Sequence[Any]
) -> EndpointHeartbeat:
    """Write a heartbeat that lists some rows, which follow each other.

    What was forgotten before it could be told, as of an endpoint that was paused for weeks, is left out: its numbers
    are in no heartbeat, and so a gap.
    """
    return EndpointHeartbeat(
        endpoint_id=endpoint_id,
        tenant_id=tenant_id,
        date=now,
        after=rows[0]["sequence"] - 1 if rows else last_sequence,
        through=rows[-1]["sequence"] if rows else last_sequence,
        events=[
            HandedOut(sequence=row["sequence"], id=row["event_id"], event_type=row["event_type"], date=row["event_at"])
            for row in rows
        ],
    )
