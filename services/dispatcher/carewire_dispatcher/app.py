"""The dispatcher's command: what `setup` makes, and how `serve` puts the roles together.

Roles: `api` (management API and the relay of its outbox), `fan-out` (events to deliveries), `worker`
(deliveries to HTTP), `attempt-log` (attempts to Postgres, and what follows from them), `repair` (what is to be sent
again; apart from the API, whose answers it would delay). Each process serves health and metrics.
"""

import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Final, Literal, TypeVar

import orjson
from fastapi import APIRouter

from carewire_contracts.topics import LANES, TIERS, Topic, Topics
from carewire_dispatcher.adapters.answer_keeper import AnswerKeeper
from carewire_dispatcher.adapters.attempt_log import AttemptLog, attempt_log_group
from carewire_dispatcher.adapters.consumers import lanes_group, wheel_group
from carewire_dispatcher.adapters.dead_record_api import dead_record_router
from carewire_dispatcher.adapters.dead_records import DeadRecords
from carewire_dispatcher.adapters.delivery_api import DeliveryApi
from carewire_dispatcher.adapters.delivery_client.dial import anywhere
from carewire_dispatcher.adapters.delivery_client.sender import DeliveryClient
from carewire_dispatcher.adapters.delivery_client.tls import tls_context
from carewire_dispatcher.adapters.delivery_store import DeliveryStore
from carewire_dispatcher.adapters.endpoint_api import EndpointApi
from carewire_dispatcher.adapters.endpoint_health_api import EndpointHealthApi
from carewire_dispatcher.adapters.endpoint_health_store import EndpointHealthStore
from carewire_dispatcher.adapters.endpoint_judge import EndpointJudge
from carewire_dispatcher.adapters.endpoint_lookup import endpoint_lookup
from carewire_dispatcher.adapters.endpoint_news import EndpointNews
from carewire_dispatcher.adapters.endpoint_record import endpoint_decoder, sealed_fault
from carewire_dispatcher.adapters.endpoint_store import EndpointStore
from carewire_dispatcher.adapters.endpoint_trial import EndpointTrials
from carewire_dispatcher.adapters.event_reader import event_reader
from carewire_dispatcher.adapters.exchange_reader import ExchangeReader
from carewire_dispatcher.adapters.fan_out import SPREADING, FanOut, fan_out_group, status_fan_out_group
from carewire_dispatcher.adapters.handed_out import delete_handed_out
from carewire_dispatcher.adapters.health_record import decode_breaker
from carewire_dispatcher.adapters.heartbeats import Heartbeats
from carewire_dispatcher.adapters.log_days import LogDays
from carewire_dispatcher.adapters.open_files import allow_open_files
from carewire_dispatcher.adapters.openapi import describe
from carewire_dispatcher.adapters.ownership import Ownership
from carewire_dispatcher.adapters.repair_api import RepairApi
from carewire_dispatcher.adapters.repair_desk import RepairDesk
from carewire_dispatcher.adapters.repair_reach import RepairReach
from carewire_dispatcher.adapters.repair_runner import RepairRunner
from carewire_dispatcher.adapters.repair_step import RepairStep
from carewire_dispatcher.adapters.repair_wish import delete_repairs
from carewire_dispatcher.adapters.sample_events import SampleEvents
from carewire_dispatcher.adapters.tenure import Means
from carewire_dispatcher.adapters.undelivered_api import undelivered_router
from carewire_dispatcher.adapters.undelivered_store import UndeliveredStore
from carewire_dispatcher.adapters.worker import Worker
from carewire_dispatcher.adapters.worker_processes import WorkerProcesses
from carewire_dispatcher.domain.breaker import Breaker
from carewire_dispatcher.domain.delivery import GROWTH
from carewire_dispatcher.domain.endpoint import Endpoint
from carewire_dispatcher.domain.endpoint_url import UrlPolicy
from carewire_dispatcher.domain.failing import FailingPolicy
from carewire_dispatcher.domain.supersession import Claims, decode_claim
from carewire_dispatcher.settings import DispatcherSettings
from carewire_runtime.addresses import is_public
from carewire_runtime.audit import Audit, delete_audit_records
from carewire_runtime.auth import ApiKeys
from carewire_runtime.clock import SystemClock
from carewire_runtime.errors import ConfigurationError, SetupMissing
from carewire_runtime.http.audit_api import audit_router
from carewire_runtime.http.health import Health
from carewire_runtime.http.management import management_app
from carewire_runtime.http.openapi import describe_at_need
from carewire_runtime.http.server import HttpServer
from carewire_runtime.kafka.admin import commit_initial_offsets, committed, ensure_topics, verify_topics
from carewire_runtime.kafka.batch import BatchConsumer
from carewire_runtime.kafka.pace import LAZY, Pace
from carewire_runtime.kafka.producer import DEFAULT_MAX_REQUEST_BYTES, Producer
from carewire_runtime.kafka.table import CompactedTable, Decode
from carewire_runtime.postgres.migrations import migrate, verify_migrated
from carewire_runtime.postgres.pool import Database
from carewire_runtime.postgres.relay import Relay
from carewire_runtime.process import Component, service_command
from carewire_runtime.retention import Kept, Retention
from carewire_runtime.retry import retry_in_place

SERVICE: Final = "dispatcher"
ROLES: Final = ("api", "fan-out", "worker", "attempt-log", "repair")
_PACKAGE: Final = "carewire_dispatcher"
_WORKER_LINGER_MS: Final = 50
_EVENTS_AT_ONCE: Final = 1000
"""Of a dozen events that a care flow tells of, few are wanted: under load a batch of 200 would make deliveries of 20,
each to be written, fetched and begun apart. A thousand cost some milliseconds."""

T = TypeVar("T")


def topics_of(settings: DispatcherSettings) -> Topics:
    """Name the topics of this deployment."""
    return Topics(settings.topic_prefix, settings.partitions)


def _consumed(topics: Topics) -> dict[str, tuple[list[Topic], Literal["end", "start"]]]:
    """List each group's topics, and where it begins: fan-out at the end, for history is not news."""
    return {
        fan_out_group(topics): ([topics.events], "end"),
        status_fan_out_group(topics): ([topics.incoming_webhooks, topics.endpoint_events], "end"),
        lanes_group(topics): ([topics.deliveries(lane) for lane in LANES], "start"),
        wheel_group(topics): ([topics.tier(lane, tier) for lane in LANES for tier in TIERS], "start"),
        attempt_log_group(topics): ([topics.attempts], "start"),
    }


async def setup(settings: DispatcherSettings) -> None:
    """Make tables, topics, initial offsets and the first API key; prints the key if it was made."""
    topics, bootstrap = topics_of(settings), settings.kafka_bootstrap
    db = Database(settings.postgres_dsn, SERVICE)
    await db.start(wait=True)
    try:
        await migrate(db, _PACKAGE)
        await ensure_topics(bootstrap, topics.dispatcher())
        await verify_topics(bootstrap, topics.dispatcher())
        for group, (consumed, at) in _consumed(topics).items():
            await commit_initial_offsets(bootstrap, group, consumed, at)
        key = await ApiKeys(db).ensure_first(plaintext=settings.bootstrap_api_key)
        if key is not None:
            sys.stdout.write(orjson.dumps({"api_key": key}).decode() + "\n")
    finally:
        await db.stop()


async def verify(settings: DispatcherSettings) -> None:
    """Raise SetupMissing where something that `setup` makes is missing. Waits for Kafka, not for Postgres."""
    topics, bootstrap = topics_of(settings), settings.kafka_bootstrap
    await verify_topics(bootstrap, topics.dispatcher())
    for group, (consumed, _) in _consumed(topics).items():
        known = await committed(bootstrap, group)
        wanted = {(topic.name, number) for topic in consumed for number in range(topic.partitions)}
        if not wanted <= known.keys():
            raise SetupMissing(f"group {group} has no committed offsets; run carewire-dispatcher setup")


@asynccontextmanager
async def serve(settings: DispatcherSettings, roles: frozenset[str]) -> AsyncIterator[Sequence[Component]]:
    """Build the components of some roles."""
    clock = SystemClock()
    await retry_in_place(lambda: verify(settings), clock, what="verify_setup")
    async with AsyncExitStack() as cleanup:
        yield await _Assembly(settings, cleanup).components(roles)


class _Assembly:
    """Builds each part once, and has it taken down with the others."""

    def __init__(self, settings: DispatcherSettings, cleanup: AsyncExitStack) -> None:
        self._settings = settings
        self._cleanup = cleanup
        self._topics = topics_of(settings)
        self._clock = SystemClock()
        self._health = Health()
        self._parts: list[Component] = []
        self._known_breakers: CompactedTable[Breaker] | None = None

    async def components(self, roles: frozenset[str]) -> Sequence[Component]:
        """Build the parts of some roles, and the HTTP server that shows their health."""
        producer, db = await self._producer(), await self._database()
        if "worker" in roles and self._settings.workers > 1:
            self._add_worker_processes()
            roles -= {"worker"}
        if roles & {"fan-out", "worker"}:
            endpoints = self._endpoints()
            if "fan-out" in roles:
                self._add_fan_out(endpoints, producer)
            if "worker" in roles:
                await self._add_worker(endpoints)
        if "attempt-log" in roles:
            self._add_attempt_log(db, producer)
        if "repair" in roles:
            self._add_repair(db, producer)
        routers = self._add_api(db, producer) if "api" in roles else []
        app = management_app("Carewire dispatcher", self._health, ApiKeys(db), routers)
        describe_at_need(app, describe)
        self._parts.append(HttpServer(app, self._settings.http_host, self._settings.http_port))
        return self._parts

    async def _producer(self, purpose: str = "producer", linger_ms: int = 0, room: int = GROWTH) -> Producer:
        # What a delivery is made with must fit at each of its hops, or a worker would end by it again and again.
        producer = Producer(
            self._settings.kafka_bootstrap,
            f"carewire-dispatcher-{purpose}",
            linger_ms=linger_ms,
            max_request_bytes=DEFAULT_MAX_REQUEST_BYTES - room,
        )
        await retry_in_place(producer.start, self._clock, what="start_producer")
        self._cleanup.push_async_callback(producer.stop)
        self._health.add(purpose, lambda: "the producer failed" if producer.failed.done() else None)
        return producer

    async def _database(self) -> Database:
        db = Database(self._settings.postgres_dsn, SERVICE)
        await db.start()
        self._cleanup.push_async_callback(db.stop)
        # Deliveries need no Postgres, so its absence must not keep a worker from starting.
        if await db.available():
            await verify_migrated(db, _PACKAGE)
        return db

    def _breakers(self) -> CompactedTable[Breaker]:
        if self._known_breakers is None:
            self._known_breakers = self._table("health", self._topics.health, decode_breaker)
        return self._known_breakers

    def _endpoints(self) -> CompactedTable[Endpoint]:
        table = self._table("endpoints", self._topics.endpoints, endpoint_decoder(self._settings.keyring))
        self._health.add("endpoint-keys", lambda: sealed_fault(endpoint for _, endpoint in table.items()))
        return table

    def _table(self, name: str, topic: Topic, decode: Decode[T]) -> CompactedTable[T]:
        table = CompactedTable(self._settings.kafka_bootstrap, topic.name, decode, self._clock)
        self._health.add(name, table.not_ready)
        self._parts.append(table)
        return table

    def _add_fan_out(self, endpoints: CompactedTable[Endpoint], producer: Producer) -> None:
        # A request's statuses come in three pieces, and rarely does anyone subscribe to them, or to what is told of
        # endpoints.
        topics = self._topics
        statuses = [topics.incoming_webhooks, topics.endpoint_events]
        self._fan_out("fan-out", [topics.events], fan_out_group(topics), SPREADING, endpoints, producer)
        self._fan_out("status-fan-out", statuses, status_fan_out_group(topics), LAZY, endpoints, producer)

    def _fan_out(
        self,
        name: str,
        topics: Sequence[Topic],
        group: str,
        pace: Pace,
        endpoints: CompactedTable[Endpoint],
        producer: Producer,
    ) -> None:
        fan_out = FanOut(self._topics, endpoints, producer, self._clock)
        consumer = BatchConsumer(
            self._settings.kafka_bootstrap,
            [topic.name for topic in topics],
            group,
            fan_out.handle,
            max_records=_EVENTS_AT_ONCE,
            pace=pace,
            poison_limit=fan_out.poison_limit,
            clock=self._clock,
        )
        self._health.add(name, consumer.not_ready)
        self._parts.append(consumer)

    def _add_worker_processes(self) -> None:
        if self._settings.http_port == 0:
            raise ConfigurationError("CAREWIRE_HTTP_PORT: give a port; workers listen on those that follow it")
        workers = WorkerProcesses(self._settings.workers, self._settings.http_host, self._settings.http_port)
        self._health.add("workers", workers.not_ready)
        self._parts.append(workers)

    async def _add_worker(self, endpoints: CompactedTable[Endpoint]) -> None:
        # Nobody waits for what a worker writes: its next hops are due in seconds, the rest is for the log.
        producer = await self._producer("worker-producer", _WORKER_LINGER_MS, room=0)
        allow_open_files()
        sender = self._sender()
        repairs, claims = self._table("repairs", self._topics.repairs, decode_claim), Claims()
        repairs.on_change(claims.put)
        means = Means(
            self._settings.kafka_bootstrap,
            self._topics,
            producer,
            sender,
            AnswerKeeper(self._settings.keyring, self._settings.answers_kept, self._settings.answer_body_bytes),
            endpoints,
            self._breakers(),
            repairs,
            claims,
            self._settings.time_scale,
            self._clock,
        )
        worker = Worker(means)
        self._health.add("worker", worker.not_ready)
        self._parts.append(worker)

    def _sender(self) -> DeliveryClient:
        sender = DeliveryClient(
            tls_context(self._settings.client_certificate),
            allow_http=self._settings.allow_http_endpoints,
            may_call=anywhere if self._settings.allow_private_endpoints else is_public,
        )
        self._cleanup.push_async_callback(sender.stop)
        return sender

    def _add_attempt_log(self, db: Database, producer: Producer) -> None:
        days = LogDays(db, timedelta(days=self._settings.attempt_log_days), self._clock)
        # The relay that publishes what the judge changes may be another process's: it looks each second.
        news, store = EndpointNews(self._topics, self._settings.tenant_id), self._store(db, lambda: None)
        judge = EndpointJudge(db, store, news, FailingPolicy(self._settings.time_scale), self._clock)
        log = AttemptLog(db, days, judge, producer, self._topics, self._clock)
        consumer = BatchConsumer(
            self._settings.kafka_bootstrap,
            [self._topics.attempts.name],
            attempt_log_group(self._topics),
            log.handle,
            max_records=500,
            pace=LAZY,
            poison_limit=log.poison_limit,
            clock=self._clock,
        )
        self._health.add("attempt-log", consumer.not_ready)
        settings, topics = self._settings, self._topics
        heartbeats = Heartbeats(db, store, settings.keyring, topics, settings.tenant_id, self._clock)
        self._parts += [consumer, heartbeats]

    def _add_repair(self, db: Database, producer: Producer) -> None:
        # What a step publishes is found by the relay within a second.
        store = self._store(db, lambda: None)
        step = RepairStep(
            db,
            self._settings.kafka_bootstrap,
            self._topics,
            producer,
            endpoint_lookup(store, self._settings.keyring),
            self._reach(),
            LogDays(db, timedelta(days=self._settings.attempt_log_days), self._clock),
            self._clock,
        )
        self._parts.append(RepairRunner(db, step, self._topics, self._clock))

    def _repair_routers(self, db: Database, producer: Producer, store: EndpointStore) -> list[APIRouter]:
        bootstrap, topics, audit = self._settings.kafka_bootstrap, self._topics, Audit(self._clock)
        endpoint_of = endpoint_lookup(store, self._settings.keyring)
        desk = RepairDesk(db, bootstrap, endpoint_of, self._reach(), audit, self._clock)
        read = [topic.name for consumed, _ in _consumed(topics).values() for topic in consumed]
        dead = DeadRecords(db, bootstrap, topics.dispatcher_dead, read, producer, audit, self._clock)
        return [
            RepairApi(desk).router(),
            undelivered_router(UndeliveredStore(db), self._clock),
            dead_record_router(dead),
        ]

    def _endpoint_health_router(self, db: Database, store: EndpointStore) -> APIRouter:
        policy = FailingPolicy(self._settings.time_scale)
        return EndpointHealthApi(store, EndpointHealthStore(db), self._breakers().get, policy, self._clock).router()

    def _delivery_router(self, db: Database) -> APIRouter:
        audit, bootstrap = Audit(self._clock), self._settings.kafka_bootstrap
        exchanges = ExchangeReader(db, lambda: event_reader(bootstrap), self._settings.keyring, audit)
        return DeliveryApi(DeliveryStore(db), exchanges, audit).router()

    def _reach(self) -> RepairReach:
        kept = timedelta(days=self._settings.attempt_log_days)
        return RepairReach(self._settings.kafka_bootstrap, self._topics, kept, self._clock)

    def _store(self, db: Database, wake: Callable[[], None]) -> EndpointStore:
        news = EndpointNews(self._topics, self._settings.tenant_id)
        return EndpointStore(db, self._settings.keyring, self._topics, news, self._clock, wake)

    def _add_api(self, db: Database, producer: Producer) -> list[APIRouter]:
        relay = Relay(db, producer, clock=self._clock)
        audit, log = timedelta(days=self._settings.audit_days), timedelta(days=self._settings.attempt_log_days)
        kept = [
            Kept("audit_records", audit, delete_audit_records),
            Kept("repairs", log, delete_repairs),
            Kept("handed_out", log, delete_handed_out),
        ]
        self._parts += [relay, Retention(db, kept, self._clock)]

        async def database() -> str | None:
            return None if await db.available() else "Postgres does not answer; the management API needs it"

        self._health.add("postgres", database)
        policy = UrlPolicy(self._settings.allow_http_endpoints, self._settings.allow_private_endpoints)
        store = self._store(db, relay.wake)
        ownership = Ownership(self._sender(), self._clock) if self._settings.verify_endpoints else None
        samples = SampleEvents(db, self._topics, self._clock, relay.wake)
        return [
            EndpointApi(store, policy, self._clock, ownership).router(),
            EndpointTrials(store, samples, self._clock).router(),
            self._endpoint_health_router(db, store),
            self._delivery_router(db),
            *self._repair_routers(db, producer, store),
            audit_router(db),
        ]


def main() -> None:
    """Run the command line."""
    sys.exit(service_command(SERVICE, DispatcherSettings, ROLES, setup=setup, serve=serve))
