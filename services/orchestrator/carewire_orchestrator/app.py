"""The orchestrator's process: what `setup` makes and what `serve` runs. The only place that joins the parts."""

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

import orjson
from starlette.middleware import Middleware

from carewire_orchestrator.adapters.api.accesses import Accesses
from carewire_orchestrator.adapters.api.activities import ActivityApi
from carewire_orchestrator.adapters.api.care_flow_tracks import TrackApi
from carewire_orchestrator.adapters.api.care_flows import CareFlowApi
from carewire_orchestrator.adapters.api.definition_import import ImportApi
from carewire_orchestrator.adapters.api.definition_releases import ReleaseApi
from carewire_orchestrator.adapters.api.definitions import DefinitionApi
from carewire_orchestrator.adapters.api.idempotency import Idempotency
from carewire_orchestrator.adapters.api.identifier_systems import identifier_systems_router
from carewire_orchestrator.adapters.api.openapi import describe_at_need
from carewire_orchestrator.adapters.api.patients import PatientApi
from carewire_orchestrator.adapters.api.problems import answer_mistakes
from carewire_orchestrator.adapters.api.sessions import SessionApi
from carewire_orchestrator.adapters.api_caller import ApiCaller
from carewire_orchestrator.adapters.guarded_calls import GuardedCalls
from carewire_orchestrator.adapters.outbox_records import Publishing
from carewire_orchestrator.adapters.request_consumer import RequestConsumer
from carewire_orchestrator.adapters.session_expiry import SessionExpiry
from carewire_orchestrator.adapters.store.activity_lists import ActivityLists
from carewire_orchestrator.adapters.store.changes import Changes
from carewire_orchestrator.adapters.store.definition_reading import DefinitionReading
from carewire_orchestrator.adapters.store.definitions import Definitions
from carewire_orchestrator.adapters.store.due_timers import DueTimers
from carewire_orchestrator.adapters.store.idempotency import IdempotentAnswers, delete_idempotent_answers
from carewire_orchestrator.adapters.store.identifier_systems import IdentifierSystems
from carewire_orchestrator.adapters.store.identities import Identities
from carewire_orchestrator.adapters.store.joining import JoinedDatabase
from carewire_orchestrator.adapters.store.lifecycle import Lifecycle
from carewire_orchestrator.adapters.store.patient_changes import PatientChanges
from carewire_orchestrator.adapters.store.patient_erasure import PatientErasure
from carewire_orchestrator.adapters.store.patient_merging import PatientMerging
from carewire_orchestrator.adapters.store.patient_reading import PatientReading
from carewire_orchestrator.adapters.store.patient_removal import PatientRemoval
from carewire_orchestrator.adapters.store.patients import Patients
from carewire_orchestrator.adapters.store.people import People
from carewire_orchestrator.adapters.store.reading import Reading
from carewire_orchestrator.adapters.store.releases import Releases
from carewire_orchestrator.adapters.store.sessions import Sessions
from carewire_orchestrator.adapters.store.starts import Starts
from carewire_orchestrator.adapters.store.timeline import Timeline
from carewire_orchestrator.adapters.timekeeper import Timekeeper
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

_KEYS_KEPT: Final = timedelta(days=1)
"""How long a POST under an `Idempotency-Key` is remembered at least: as long as senders of webhooks repeat theirs."""


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
    db = JoinedDatabase(settings.postgres_dsn, NAME)
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
    settings: OrchestratorSettings, roles: frozenset[str], db: JoinedDatabase, producer: Producer, clock: Clock
) -> list[Component]:
    publishing = Publishing(settings.topics, settings.tenant_id)
    relay = Relay(db, producer, clock=clock)
    identities, releases = Identities(settings.keyring), Releases()
    health = Health()
    health.add("postgres", lambda: _postgres(db))
    health.add("producer", lambda: "the producer has failed" if producer.failed.done() else None)
    idle, audit = timedelta(minutes=settings.session_idle_minutes), Audit(clock)
    changes = Changes(identities, releases, publishing, idle)
    sessions = Sessions(db, changes, relay, audit, clock, idle)
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
        due = DueTimers(db, identities, releases, changes)
        components += [
            consumer,
            Timekeeper(due, relay, clock, per_second=settings.timers_per_second),
            SessionExpiry(sessions, clock),
            _api_caller(settings, db, changes, relay, clock),
            PatientErasure(db, audit, clock, settings.topics.events.name),
        ]
    routers = []
    if API in roles:
        reading, accesses = Reading(db, releases), Accesses(db, audit)
        people = People(db, changes, relay, audit, clock)
        lifecycle = Lifecycle(db, identities, releases, publishing, relay, audit, clock)
        definitions = Definitions(db, publishing, relay, audit, clock)
        definition_reading = DefinitionReading(db)
        patient_changes = PatientChanges(db, identities, publishing, relay, audit, clock)
        routers = [
            identifier_systems_router(IdentifierSystems(db, publishing, relay, clock)),
            ImportApi(definitions).router(),
            DefinitionApi(definitions, definition_reading).router(),
            ReleaseApi(definition_reading).router(),
            audit_router(db),
            PatientApi(
                PatientReading(db, identities, audit),
                Patients(patient_changes),
                PatientMerging(patient_changes),
                PatientRemoval(patient_changes, people.let, timedelta(days=settings.deleted_patient_days)),
                today=lambda: clock.now().date(),
            ).router(),
            CareFlowApi(lifecycle, people, reading, accesses).router(),
            TrackApi(people, reading, Timeline(db), accesses).router(),
            ActivityApi(people, reading, ActivityLists(db, releases), accesses).router(),
            SessionApi(sessions, accesses).router(),
        ]
        components.append(_retention(settings, db, clock))
    app = management_app("Carewire orchestrator", health, ApiKeys(db, clock), routers)
    answer_mistakes(app)
    describe_at_need(app)
    # Innermost, so that what it answers is counted like any other answer.
    answers = IdempotentAnswers(settings.keyring)
    app.user_middleware.append(Middleware(Idempotency, db=db, answers=answers, committed=relay.wake))
    components.append(HttpServer(app, settings.http_host, settings.http_port))
    return components


def _api_caller(
    settings: OrchestratorSettings, db: Database, changes: Changes, relay: Relay, clock: Clock
) -> ApiCaller:
    calls = GuardedCalls(
        timeout_s=settings.api_call_timeout_s,
        allow_http=settings.allow_http_api_calls,
        allow_private=settings.allow_private_api_calls,
    )
    return ApiCaller(
        db,
        changes,
        calls,
        relay,
        clock,
        timeout_s=settings.api_call_timeout_s,
        concurrency=settings.api_call_concurrency,
    )


def _retention(settings: OrchestratorSettings, db: Database, clock: Clock) -> Retention:
    kept = (
        Kept("idempotent_answers", _KEYS_KEPT, delete_idempotent_answers),
        Kept("audit_records", timedelta(days=settings.audit_days), delete_audit_records),
    )
    return Retention(db, kept, clock)


async def _postgres(db: Database) -> str | None:
    return None if await db.available() else "Postgres does not answer; check CAREWIRE_POSTGRES_DSN and the server"


def main() -> int:
    """Run the command `carewire-orchestrator`."""
    return service_command(NAME, OrchestratorSettings, (API, ENGINE), setup=setup, serve=serve)
