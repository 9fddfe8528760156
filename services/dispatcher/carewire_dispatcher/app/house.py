"""What the roles of a process share: each part is made once, and taken down with the others."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import cached_property
from typing import TypeVar

from carewire_contracts.topics import Topic
from carewire_dispatcher.adapters.delivery_client.dial import anywhere
from carewire_dispatcher.adapters.delivery_client.sender import DeliveryClient
from carewire_dispatcher.adapters.delivery_client.tls import tls_context
from carewire_dispatcher.adapters.endpoint_news import EndpointNews
from carewire_dispatcher.adapters.endpoint_record import endpoint_decoder, sealed_fault
from carewire_dispatcher.adapters.endpoint_store import EndpointStore
from carewire_dispatcher.adapters.health_record import decode_breaker
from carewire_dispatcher.adapters.log_days import LogDays
from carewire_dispatcher.adapters.repair_reach import RepairReach
from carewire_dispatcher.app.setting_up import PACKAGE, SERVICE, topics_of
from carewire_dispatcher.domain.breaker import Breaker
from carewire_dispatcher.domain.delivery import GROWTH
from carewire_dispatcher.domain.endpoint import Endpoint
from carewire_dispatcher.settings import DispatcherSettings
from carewire_runtime.addresses import is_public
from carewire_runtime.clock import SystemClock
from carewire_runtime.http.health import Health
from carewire_runtime.kafka.producer import DEFAULT_MAX_REQUEST_BYTES, Producer
from carewire_runtime.kafka.table import CompactedTable, Decode
from carewire_runtime.postgres.migrations import verify_migrated
from carewire_runtime.postgres.pool import Database
from carewire_runtime.process import Component
from carewire_runtime.retry import retry_in_place

T = TypeVar("T")


class House:
    """Settings, health and components of a process, and the parts that more than one role needs."""

    def __init__(self, settings: DispatcherSettings, cleanup: AsyncExitStack) -> None:
        self.settings = settings
        self.cleanup = cleanup
        self.topics = topics_of(settings)
        self.clock = SystemClock()
        self.health = Health()
        self.components: list[Component] = []

    @property
    def log_kept(self) -> timedelta:
        """How long deliveries and attempts stay in the log, and whatever speaks of them."""
        return timedelta(days=self.settings.attempt_log_days)

    @cached_property
    def endpoints(self) -> CompactedTable[Endpoint]:
        """The endpoints as fan-out and workers know them."""
        table = self.table("endpoints", self.topics.endpoints, endpoint_decoder(self.settings.keyring))
        self.health.add("endpoint-keys", lambda: sealed_fault(endpoint for _, endpoint in table.items()))
        return table

    @cached_property
    def breakers(self) -> CompactedTable[Breaker]:
        """Which endpoints are left alone."""
        return self.table("health", self.topics.health, decode_breaker)

    def table(self, name: str, topic: Topic, decode: Decode[T]) -> CompactedTable[T]:
        """Follow a compacted topic."""
        table = CompactedTable(self.settings.kafka_bootstrap, topic.name, decode, self.clock)
        self.health.add(name, table.not_ready)
        self.components.append(table)
        return table

    async def producer(self, purpose: str = "producer", linger_ms: int = 0, room: int = GROWTH) -> Producer:
        """Start a producer, as soon as Kafka is there."""
        # What a delivery is made with must fit at each of its hops, or a worker would end by it again and again.
        producer = Producer(
            self.settings.kafka_bootstrap,
            f"carewire-dispatcher-{purpose}",
            linger_ms=linger_ms,
            max_request_bytes=DEFAULT_MAX_REQUEST_BYTES - room,
        )
        await retry_in_place(producer.start, self.clock, what="start_producer")
        self.cleanup.push_async_callback(producer.stop)
        self.health.add(purpose, lambda: "the producer failed" if producer.failed.done() else None)
        return producer

    async def database(self) -> Database:
        """Start the pool of connections; Postgres may be away. Raises SetupMissing."""
        db = Database(self.settings.postgres_dsn, SERVICE)
        await db.start()
        self.cleanup.push_async_callback(db.stop)
        # Deliveries need no Postgres, so its absence must not keep a worker from starting.
        if await db.available():
            await verify_migrated(db, PACKAGE)
        return db

    def sender(self) -> DeliveryClient:
        """Make what calls receivers."""
        sender = DeliveryClient(
            tls_context(self.settings.client_certificate),
            allow_http=self.settings.allow_http_endpoints,
            may_call=anywhere if self.settings.allow_private_endpoints else is_public,
        )
        self.cleanup.push_async_callback(sender.stop)
        return sender

    def news(self) -> EndpointNews:
        """Make what writes down what happened to endpoints."""
        return EndpointNews(self.topics, self.settings.tenant_id)

    def store(self, db: Database, wake: Callable[[], None] = lambda: None) -> EndpointStore:
        """Make the store of endpoints. Unless it is woken, the relay finds within a second what is to be published."""
        return EndpointStore(db, self.settings.keyring, self.topics, self.news(), self.clock, wake)

    def reach(self) -> RepairReach:
        """Make what knows how far back events and the log can be read."""
        return RepairReach(self.settings.kafka_bootstrap, self.topics, self.log_kept, self.clock)

    def log_days(self, db: Database) -> LogDays:
        """Make what keeps the days of the log."""
        return LogDays(db, self.log_kept, self.clock)
