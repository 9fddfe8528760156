"""Ingress put together: `carewire-ingress setup` and `carewire-ingress serve [--roles receiver,log-writer]`."""

import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Final

import orjson
from fastapi import APIRouter

from carewire_contracts.topics import Topic, Topics
from carewire_ingress.adapters.admission_plans import AdmissionPlans
from carewire_ingress.adapters.catalogue_table import CatalogueTable
from carewire_ingress.adapters.gate import Gate
from carewire_ingress.adapters.lasting import Lasting
from carewire_ingress.adapters.log_writer import LogWriter
from carewire_ingress.adapters.mapping_api import MappingApi
from carewire_ingress.adapters.openapi import describe
from carewire_ingress.adapters.rate_limits import RateLimits
from carewire_ingress.adapters.receiver import Limits, Receiver
from carewire_ingress.adapters.refusal_budget import RefusalBudget
from carewire_ingress.adapters.request_api import RequestApi
from carewire_ingress.adapters.request_channel import RequestChannel
from carewire_ingress.adapters.request_reader import RequestReader
from carewire_ingress.adapters.request_records import RequestRecords
from carewire_ingress.adapters.request_retention import delete_requests
from carewire_ingress.adapters.request_store import RequestStore
from carewire_ingress.adapters.resubmission_api import ResubmissionApi
from carewire_ingress.adapters.resubmitter import Resubmitter
from carewire_ingress.adapters.verification import Verification
from carewire_ingress.adapters.webhook_api import WebhookApi
from carewire_ingress.adapters.webhook_store import WebhookStore
from carewire_ingress.adapters.webhook_table import WebhookTable
from carewire_ingress.settings import IngressSettings
from carewire_runtime.audit import Audit, delete_audit_records
from carewire_runtime.auth import ApiKeys
from carewire_runtime.clock import SystemClock
from carewire_runtime.http.audit_api import audit_router
from carewire_runtime.http.guarding import HeadLimits
from carewire_runtime.http.health import Health
from carewire_runtime.http.management import management_app
from carewire_runtime.http.openapi import describe_at_need
from carewire_runtime.http.server import HttpServer
from carewire_runtime.kafka.admin import commit_initial_offsets, ensure_topics, verify_topics
from carewire_runtime.kafka.batch import BatchConsumer
from carewire_runtime.kafka.dead_letters import DeadLetters
from carewire_runtime.kafka.pace import LAZY
from carewire_runtime.kafka.producer import Producer
from carewire_runtime.postgres.migrations import migrate, verify_migrated
from carewire_runtime.postgres.pool import Database
from carewire_runtime.postgres.relay import Relay
from carewire_runtime.process import Component, service_command
from carewire_runtime.retention import Kept, Retention
from carewire_runtime.retry import retry_in_place
from carewire_runtime.telemetry import metrics

SERVICE: Final = "ingress"
RECEIVER: Final = "receiver"
LOG_WRITER: Final = "log-writer"
ROLES: Final = (RECEIVER, LOG_WRITER)

_PACKAGE: Final = "carewire_ingress"
_RECORD_PER_BODY: Final = 4
"""A record is at most as many times as large as its body: 4/3 for the payload in base64, the rest for mapped
values, which may repeat parts of it."""


def main() -> None:
    """Run the command line."""
    sys.exit(service_command(SERVICE, IngressSettings, ROLES, setup=setup, serve=serve))


def log_writer_group(settings: IngressSettings) -> str:
    """The consumer group of the request log."""
    return f"{settings.topic_prefix}carewire.ingress.log-writer"


def _topics(settings: IngressSettings) -> Topics:
    return Topics(settings.topic_prefix, settings.partitions)


async def setup(settings: IngressSettings) -> None:
    """Migrate the schema, make the topics, commit where the log writer begins, make the first API key."""
    topics = _topics(settings)
    db = Database(settings.postgres_dsn, SERVICE)
    await db.start()
    try:
        await migrate(db, _PACKAGE)
        key = await ApiKeys(db).ensure_first(plaintext=settings.bootstrap_api_key)
    finally:
        await db.stop()
    await ensure_topics(settings.kafka_bootstrap, topics.ingress())
    await verify_topics(settings.kafka_bootstrap, topics.ingress())
    # From the start: saving an entry of the log again changes nothing.
    await commit_initial_offsets(
        settings.kafka_bootstrap, log_writer_group(settings), _logged_topics(topics), at="start"
    )
    if key is not None:
        sys.stdout.write(orjson.dumps({"api_key": key}).decode() + "\n")


def _logged_topics(topics: Topics) -> tuple[Topic, ...]:
    return (topics.requests, topics.refused, topics.incoming_webhooks)


@asynccontextmanager
async def serve(settings: IngressSettings, roles: frozenset[str]) -> AsyncIterator[Sequence[Component]]:
    """Build the components of some roles. Raises SetupMissing; waits for Kafka, but not for Postgres."""
    topics, clock = _topics(settings), SystemClock()
    await retry_in_place(lambda: verify_topics(settings.kafka_bootstrap, topics.ingress()), clock, what="verify_topics")
    async with AsyncExitStack() as stack:
        db = Database(settings.postgres_dsn, SERVICE)
        await db.start()
        stack.push_async_callback(db.stop)
        if await db.available():
            await verify_migrated(db, _PACKAGE)
        house = _House(settings, topics, db, clock)
        if LOG_WRITER in roles:
            house.add_log_writer()
        if RECEIVER in roles:
            await stack.enter_async_context(house.add_receiver())
        yield house.components()


class _House:
    """The parts of one process, each joined with those that it needs."""

    def __init__(self, settings: IngressSettings, topics: Topics, db: Database, clock: SystemClock) -> None:
        self._settings = settings
        self._topics = topics
        self._db = db
        self._clock = clock
        self._health = Health()
        self._parts: list[Component] = []
        self._routers: list[APIRouter] = []
        self._receiver: Receiver | None = None

    def components(self) -> Sequence[Component]:
        """All parts, and the server in front of them."""
        management = management_app("Carewire ingress", self._health, ApiKeys(self._db), self._routers)
        if self._receiver is not None:
            describe_at_need(management, describe)
        heads = HeadLimits(self._settings.max_head_bytes, self._settings.head_read_seconds)
        server = HttpServer(management, self._settings.http_host, self._settings.http_port, heads, self._receiver)
        return [*self._parts, server]

    def add_log_writer(self) -> None:
        """The role that writes the request log."""
        lasting = Lasting("log-writer", lambda: self._producer("log-writer"), self._log_consumer, self._clock)
        self._health.add("log-writer", lambda: _not_ready(lasting.current))
        self._parts += [lasting, self._retention()]

    def _retention(self) -> Retention:
        kept = (
            Kept("requests", timedelta(days=self._settings.request_log_days), delete_requests),
            Kept("audit_records", timedelta(days=self._settings.audit_days), delete_audit_records),
        )
        return Retention(self._db, kept, self._clock)

    def _log_consumer(self, producer: Producer) -> BatchConsumer:
        dead = DeadLetters(producer, self._topics.ingress_dead.name, self._clock)
        writer = LogWriter(RequestStore(self._db), producer, dead, self._clock, self._topics)
        return BatchConsumer(
            self._settings.kafka_bootstrap,
            [topic.name for topic in _logged_topics(self._topics)],
            log_writer_group(self._settings),
            writer.handle,
            pace=LAZY,
            poison_limit=dead.limit,
            clock=self._clock,
        )

    def add_receiver(self) -> RequestChannel:
        """The role that receives calls and manages webhooks. Returns its channel, which is to be entered."""
        bootstrap = self._settings.kafka_bootstrap
        webhooks = WebhookTable(bootstrap, self._topics.webhooks.name, self._settings.keyring, self._clock)
        catalogue = CatalogueTable(bootstrap, self._topics.catalogue.name)
        channel = RequestChannel(
            lambda: self._producer("receiver"),
            self._topics.refused,
            self._clock,
            max_waiting=self._settings.max_calls,
        )
        checks = {"kafka": channel.fault, "webhooks": webhooks.table.not_ready, "catalogue": catalogue.table.not_ready}
        for name, check in checks.items():
            self._health.add(name, check)
        receiver = self._receiver = self._make_receiver(webhooks, catalogue, channel)
        metrics.REQUESTS_IN_FLIGHT.watch(lambda: receiver.under_way)
        self._parts += [channel, webhooks.table, catalogue.table]
        self._add_management(catalogue, channel, lambda: channel.fault() or catalogue.table.not_ready())
        return channel

    def _make_receiver(self, webhooks: WebhookTable, catalogue: CatalogueTable, channel: RequestChannel) -> Receiver:
        plans = AdmissionPlans(webhooks, catalogue)
        gate = Gate(
            Verification(self._settings.public_url, self._settings.proxy_networks, self._clock),
            RateLimits(self._clock),
            RefusalBudget(self._settings.refused_per_minute, self._clock),
        )
        webhooks.on_delete(plans.forget)
        webhooks.on_delete(gate.forget)
        return Receiver(
            plans,
            catalogue.systems,
            channel,
            RequestRecords(self._topics, self._settings.tenant_id),
            self._clock,
            gate=gate,
            limits=Limits(self._settings.max_body_bytes, self._settings.body_read_seconds, self._settings.max_calls),
            loaded=lambda: webhooks.table.loaded and catalogue.table.loaded,
        )

    def _add_management(
        self, catalogue: CatalogueTable, channel: RequestChannel, fault: Callable[[], str | None]
    ) -> None:
        relay = Lasting("relay", lambda: self._producer("relay"), lambda made: Relay(self._db, made), self._clock)
        audit = Audit(self._clock)
        store = WebhookStore(
            self._db,
            self._settings.keyring,
            self._topics.webhooks.name,
            self._clock,
            audit,
            published=lambda: relay.current.wake() if relay.current is not None else None,
        )
        reader = RequestReader(self._db, audit)
        resubmitter = Resubmitter(
            reader,
            store,
            catalogue,
            channel,
            RequestRecords(self._topics, self._settings.tenant_id),
            self._clock,
            most_bytes=self._settings.max_body_bytes,
            fault=fault,
        )
        self._parts.append(relay)
        self._routers += [
            MappingApi(store, reader, catalogue, self._clock, most_bytes=self._settings.max_body_bytes).router(),
            WebhookApi(store, catalogue, self._settings.public_url).router(),
            RequestApi(reader, catalogue).router(),
            ResubmissionApi(resubmitter, reader).router(),
            audit_router(self._db),
        ]

    def _producer(self, purpose: str) -> Producer:
        return Producer(
            self._settings.kafka_bootstrap,
            f"carewire-ingress-{purpose}",
            max_request_bytes=_RECORD_PER_BODY * self._settings.max_body_bytes,
        )


def _not_ready(consumer: BatchConsumer | None) -> str | None:
    return "Kafka does not answer" if consumer is None else consumer.not_ready()
