"""A real orchestrator inside the test's own process, on real Kafka and Postgres."""

import asyncio
import base64
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from carewire_contracts.requests import AcceptedRequest
from carewire_contracts.topics import Topic
from carewire_orchestrator import app
from carewire_orchestrator.settings import OrchestratorSettings
from carewire_runtime.http.server import HttpServer
from carewire_runtime.ids import new_id
from carewire_runtime.kafka.producer import Producer
from carewire_runtime.postgres.outbox import OutboxRecord
from carewire_runtime.process import run_components
from carewire_testing import eventually
from carewire_testing.plain_http import NO_AUTHORITIES
from carewire_testing_orchestrator.calls import MRN, SSN
from carewire_testing_orchestrator.definitions import HIP

API_KEY = "cw_admin_orchestrator-tests-only-0123456789abcdef"


@dataclass(frozen=True)
class Told:
    """A record that the orchestrator produced."""

    key: str
    headers: dict[str, str]
    value: dict[str, Any]

    @property
    def event_type(self) -> str:
        """The type of the event."""
        return str(self.value["event_type"])


def settings_for(bootstrap: str, dsn: str, prefix: str) -> OrchestratorSettings:
    """Settings of an orchestrator for one test module."""
    return OrchestratorSettings(
        kafka_bootstrap=bootstrap,
        postgres_dsn=dsn,
        topic_prefix=prefix,
        partitions=2,
        tenant_id="tests",
        encryption_keys=f"k1:{base64.b64encode(bytes(range(32))).decode()}",
        http_port=0,
        bootstrap_api_key=API_KEY,
    )


class Running:
    """What a test does with an orchestrator."""

    def __init__(self, settings: OrchestratorSettings, api: httpx.AsyncClient, producer: Producer) -> None:
        self.settings = settings
        self.api = api
        self._producer = producer
        self.topics = settings.topics

    async def publish(self, document: dict[str, Any] = HIP) -> tuple[str, str]:
        """Publish a definition under an id of its own; answers definition id and release id."""
        definition_id = f"{document['id']}-{new_id()}"
        put = await self.api.put(f"/v1/definitions/{definition_id}", json={**document, "id": definition_id})
        assert put.json()["publishable"], put.text
        published = await self.api.post(f"/v1/definitions/{definition_id}/publish")
        assert published.status_code == 201, published.text
        return definition_id, published.json()["release_id"]

    async def register_systems(self) -> None:
        """Register MRN and SSN, unless they are."""
        for system, name in ((MRN, "mrn"), (SSN, "ssn")):
            await self.api.post(
                "/v1/identifier-systems",
                json={
                    "system": system,
                    "name": name,
                    "display_name": name,
                    "placeholder_pattern": "(?i)unknown",
                },
            )

    async def accept(
        self, requests: Iterable[AcceptedRequest], traceparent: str | None = None, key: bytes | None = None
    ) -> None:
        """Put accepted requests on the topic, all at once; under one key they keep their order."""
        headers = [("traceparent", traceparent.encode())] if traceparent else []
        topic = self.topics.requests.name
        sent = [OutboxRecord(topic, key or one.request_id.encode(), one.encode(), headers) for one in requests]
        await asyncio.gather(*set(await self._producer.enqueue_all(sent)))

    async def put_raw(self, value: bytes) -> None:
        """Put any bytes on the requests topic."""
        await self._producer.send(self.topics.requests.name, key=b"key", value=value, headers=[])

    async def final_statuses(self, requests: Iterable[AcceptedRequest]) -> dict[str, dict[str, Any]]:
        """Wait until every request has ended; answers the last status of each."""
        wanted = {one.request_id for one in requests}

        async def all_ended() -> dict[str, dict[str, Any]]:
            told = await self.told(self.topics.incoming_webhooks)
            found = {
                one.key: one.value for one in told if one.key in wanted and one.value["status"] in ("SUCCESS", "FAILED")
            }
            assert found.keys() == wanted
            return found

        return await eventually(all_ended)

    async def events_of(self, care_flow_id: str, last: str) -> list[Told]:
        """Wait for an event of a care flow; answers all of it so far, in order."""

        async def there() -> list[Told]:
            told = await self.told(self.topics.events)
            found = [one for one in told if one.headers.get("ce_subject") == care_flow_id]
            assert last in [one.event_type for one in found]
            return found

        return await eventually(there)

    async def told(self, topic: Topic) -> list[Told]:
        """Everything on a topic now, each partition in order."""
        return [
            Told(
                key=(record.key or b"").decode(),
                headers={name: value.decode() for name, value in record.headers},
                value=orjson.loads(record.value),
            )
            for record in await read_topic(self.settings.kafka_bootstrap, topic)
        ]

    async def query(self, sql: str, *arguments: object) -> list[asyncpg.Record]:
        """Look into the orchestrator's schema."""
        connection = await asyncpg.connect(self.settings.postgres_dsn, server_settings={"search_path": app.NAME})
        try:
            rows: list[asyncpg.Record] = await connection.fetch(sql, *arguments)
            return rows
        finally:
            await connection.close()


async def read_topic(bootstrap: str, topic: Topic) -> list[Any]:
    """Every record of a topic as it is now."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="none")
    await consumer.start()
    try:
        partitions = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        # What a worker has finished is purged: a topic begins where that ended.
        begins = await consumer.beginning_offsets(partitions)
        missing = {partition for partition, end in ends.items() if end > begins[partition]}
        for partition in partitions:
            consumer.seek(partition, begins[partition])
        records: list[Any] = []
        while missing:
            for partition, batch in (await consumer.getmany(timeout_ms=200)).items():
                records.extend(batch)
                if batch[-1].offset + 1 >= ends[partition]:
                    missing.discard(partition)
        return records
    finally:
        await consumer.stop()


@asynccontextmanager
async def serving(
    settings: OrchestratorSettings, roles: frozenset[str] = frozenset({app.API, app.ENGINE})
) -> AsyncIterator[str]:
    """Run an orchestrator that has been set up, and stop it in order; yields the URL of its API."""
    stop = asyncio.Event()
    async with app.serve(settings, roles) as components:
        server = next(part for part in components if isinstance(part, HttpServer))
        life = asyncio.create_task(run_components(app.NAME, components, stop))
        await server.started.wait()
        try:
            yield f"http://{settings.http_host}:{server.port}"
        finally:
            stop.set()
            exit_code = await life
        assert exit_code == 0


@asynccontextmanager
async def calling(settings: OrchestratorSettings, url: str) -> AsyncIterator[Running]:
    """Be ready to do something with an orchestrator that serves, once it is ready."""
    producer = Producer(settings.kafka_bootstrap, "tests")
    await producer.start()
    headers = {"authorization": f"Bearer {API_KEY}"}
    try:
        async with httpx.AsyncClient(
            base_url=url, headers=headers, timeout=30, trust_env=False, verify=NO_AUTHORITIES
        ) as api:

            async def ready() -> bool:
                return (await api.get("/readyz")).status_code == 200

            await eventually(ready)
            yield Running(settings, api, producer)
    finally:
        await producer.stop()


@asynccontextmanager
async def running(
    settings: OrchestratorSettings, roles: frozenset[str] = frozenset({app.API, app.ENGINE})
) -> AsyncIterator[Running]:
    """Run an orchestrator that has been set up, and stop it in order."""
    async with serving(settings, roles) as url, calling(settings, url) as one:
        yield one
