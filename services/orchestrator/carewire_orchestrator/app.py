"""The orchestrator's process: what `setup` makes and what `serve` runs. The only place that joins the parts."""

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

import orjson

from carewire_orchestrator.adapters.api.activities import activities_router
from carewire_orchestrator.adapters.api.care_flows import care_flows_router
from carewire_orchestrator.adapters.api.definitions import definitions_router
from carewire_orchestrator.adapters.api.identifier_systems import identifier_systems_router
from carewire_orchestrator.adapters.api.patients import PatientApi
from carewire_orchestrator.adapters.api.problems import answer_mistakes
from carewire_orchestrator.adapters.outbox_records import Publishing
from carewire_orchestrator.adapters.request_consumer import RequestConsumer
from carewire_orchestrator.adapters.store.definitions import Definitions
from carewire_orchestrator.adapters.store.identifier_systems import IdentifierSystems
from carewire_orchestrator.adapters.store.identities import Identities
from carewire_orchestrator.adapters.store.lifecycle import Lifecycle
from carewire_orchestrator.adapters.store.patient_changes import PatientChanges
from carewire_orchestrator.adapters.store.patient_erasure import PatientErasure
from carewire_orchestrator.adapters.store.patient_merging import PatientMerging
from carewire_orchestrator.adapters.store.patient_reading import PatientReading
from carewire_orchestrator.adapters.store.patient_removal import PatientRemoval
from carewire_orchestrator.adapters.store.patients import Patients
from carewire_orchestrator.adapters.store.reading import Reading
from carewire_orchestrator.adapters.store.releases import Releases
from carewire_orchestrator.adapters.store.starts import Starts
from carewire_orchestrator.settings import OrchestratorSettings
from carewire_runtime.audit import Audit, delete_audit_records
from carewire_runtime.auth import ApiKeys
from carewire_runtime.clock import Clock, SystemClock
from carewire_runtime.http.audit_api import audit_router
from carewire_runtime.http.health import Health
from carewire_runtime.http.management import management_app
from carewire_runtime.http.server import HttpServer
from carewire_runtime.kafka.admin import commit_initial_offsets, ensure_topics, verify_topics
from carewire_runtime.kafka.batch import BatchConsumer
from carewire_runtime.kafka.producer import Producer
from carewire_runtime.postgres.migrations import migrate, verify_migrated
from carewire_runtime.postgres.pool import Database
from carewire_runtime.postgres.relay import Relay
from carewire_runtime.process import Component, service_command
from carewire_runtime.retention import Kept, Retention
from carewire_runtime.retry import retry_in_place

NAME: Final = "orchestrator"
PACKAGE: Final = "carewire_orchestrator"
API: Final = "api"
ENGINE: Final = "engine"


async def setup(settings: OrchestratorSettings) -> None:
    """Make or verify schema, topics, initial offsets and the first API key. Repeatable."""
    topics = settings.topics
    db = Database(settings.postgres_dsn, NAME)
    await db.start()
    try:
        await migrate(db, PACKAGE)
        await ensure_topics(settings.kafka_bootstrap, topics.orchestrator())
        await verify_topics(settings.kafka_bootstrap, topics.orchestrator())
        # From the start: a request that was accepted before the first setup is promised to be done.
        await commit_initial_offsets(settings.kafka_bootstrap, settings.group, [topics.requests], at="start")
        api_key = await ApiKeys(db).ensure_first(plaintext=settings.bootstrap_api_key)
    finally:
        await db.stop()
    if api_key is not None and settings.bootstrap_api_key is None:
        sys.stdout.write(orjson.dumps({"api_key": api_key}).decode() + "\n")


@asynccontextmanager
async def serve(settings: OrchestratorSettings, roles: frozenset[str]) -> AsyncIterator[Sequence[Component]]:
    """Build the components of some roles, and take everything down again when they have ended."""
    clock = SystemClock()
    db = Database(settings.postgres_dsn, NAME)
    producer = Producer(settings.kafka_bootstrap, f"carewire-{NAME}")
    await db.start(wait=True)
    try:
        await verify_migrated(db, PACKAGE)
        await retry_in_place(producer.start, clock, what="connect_to_kafka")
        try:
            await verify_topics(settings.kafka_bootstrap, settings.topics.orchestrator())
            yield _components(settings, roles, db, producer, clock)
        finally:
            await producer.stop()
    finally:
        await db.stop()


def _components(
    settings: OrchestratorSettings, roles: frozenset[str], db: Database, producer: Producer, clock: Clock
) -> list[Component]:
    publishing = Publishing(settings.topics, settings.tenant_id)
    relay = Relay(db, producer, clock=clock)
    identities, releases, audit = Identities(settings.keyring), Releases(), Audit(clock)
    health = Health()
    health.add("postgres", lambda: _postgres(db))
    health.add("producer", lambda: "the producer has failed" if producer.failed.done() else None)
    components: list[Component] = [relay]
    if ENGINE in roles:
        starts = Starts(db, identities, releases, publishing)
        handler = RequestConsumer(starts, identities, publishing, producer, relay, clock)
        consumer = BatchConsumer(
            settings.kafka_bootstrap,
            [settings.topics.requests.name],
            settings.group,
            handler.handle,
            poison_limit=handler.poison_limit,
            clock=clock,
        )
        health.add("requests", consumer.not_ready)
        erasure = PatientErasure(db, audit, clock, settings.topics.events.name)
        kept = Kept("audit_records", timedelta(days=settings.audit_days), delete_audit_records)
        components += [consumer, erasure, Retention(db, [kept], clock)]
    routers = []
    if API in roles:
        reading = Reading(db, releases)
        changes = PatientChanges(db, identities, publishing, relay, audit, clock)
        lifecycle = Lifecycle(db, identities, releases, publishing, relay, clock)
        routers = [
            identifier_systems_router(IdentifierSystems(db, publishing, relay, clock)),
            definitions_router(Definitions(db, publishing, relay, clock)),
            PatientApi(
                PatientReading(db, identities, audit),
                Patients(changes),
                PatientMerging(changes),
                PatientRemoval(changes, lifecycle.stop, timedelta(days=settings.deleted_patient_days)),
                today=lambda: clock.now().date(),
            ).router(),
            audit_router(db),
            care_flows_router(lifecycle, reading),
            activities_router(lifecycle, reading),
        ]
    app = management_app("Carewire orchestrator", health, ApiKeys(db, clock), routers)
    answer_mistakes(app)
    components.append(HttpServer(app, settings.http_host, settings.http_port))
    return components


async def _postgres(db: Database) -> str | None:
    return None if await db.available() else "Postgres does not answer; check CAREWIRE_POSTGRES_DSN and the server"


def main() -> int:
    """Run the command `carewire-orchestrator`."""
    return service_command(NAME, OrchestratorSettings, (API, ENGINE), setup=setup, serve=serve)
