"""`/v1/endpoints/{id}/health`: how an endpoint does, and what waits for it."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Self
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from carewire_contracts.timestamps import Timestamp
from carewire_dispatcher.adapters.endpoint_api import Viewer, found
from carewire_dispatcher.adapters.endpoint_health_store import EndpointHealthStore, Lately, Undelivered
from carewire_dispatcher.adapters.endpoint_store import EndpointStore
from carewire_dispatcher.domain.breaker import Breaker
from carewire_dispatcher.domain.failing import Failing, FailingPolicy
from carewire_dispatcher.domain.sharding import keys_of
from carewire_runtime.clock import Clock
from carewire_runtime.http.traced import traced

_STATUSES: Final = ("retrying", "held", "failed")

Count = Annotated[int, Field(description="10,000 where it is that or more")]
Milliseconds = Annotated[int | None, Field(description="milliseconds; null without attempts")]


class BreakerView(BaseModel):
    """Whether the endpoint is left alone for a while, and when it is tried next. A shard has a breaker of its own."""

    open: bool
    open_shards: int
    next_attempt_at: Timestamp | None

    @classmethod
    def of(cls, breakers: Iterable[Breaker | None]) -> Self:
        """Show the breakers of all shards."""
        opened = [breaker.since for breaker in breakers if breaker is not None and breaker.is_open]
        return cls(open=bool(opened), open_shards=len(opened), next_attempt_at=_at(min(opened)) if opened else None)


class FailingView(BaseModel):
    """Since when every attempt failed, and when the endpoint is disabled unless one succeeds."""

    since: Timestamp
    attempts: int
    warnings: int
    disables_at: Timestamp

    @classmethod
    def of(cls, failing: Failing, policy: FailingPolicy) -> Self:
        """Show what is known against an endpoint."""
        disables_at = _at(policy.disables_at(failing))
        return cls(
            since=_at(failing.since), attempts=failing.attempts, warnings=failing.warnings, disables_at=disables_at
        )


class LatelyView(BaseModel):
    """What became of the attempts since a moment. Of very many only the last 10,000 are looked at, as `since` says."""

    since: Timestamp
    attempts: int
    delivered: int
    success_rate: Annotated[float | None, Field(description="of 1; null without attempts")]
    p50_ms: Milliseconds
    p95_ms: Milliseconds
    p99_ms: Milliseconds

    @classmethod
    def of(cls, lately: Lately) -> Self:
        """Show a sum of attempts."""
        return cls(
            since=lately.since,
            attempts=lately.attempts,
            delivered=lately.delivered,
            success_rate=round(lately.delivered / lately.attempts, 4) if lately.attempts else None,
            p50_ms=lately.p50,
            p95_ms=lately.p95,
            p99_ms=lately.p99,
        )


class UndeliveredView(BaseModel):
    """Deliveries of one status, and the event of the oldest."""

    count: Count
    oldest_event_at: Timestamp | None

    @classmethod
    def of(cls, undelivered: Undelivered) -> Self:
        """Show a count."""
        return cls(count=undelivered.count, oldest_event_at=undelivered.oldest_event_at)


class UndeliveredViews(BaseModel):
    """What was tried and goes on, what is held, and what ended without success."""

    retrying: UndeliveredView
    held: UndeliveredView
    failed: UndeliveredView


class EndpointHealthView(BaseModel):
    """How an endpoint does. The log tells of deliveries once they were tried or ended."""

    endpoint_id: str
    enabled: bool
    disabled_because: str | None
    paused: bool
    breaker: BreakerView
    failing: Annotated[FailingView | None, Field(description="null while attempts succeed")]
    last_hour: LatelyView
    last_day: LatelyView
    undelivered: UndeliveredViews


class EndpointHealthApi:
    """The route. `breaker_of` tells of the breaker under a key, as workers made it known."""

    def __init__(
        self,
        store: EndpointStore,
        log: EndpointHealthStore,
        breaker_of: Callable[[str], Breaker | None],
        policy: FailingPolicy,
        clock: Clock,
    ) -> None:
        self._store = store
        self._log = log
        self._breaker_of = breaker_of
        self._policy = policy
        self._clock = clock

    def router(self) -> APIRouter:
        """The route under /v1/endpoints."""
        router = APIRouter(prefix="/v1/endpoints", tags=["endpoints"], dependencies=[Depends(traced)])
        router.add_api_route("/{endpoint_id}/health", self.get, methods=["GET"], summary="How an endpoint does")
        return router

    async def get(self, endpoint_id: UUID, caller: Viewer) -> EndpointHealthView:  # noqa: ARG002  known is enough
        """Show breaker, failing, the last hour and day, and what is undelivered."""
        endpoint = (await found(self._store.get(str(endpoint_id)))).record
        now, failing = self._clock.now(), await self._log.known(endpoint.id)
        undelivered = await self._log.undelivered(endpoint.id)
        return EndpointHealthView(
            endpoint_id=endpoint.id,
            enabled=endpoint.enabled,
            disabled_because=endpoint.disabled_because,
            paused=endpoint.paused,
            breaker=BreakerView.of(self._breaker_of(key) for key in keys_of(endpoint.id, endpoint.shards)),
            failing=None if failing is None else FailingView.of(failing, self._policy),
            last_hour=LatelyView.of(await self._log.lately(endpoint.id, now - timedelta(hours=1))),
            last_day=LatelyView.of(await self._log.lately(endpoint.id, now - timedelta(days=1))),
            undelivered=UndeliveredViews(
                **{status: UndeliveredView.of(undelivered[status]) for status in _STATUSES},
            ),
        )


def _at(instant: int) -> datetime:
    return datetime.fromtimestamp(instant / 1000, UTC)
