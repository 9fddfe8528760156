"""The dispatcher that is measured: its roles as processes of their own, a crowd of receivers, and events for them."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import asyncpg
from tests.bench.process_cpu import CpuMeter

from carewire_local.progress import say
from carewire_local.stack import Stack
from carewire_testing import eventually
from carewire_testing_dispatcher.by_roles import ByRoles, by_roles
from carewire_testing_dispatcher.crowd import AT_ONCE, Answer, Crowd, Taken, crowd
from carewire_testing_dispatcher.told_events import EVENT_TYPE, Teller, telling

PATIENCE_S: Final = 180.0
_LOGGED: Final = "select count(*) from dispatcher.delivery where status = 'delivered'"
_TABLES: Final = """
select coalesce(sum(pg_total_relation_size(oid)), 0)::bigint from pg_class
where relnamespace = 'dispatcher'::regnamespace and relname ~ '^(delivery|attempt)_[0-9]+$' and relkind = 'r'
"""
"""The days of deliveries and attempts, with their indexes."""


@dataclass
class Arrivals:
    """When each delivery came for the first time, by event and path; `copies` came again."""

    at: dict[tuple[str, str], float] = field(default_factory=dict)
    copies: int = 0

    def take(self, taken: Taken) -> Answer:
        """Note a call, and accept it."""
        call = (taken.webhook_id, taken.path)
        if call in self.at:
            self.copies += 1
        self.at.setdefault(call, taken.at)
        return AT_ONCE


@dataclass(frozen=True)
class Spent:
    """What some deliveries took: seconds of the clock, and CPU seconds by part."""

    deliveries: int
    seconds: float
    cpu: dict[str, float]

    @property
    def all_us(self) -> float:
        """CPU of all parts for one delivery."""
        return sum(self.cpu.values()) / self.deliveries * 1e6


class Bench:
    """A dispatcher with receivers and events at hand."""

    def __init__(self, stack: Stack, roles: ByRoles, receivers: Crowd, teller: Teller, database: Any) -> None:
        self.stack = stack
        self.roles = roles
        self.teller = teller
        self.arrivals = Arrivals()
        self._receivers = receivers
        self._database = database
        self._loop = asyncio.get_running_loop()

    def url(self, path: str) -> str:
        """Where a receiver listens."""
        return self._receivers.url(f"/{path}")

    async def subscribe(self, paths: Sequence[str], *, by_definition: bool) -> None:
        """One endpoint for each path instead of those before: of the definition of its name, or of all events."""
        await self.roles.unsubscribe_all()
        await self.roles.subscribe(
            [
                {
                    "url": self.url(path),
                    "event_types": [EVENT_TYPE],
                    "definition_ids": [path] if by_definition else None,
                }
                for path in paths
            ]
        )

    async def burst(self, events: int, definitions: Sequence[str], fan_out: int = 1) -> Spent:
        """Tell of events as fast as can be, in turn of each definition, and wait for the end of their deliveries."""
        begin = await self.begin()
        await self.teller.at_once(events, lambda number: definitions[number % len(definitions)])
        return await begin.spent(events * fan_out)

    async def begin(self) -> "Beginning":
        """Begin to count."""
        self.arrivals = Arrivals()
        logged = await self.logged()
        return Beginning(self, logged, self._meter(), self._loop.time())

    def latencies(self) -> list[float]:
        """Seconds from telling of an event to each of its deliveries, sorted."""
        return sorted(at - self.teller.told[event_id].at for (event_id, _), at in self.arrivals.at.items())

    async def logged(self) -> int:
        """How many deliveries the log knows as delivered."""
        count: int = await self._database.fetchval(_LOGGED)
        return count

    async def table_bytes(self) -> int:
        """What the log takes in Postgres."""
        size: int = await self._database.fetchval(_TABLES)
        return size

    def topic_bytes(self) -> dict[str, int]:
        """What the log segments of each topic take."""
        sizes: dict[str, int] = {}
        for segment in (self.stack.state.path / "kafka").rglob("*.log"):
            topic = segment.parent.name.rpartition("-")[0]
            sizes[topic] = sizes.get(topic, 0) + segment.stat().st_size
        return sizes

    def _meter(self) -> CpuMeter:
        found = (("Kafka", self.stack.kafka), ("Postgres", self.stack.postgres))
        groups = {name: [server.pid] for name, server in found if server is not None and server.pid is not None}
        return CpuMeter(self.roles.pids() | groups)


@dataclass(frozen=True)
class Beginning:
    """From where it is counted."""

    bench: Bench
    logged: int
    meter: CpuMeter
    at: float

    async def spent(self, deliveries: int) -> Spent:
        """Wait until so many deliveries have come and stand in the log; say what they took."""
        arrivals = self.bench.arrivals
        await eventually(lambda: len(arrivals.at) >= deliveries, PATIENCE_S)

        async def all_logged() -> bool:
            return await self.bench.logged() >= self.logged + deliveries

        await eventually(all_logged, PATIENCE_S, pause=0.2)
        return Spent(deliveries, max(arrivals.at.values()) - self.at, self.meter.spent())


@contextmanager
def dispatcher() -> Iterator[tuple[Stack, ByRoles]]:
    """Servers started afresh, and the dispatcher on them, as a deployment would have it."""
    with TemporaryDirectory(prefix="carewire-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with Stack(folder / "state", report=say) as stack, by_roles(stack, folder / "roles") as roles:
            yield stack, roles


@asynccontextmanager
async def measured(stack: Stack, roles: ByRoles) -> AsyncIterator[Bench]:
    """Put receivers and events beside a dispatcher."""
    made: list[Bench] = []
    database = await asyncpg.connect(roles.postgres_dsn)
    try:
        async with (
            crowd(lambda taken: made[0].arrivals.take(taken)) as receivers,
            telling(roles.bootstrap, roles.topics) as teller,
        ):
            made.append(Bench(stack, roles, receivers, teller, database))
            yield made[0]
    finally:
        await database.close()
