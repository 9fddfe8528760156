"""Judges endpoints by what the attempt log tells of them: warns, disables, and says who recovered.

It stands behind the writers of the log because they see every attempt of an endpoint, in its order, whichever workers
made it and how many of them were killed; because the configuration that follows from it is in the same database, so
that a judgement and what follows from it are one transaction; and because without Postgres nobody could be disabled
anyway. What is read again was judged already. Two writers that meet at a rebalance take turns by the endpoint's row.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from carewire_dispatcher.adapters.endpoint_health_store import failing_of
from carewire_dispatcher.adapters.endpoint_news import EndpointNews
from carewire_dispatcher.adapters.endpoint_store import EndpointStore
from carewire_dispatcher.adapters.instants import millis
from carewire_dispatcher.domain.endpoint import DisabledBecause
from carewire_dispatcher.domain.failing import Failing, FailingPolicy, Health, Judged, Notice, Observation
from carewire_dispatcher.domain.log_entry import LogEntry
from carewire_runtime.clock import Clock
from carewire_runtime.postgres import outbox
from carewire_runtime.postgres.pool import Connection, Database
from carewire_runtime.postgres.queries import load_queries
from carewire_runtime.telemetry.logs import logger

_DISABLES = {Notice.DISABLE_FAILING: DisabledBecause.FAILING, Notice.DISABLE_GONE: DisabledBecause.GONE}

_log = logger("attempt-log")
_queries = load_queries("carewire_dispatcher")


@dataclass(frozen=True, slots=True)
class _Known:
    health: Health
    judged_from: int


class EndpointJudge:
    """Looks at what the log was told. `store` is where endpoints are changed."""

    def __init__(
        self, db: Database, store: EndpointStore, news: EndpointNews, policy: FailingPolicy, clock: Clock
    ) -> None:
        self._db = db
        self._store = store
        self._news = news
        self._policy = policy
        self._clock = clock

    async def look_at(self, entries: Iterable[LogEntry]) -> None:
        """Learn from entries, and do what follows. Raises DatabaseError; may be called again with the same."""
        seen = _by_endpoint(entries)
        if not seen:
            return
        async with self._db.connection() as connection:
            known = await _known(connection, list(seen))
        concerned = sorted(endpoint_id for endpoint_id, one in known.items() if self._changes(one, seen[endpoint_id]))
        if not concerned:
            return
        async with self._db.transaction() as connection:
            await connection.execute(_queries.lock_endpoints, concerned)
            await self._judge(connection, await _known(connection, concerned), seen)
        self._store.wake()

    def _changes(self, known: _Known, seen: Sequence[Observation]) -> bool:
        judged = self._judged(known, seen)
        return judged[-1].health != known.health or any(one.notice is not None for one in judged)

    def _judged(self, known: _Known, seen: Sequence[Observation]) -> list[Judged]:
        return self._policy.judge_all(known.health, seen, known.judged_from, millis(self._clock))

    async def _judge(
        self, connection: Connection, known: dict[str, _Known], seen: dict[str, list[Observation]]
    ) -> None:
        rows = []
        for endpoint_id, one in known.items():
            judged = self._judged(one, seen[endpoint_id])
            for each in judged:
                await self._follow(connection, endpoint_id, each)
            rows.append((endpoint_id, *_fields(judged[-1].health)))
        if rows:
            await connection.execute(_queries.set_health, *(list(column) for column in zip(*rows, strict=True)))

    async def _follow(self, connection: Connection, endpoint_id: str, judged: Judged) -> None:
        because = None if judged.notice is None else _DISABLES.get(judged.notice)
        if because is not None:
            await self._store.disable_in(connection, endpoint_id, because)
            _log.warning("endpoint_disabled", endpoint_id=endpoint_id, reason=str(because))
        elif judged.about is not None:
            await self._tell(connection, endpoint_id, judged, judged.about)

    async def _tell(self, connection: Connection, endpoint_id: str, judged: Judged, failing: Failing) -> None:
        endpoint = (await self._store.get_in(connection, endpoint_id)).record
        now, since = self._clock.now(), _at(failing.since)
        if judged.notice is Notice.WARN:
            told = self._news.warning(endpoint, now, since, _at(self._policy.disables_at(failing)))
        else:
            told = self._news.recovered(endpoint, now, since)
        await outbox.add(connection, [told])


def _by_endpoint(entries: Iterable[LogEntry]) -> dict[str, list[Observation]]:
    found: dict[str, list[Observation]] = {}
    for entry in entries:
        observation = Observation.of(entry)
        if observation is not None:
            found.setdefault(entry.endpoint_id, []).append(observation)
    return found


async def _known(connection: Connection, endpoint_ids: list[str]) -> dict[str, _Known]:
    rows = await connection.fetch(_queries.health_of_endpoints, endpoint_ids)
    return {str(row["id"]): _Known(failing_of(row), row["judged_from"]) for row in rows}


def _fields(health: Health) -> tuple[int | None, int | None, int, int, int | None]:
    if health is None:
        return (None, None, 0, 0, None)
    return (health.since, health.last, health.attempts, health.warnings, health.warned_at)


def _at(instant: int) -> datetime:
    return datetime.fromtimestamp(instant / 1000, UTC)
