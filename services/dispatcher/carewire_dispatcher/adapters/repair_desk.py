"""Where repairs are asked for: what one would take, whether it may run, and its row once it does.

Everything is checked when it is asked, and said at once. A repair that was taken on is run by whoever runs repairs.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from carewire_dispatcher.adapters.delivery_store import DeliveryStore
from carewire_dispatcher.adapters.event_reader import event_reader
from carewire_dispatcher.adapters.instants import millis, moment
from carewire_dispatcher.adapters.repair_look import EndpointOf, look_by_events
from carewire_dispatcher.adapters.repair_reach import PATIENCE_S, Place, RepairReach
from carewire_dispatcher.adapters.repair_record import Repair
from carewire_dispatcher.adapters.repair_wish import Wish, add_repair, first_look, sought_by
from carewire_dispatcher.domain.delivery import Delivery
from carewire_dispatcher.domain.endpoint import Endpoint
from carewire_dispatcher.domain.repair import (
    NEWEST_EPOCH,
    Obstacle,
    RepairKind,
    Which,
    closed_because,
    obstacle_of,
)
from carewire_dispatcher.errors import EndpointNotFound, KeyReused, RepairNotFound, RepairOver, RepairRefused
from carewire_runtime.audit import Audit, Deed
from carewire_runtime.auth import Principal
from carewire_runtime.clock import Clock
from carewire_runtime.errors import UniqueViolation
from carewire_runtime.postgres.conditions import Conditions
from carewire_runtime.postgres.pool import Database
from carewire_runtime.postgres.queries import load_queries

SHOWN: Final = 5
"""Deliveries that a preview shows."""
MOST_PREVIEWED: Final = 20_000
"""Events that a preview looks at: some seconds of work."""

_queries = load_queries("carewire_dispatcher")


@dataclass(frozen=True, slots=True)
class Found:
    """One delivery that would be taken."""

    id: str
    endpoint_id: str
    event_id: str
    event_type: str
    event_at: datetime


@dataclass(frozen=True, slots=True)
class Preview:
    """What a repair would take. `is_complete` is false where there was too much to look at all of it."""

    count: int
    unreadable: int
    is_complete: bool
    first: list[Found]


class RepairDesk:
    """Takes repairs on."""

    def __init__(
        self,
        db: Database,
        bootstrap: str,
        endpoint_of: EndpointOf,
        reach: RepairReach,
        audit: Audit,
        clock: Clock,
    ) -> None:
        self._db = db
        self._bootstrap = bootstrap
        self._endpoint_of = endpoint_of
        self._reach = reach
        self._audit = audit
        self._clock = clock
        self._deliveries = DeliveryStore(db)

    async def retry_one(self, delivery_id: str, by: Principal, key: str | None = None) -> Repair:
        """Send a delivery again. Raises DeliveryNotFound, and as `begin` does."""
        row, _ = await self._deliveries.get(delivery_id)
        wish = Wish(RepairKind.RETRY_ONE, Which.ALL, row["endpoint_id"], delivery_id=delivery_id)
        before = await self._before(wish, by, key)
        if before is not None:
            return before
        begins = await self._reach.begins()
        if row["event_offset"] < begins.get((row["event_topic"], row["event_partition"]), 0):
            raise RepairRefused(Obstacle.EVENTS_EXPIRED)
        await self._open_endpoint(wish)
        return await self._add(wish, 1, {}, by, key)

    async def begin(self, wish: Wish, by: Principal, key: str | None = None) -> Repair:
        """Take a repair on; the same call under the same key begins one.

        Raises EndpointNotFound, RepairRefused, KeyReused, KafkaError or DatabaseError.
        """
        before = await self._before(wish, by, key)
        if before is not None:
            return before
        endpoint = await self._checked(wish)
        if wish.begins_with_the_log:
            async with self._db.connection() as connection:
                total, _ = await sought_by(wish).count(connection, {})
            return await self._add(wish, total, first_look(), by, key)
        places = await self._places(wish, endpoint)
        return await self._add(wish, sum(end - first for _, _, first, _, end in places), {"places": places}, by, key)

    async def preview(self, wish: Wish) -> Preview:
        """Say what a repair would take, and change nothing. Raises as `begin` does."""
        endpoint = await self._checked(wish)
        if not wish.begins_with_the_log and endpoint is not None:
            return await self._preview_events(wish, endpoint)
        begins = await self._reach.begins()
        async with self._db.connection() as connection:
            found, gone = await sought_by(wish).count(connection, begins)
            rows = await sought_by(wish).some(connection, None, SHOWN)
        return Preview(found - gone, gone, True, [_shown(row) for row in rows])

    async def get(self, repair_id: str) -> Repair:
        """Return one repair. Raises RepairNotFound."""
        async with self._db.connection() as connection:
            return _found(await connection.fetchrow(_queries.find_repair, repair_id))

    async def page(
        self, endpoint_id: str | None, states: Sequence[str] | None, after: str | None, limit: int
    ) -> list[Repair]:
        """Return repairs, newest first, those after one."""
        conditions = Conditions()
        conditions.add("endpoint_id = {}::uuid", endpoint_id)
        conditions.add("state = any({}::text[])", states)
        conditions.add("id < {}::uuid", after)
        where, most = conditions.where(), conditions.parameter(limit)
        async with self._db.connection() as connection:
            rows = await connection.fetch(
                f"select * from repair {where} order by id desc limit {most}",  # noqa: S608 (ours)
                *conditions.values,
            )
        return [Repair.of(row) for row in rows]

    async def cancel(self, repair_id: str, by: Principal) -> Repair:
        """End a repair; what it has taken goes on. Raises RepairNotFound or RepairOver."""
        async with self._db.transaction() as connection:
            row = await connection.fetchrow(_queries.cancel_repair, repair_id, self._clock.now())
            if row is None:
                _found(await connection.fetchrow(_queries.find_repair, repair_id))
                raise RepairOver("the repair has ended")
            await self._audit.add(connection, by, [Deed("repair.cancel", "repair", repair_id)])
        return Repair.of(row)

    async def _checked(self, wish: Wish) -> Endpoint | None:
        endpoint = await self._open_endpoint(wish)
        topics = self._reach.topics_of(endpoint)
        # What takes all needs nothing of the log.
        reach = await self._reach.reach(topics, patience_s=0 if wish.which is Which.ALL else PATIENCE_S)
        obstacle = obstacle_of(wish.which, wish.begin, reach)
        if obstacle is not None:
            raise RepairRefused(obstacle, moment(reach.readable_from))
        return endpoint

    async def _open_endpoint(self, wish: Wish) -> Endpoint | None:
        if wish.endpoint_id is None:
            return None
        endpoint = await self._endpoint_of(wish.endpoint_id)
        if endpoint is None and wish.delivery_id is None:
            raise EndpointNotFound("no endpoint has this id")
        obstacle = closed_because(endpoint)
        if obstacle is not None:
            raise RepairRefused(obstacle)
        return endpoint

    async def _places(self, wish: Wish, endpoint: Endpoint | None) -> list[Place]:
        topics = self._reach.topics_of(endpoint)
        end = self._clock.now() if wish.event_to is None else wish.event_to
        return await self._reach.places(topics, wish.begin or 0, round(end.timestamp() * 1000))

    async def _preview_events(self, wish: Wish, endpoint: Endpoint) -> Preview:
        places = await self._places(wish, endpoint)
        count = unreadable = looked_at = 0
        first: list[Delivery] = []
        async with event_reader(self._bootstrap) as reader:
            while looked_at < MOST_PREVIEWED and any(following < end for _, _, _, following, end in places):
                look, places = await look_by_events(
                    self._db, reader, endpoint, wish.which, places, NEWEST_EPOCH, millis(self._clock)
                )
                looked_at += look.looked_at
                count += len(look.taken)
                unreadable += look.unreadable
                first = sorted([*first, *look.taken], key=lambda one: (one.event_at, one.id))[:SHOWN]
        is_complete = all(following >= end for _, _, _, following, end in places)
        return Preview(count, unreadable, is_complete, [_of(delivery) for delivery in first])

    async def _before(self, wish: Wish, by: Principal, key: str | None) -> Repair | None:
        """What the same call has begun before. Raises KeyReused where it was another call."""
        if key is None:
            return None
        async with self._db.connection() as connection:
            row = await connection.fetchrow(_queries.find_repair_by_request, _digest(by, key))
        if row is None:
            return None
        repair = Repair.of(row)
        if not wish.is_that_of(repair):
            raise KeyReused("this key came with another request; use a new key for it")
        return repair

    async def _add(self, wish: Wish, total: int, progress: dict[str, Any], by: Principal, key: str | None) -> Repair:
        now, digest = self._clock.now(), None if key is None else _digest(by, key)
        try:
            async with self._db.transaction() as connection:
                repair = await add_repair(connection, wish, total, progress, by.id, now, request_key=digest)
                await self._audit.add(connection, by, [Deed(f"repair.{wish.kind}", "repair", repair.id)])
        except UniqueViolation:
            # The same call came twice at the same time, and the other was first.
            begun = await self._before(wish, by, key)
            if begun is None:
                raise
            return begun
        return repair


def _digest(by: Principal, key: str) -> str:
    return hashlib.sha256(f"{by.id} {key}".encode()).hexdigest()


def _found(row: Any) -> Repair:
    if row is None:
        raise RepairNotFound("no repair has this id")
    return Repair.of(row)


def _shown(row: Any) -> Found:
    return Found(str(row["id"]), str(row["endpoint_id"]), row["event_id"], row["event_type"], row["event_at"])


def _of(delivery: Delivery) -> Found:
    event_at = datetime.fromtimestamp(delivery.event_at / 1000, UTC)
    return Found(delivery.id, delivery.endpoint_id, delivery.event_id, delivery.event_type, event_at)
