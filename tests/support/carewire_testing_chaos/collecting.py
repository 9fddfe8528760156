"""The final sets: what is on the public topics, and what is stored."""

import hashlib
from typing import Any, Final

import asyncpg
import orjson

from carewire_contracts.envelope import Envelope
from carewire_testing_chaos.history import Attempt, CareFlow, Delivery, Entry, Logged, Status, Told
from carewire_testing_chaos.house import House
from carewire_testing_orchestrator.running import read_topic

_CARE_FLOWS: Final = "select id, patient_id, definition_id, status from orchestrator.care_flow"
_LOGGED: Final = """
select request.id::text, status, care_flow_id, failure_reason,
    (select coalesce(array_agg(reached.status), '{}') from ingress.request_status as reached
     where reached.request_id = request.id) as statuses
from ingress.request
"""
_DELIVERIES: Final = "select endpoint_id::text, event_id, status, reason, attempts from dispatcher.delivery"
_ATTEMPTS: Final = """
select delivery.endpoint_id::text, delivery.event_id, attempt.epoch, attempt.number,
    extract(epoch from attempt.started_at)::float8 as began, attempt.status_code, attempt.failure
from dispatcher.attempt
join dispatcher.delivery on delivery.id = attempt.delivery_id
"""


async def topics(house: House) -> list[Entry]:
    """All events, and all statuses of requests."""
    bootstrap = house.stack.kafka_bootstrap
    events = await read_topic(bootstrap, house.topics.events)
    statuses = await read_topic(bootstrap, house.topics.incoming_webhooks)
    return [*map(_told, events), *map(_status, statuses)]


def _told(record: Any) -> Told:
    envelope, said = Envelope.of(record.headers), orjson.loads(record.value)
    pathway = said.get("pathway") or {}
    return Told(
        envelope.id,
        envelope.type,
        str(envelope.subject),
        envelope.sequence,
        hashlib.sha256(record.value).hexdigest()[:16],
        pathway.get("pathway_definition_id"),
        record.partition,
        record.offset,
        record.timestamp / 1000,
    )


def _status(record: Any) -> Status:
    envelope, said = Envelope.of(record.headers), orjson.loads(record.value)
    return Status(
        envelope.id,
        said["request_id"],
        said["status"],
        said["date"],
        said.get("reason"),
        said.get("care_flow_id"),
        said.get("patient_id"),
        said.get("duplicate_of"),
    )


async def tables(house: House) -> list[Entry]:
    """Care flows, requests, deliveries and attempts as they are stored."""
    connection = await asyncpg.connect(house.stack.postgres_dsn)
    try:
        return [entry async for entry in _stored(connection)]
    finally:
        await connection.close()


async def _stored(connection: Any) -> Any:
    for query, made in ((_CARE_FLOWS, CareFlow), (_DELIVERIES, Delivery), (_ATTEMPTS, Attempt)):
        for row in await connection.fetch(query):
            yield made(*row)
    for row in await connection.fetch(_LOGGED):
        request_id, status, care_flow_id, reason, reached = row
        yield Logged(request_id, status, care_flow_id, reason, tuple(reached))
