"""The role `api`: the routes of the management API, the relay of what they change, and what is kept for how long."""

from collections.abc import Callable
from datetime import timedelta

from fastapi import APIRouter

from carewire_dispatcher.adapters.dead_record_api import dead_record_router
from carewire_dispatcher.adapters.dead_records import DeadRecords
from carewire_dispatcher.adapters.delivery_api import DeliveryApi
from carewire_dispatcher.adapters.delivery_store import DeliveryStore
from carewire_dispatcher.adapters.endpoint_api import EndpointApi
from carewire_dispatcher.adapters.endpoint_health_api import EndpointHealthApi
from carewire_dispatcher.adapters.endpoint_health_store import EndpointHealthStore
from carewire_dispatcher.adapters.endpoint_lookup import endpoint_lookup
from carewire_dispatcher.adapters.endpoint_store import EndpointStore
from carewire_dispatcher.adapters.endpoint_trial import EndpointTrials
from carewire_dispatcher.adapters.event_reader import event_reader
from carewire_dispatcher.adapters.exchange_reader import ExchangeReader
from carewire_dispatcher.adapters.handed_out import delete_handed_out
from carewire_dispatcher.adapters.ownership import Ownership
from carewire_dispatcher.adapters.repair_api import RepairApi
from carewire_dispatcher.adapters.repair_desk import RepairDesk
from carewire_dispatcher.adapters.repair_wish import delete_repairs
from carewire_dispatcher.adapters.sample_events import SampleEvents
from carewire_dispatcher.adapters.undelivered_api import undelivered_router
from carewire_dispatcher.adapters.undelivered_store import UndeliveredStore
from carewire_dispatcher.app.house import House
from carewire_dispatcher.app.setting_up import consumed
from carewire_dispatcher.domain.endpoint_url import UrlPolicy
from carewire_dispatcher.domain.failing import FailingPolicy
from carewire_runtime.audit import Audit, delete_audit_records
from carewire_runtime.http.audit_api import audit_router
from carewire_runtime.kafka.producer import Producer
from carewire_runtime.postgres.pool import Database
from carewire_runtime.postgres.relay import Relay
from carewire_runtime.retention import Kept, Retention


def add_management(house: House, db: Database, producer: Producer) -> list[APIRouter]:
    """Publish what changes, and forget what is too old; returns the routes."""
    relay = Relay(db, producer, clock=house.clock)
    house.components += [relay, Retention(db, _kept(house), house.clock)]

    async def database() -> str | None:
        return None if await db.available() else "Postgres does not answer; the management API needs it"

    house.health.add("postgres", database)
    store = house.store(db, relay.wake)
    return [
        *_endpoint_routers(house, db, store, relay.wake),
        _delivery_router(house, db),
        *_repair_routers(house, db, producer, store),
        audit_router(db),
    ]


def _kept(house: House) -> list[Kept]:
    return [
        Kept("audit_records", timedelta(days=house.settings.audit_days), delete_audit_records),
        Kept("repairs", house.log_kept, delete_repairs),
        Kept("handed_out", house.log_kept, delete_handed_out),
    ]


def _endpoint_routers(house: House, db: Database, store: EndpointStore, wake: Callable[[], None]) -> list[APIRouter]:
    settings, clock = house.settings, house.clock
    urls = UrlPolicy(settings.allow_http_endpoints, settings.allow_private_endpoints)
    ownership = Ownership(house.sender(), clock) if settings.verify_endpoints else None
    samples = SampleEvents(db, house.topics, clock, wake)
    patience = FailingPolicy(settings.time_scale)
    return [
        EndpointApi(store, urls, clock, ownership).router(),
        EndpointTrials(store, samples, clock).router(),
        EndpointHealthApi(store, EndpointHealthStore(db), house.breakers.get, patience, clock).router(),
    ]


def _delivery_router(house: House, db: Database) -> APIRouter:
    audit, bootstrap = Audit(house.clock), house.settings.kafka_bootstrap
    exchanges = ExchangeReader(db, lambda: event_reader(bootstrap), house.settings.keyring, audit)
    return DeliveryApi(DeliveryStore(db), exchanges, audit).router()


def _repair_routers(house: House, db: Database, producer: Producer, store: EndpointStore) -> list[APIRouter]:
    bootstrap, topics, clock, audit = house.settings.kafka_bootstrap, house.topics, house.clock, Audit(house.clock)
    endpoint_of = endpoint_lookup(store, house.settings.keyring)
    desk = RepairDesk(db, bootstrap, endpoint_of, house.reach(), audit, clock)
    read = [topic.name for topics_read, _ in consumed(topics).values() for topic in topics_read]
    dead = DeadRecords(db, bootstrap, topics.dispatcher_dead, read, producer, audit, clock)
    return [
        RepairApi(desk).router(),
        undelivered_router(UndeliveredStore(db), clock),
        dead_record_router(dead),
    ]
