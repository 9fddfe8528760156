"""The orchestrator's process: what `setup` makes and what `serve` runs. The only place that joins the parts."""

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Self

import orjson
from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware

from carewire_orchestrator.adapters.api.accesses import Accesses
from carewire_orchestrator.adapters.api.activities import ActivityApi
from carewire_orchestrator.adapters.api.care_flow_tracks import TrackApi
from carewire_orchestrator.adapters.api.care_flows import CareFlowApi
from carewire_orchestrator.adapters.api.definition_constants import ConstantApi
from carewire_orchestrator.adapters.api.definition_import import ImportApi
from carewire_orchestrator.adapters.api.definition_releases import ReleaseApi
from carewire_orchestrator.adapters.api.definitions import DefinitionApi
from carewire_orchestrator.adapters.api.idempotency import Idempotency
from carewire_orchestrator.adapters.api.identifier_systems import IdentifierSystemApi
from carewire_orchestrator.adapters.api.openapi import describe
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
from carewire_orchestrator.adapters.store.constants import Constants
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
from carewire_runtime.http.openapi import describe_at_need
from carewire_runtime.http.server import HttpServer
from carewire_runtime.kafka.admin import commit_initial_offsets, ensure_topics, verify_topics
from carewire_runtime.kafka.batch import BatchConsumer
from carewire_runtime.kafka.pace import GATHERING
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


@dataclass(frozen=True, slots=True)
class _Shared:
    """What several parts of one process work with."""

    settings: OrchestratorSettings
    db: JoinedDatabase
    producer: Producer
    clock: Clock
    relay: Relay
    audit: Audit
    publishing: Publishing
    identities: Identities
    releases: Releases
    changes: Changes
    constants: Constants
    sessions: Sessions

    @classmethod
    def of(cls, settings: OrchestratorSettings, db: JoinedDatabase, producer: Producer, clock: Clock) -> Self:
        """Make them for one process."""
        relay, audit = Relay(db, producer, clock=clock), Audit(clock)
        publishing = Publishing(settings.topics, settings.tenant_id, settings.event_payloads)
        identities, releases = Identities(settings.keyring), Releases()
        idle = timedelta(minutes=settings.session_idle_minutes)
        changes = Changes(identities, releases, publishing, idle)
        constants = Constants(db, settings.keyring, audit, clock)
        sessions = Sessions(db, changes, relay, audit, clock, idle)
        return cls(
            settings=settings,
            db=db,
            producer=producer,
            clock=clock,
            relay=relay,
            audit=audit,
            publishing=publishing,
            identities=identities,
            releases=releases,
            changes=changes,
            constants=constants,
            sessions=sessions,
        )


def _components(
    settings: OrchestratorSettings, roles: frozenset[str], db: JoinedDatabase, producer: Producer, clock: Clock
) -> list[Component]:
    shared = _Shared.of(settings, db, producer, clock)
    health = Health()
    health.add("postgres", lambda: _postgres(db))
    health.add("producer", lambda: "the producer has failed" if producer.failed.done() else None)
    components: list[Component] = [shared.relay]
    if ENGINE in roles:
        components += _engine(shared, health)
    if API in roles:
        components.append(_retention(shared))
    components.append(HttpServer(_http(shared, roles, health), settings.http_host, settings.http_port))
    return components


def _engine(shared: _Shared, health: Health) -> list[Component]:
    """What moves care flows by itself."""
    settings, db, clock, relay = shared.settings, shared.db, shared.clock, shared.relay
    starts = Starts(db, shared.identities, shared.releases, shared.publishing)
    handler = RequestConsumer(starts, shared.identities, shared.publishing, shared.producer, relay, clock)
    consumer = BatchConsumer(
        settings.kafka_bootstrap,
        [settings.topics.requests.name],
        settings.group,
        handler.handle,
        pace=GATHERING,
        poison_limit=handler.poison_limit,
        clock=clock,
    )
    health.add("requests", consumer.not_ready)
    due = DueTimers(db, shared.identities, shared.releases, shared.changes)
    return [
        consumer,
        Timekeeper(due, relay, clock, per_second=settings.timers_per_second),
        SessionExpiry(shared.sessions, clock),
        _api_caller(shared),
        PatientErasure(db, shared.audit, clock, settings.topics.events.name),
    ]


def _api_caller(shared: _Shared) -> ApiCaller:
    settings = shared.settings
    calls = GuardedCalls(
        timeout_s=settings.api_call_timeout_s,
        allow_http=settings.allow_http_api_calls,
        allow_private=settings.allow_private_api_calls,
    )
    return ApiCaller(
        shared.db,
        shared.changes,
        shared.constants,
        calls,
        shared.relay,
        shared.clock,
        timeout_s=settings.api_call_timeout_s,
        concurrency=settings.api_call_concurrency,
    )


def _http(shared: _Shared, roles: frozenset[str], health: Health) -> FastAPI:
    """The application that every process serves: health and metrics, and the API where that is one of its roles."""
    routers = [*_care_flow_routers(shared), *_other_routers(shared)] if API in roles else []
    app = management_app("Carewire orchestrator", health, ApiKeys(shared.db, shared.clock), routers)
    answer_mistakes(app)
    describe_at_need(app, describe)
    # Innermost, so that what it answers is counted like any other answer.
    answers = IdempotentAnswers(shared.settings.keyring)
    app.user_middleware.append(Middleware(Idempotency, db=shared.db, answers=answers, committed=shared.relay.wake))
    return app


def _care_flow_routers(shared: _Shared) -> list[APIRouter]:
    """Patients, and what goes on with them."""
    settings, db, relay, audit, clock = shared.settings, shared.db, shared.relay, shared.audit, shared.clock
    reading, accesses = Reading(db, shared.releases), Accesses(db, audit)
    people = People(db, shared.changes, relay, audit, clock)
    lifecycle = Lifecycle(db, shared.identities, shared.releases, shared.publishing, relay, audit, clock)
    patient_changes = PatientChanges(db, shared.identities, shared.publishing, relay, audit, clock)
    return [
        PatientApi(
            PatientReading(db, shared.identities, audit),
            Patients(patient_changes),
            PatientMerging(patient_changes),
            PatientRemoval(patient_changes, people.let, timedelta(days=settings.deleted_patient_days)),
            today=lambda: clock.now().date(),
        ).router(),
        CareFlowApi(lifecycle, people, reading, accesses).router(),
        TrackApi(people, reading, Timeline(db), accesses).router(),
        ActivityApi(people, reading, ActivityLists(db, shared.releases), accesses).router(),
        SessionApi(shared.sessions, accesses).router(),
    ]


def _other_routers(shared: _Shared) -> list[APIRouter]:
    """What designers and administrators need."""
    definitions = Definitions(shared.db, shared.publishing, shared.relay, shared.audit, shared.clock)
    reading = DefinitionReading(shared.db)
    systems = IdentifierSystems(shared.db, shared.publishing, shared.relay, shared.audit, shared.clock)
    return [
        IdentifierSystemApi(systems).router(),
        ImportApi(definitions, reading).router(),
        DefinitionApi(definitions, reading).router(),
        ConstantApi(shared.constants, reading).router(),
        ReleaseApi(reading).router(),
        audit_router(shared.db),
    ]


def _retention(shared: _Shared) -> Retention:
    kept = (
        Kept("idempotent_answers", _KEYS_KEPT, delete_idempotent_answers),
        Kept("audit_records", timedelta(days=shared.settings.audit_days), delete_audit_records),
    )
    return Retention(shared.db, kept, shared.clock)


async def _postgres(db: Database) -> str | None:
    return None if await db.available() else "Postgres does not answer; check CAREWIRE_POSTGRES_DSN and the server"


def main() -> int:
    """Run the command `carewire-orchestrator`."""
    return service_command(NAME, OrchestratorSettings, (API, ENGINE), setup=setup, serve=serve)
