"""An ingress that runs inside the test's own event loop, on the real stack."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import ConsumerRecord
from pydantic import BaseModel

from carewire_contracts.catalogue import CatalogueDefinition, CatalogueIdentifierSystem
from carewire_contracts.topics import Topic, Topics
from carewire_contracts.wire import encode
from carewire_ingress import app
from carewire_ingress.settings import IngressSettings
from carewire_runtime.http.server import HttpServer
from carewire_runtime.kafka.producer import Producer
from carewire_runtime.process import run_components
from carewire_runtime.sealing import Keyring
from carewire_testing.plain_http import NO_AUTHORITIES
from carewire_testing.waiting import eventually

API_KEY: Final = "cw_admin_" + "t" * 43
_KEYS: Final = Keyring.generate()


def settings_for(bootstrap: str, dsn: str, prefix: str, **more: Any) -> IngressSettings:
    """Settings of one module's ingress."""
    chosen: dict[str, Any] = {
        "kafka_bootstrap": bootstrap,
        "postgres_dsn": dsn,
        "topic_prefix": prefix,
        "partitions": 2,
        "tenant_id": "tenant-1",
        "encryption_keys": _KEYS,
        "http_port": 0,
        "bootstrap_api_key": API_KEY,
    }
    return IngressSettings(**(chosen | more))


@dataclass(frozen=True, slots=True)
class RunningIngress:
    """A replica: `admin` calls its API with the admin key, `anyone` calls it without any."""

    admin: httpx.AsyncClient
    anyone: httpx.AsyncClient

    async def create(self, **webhook: Any) -> dict[str, Any]:
        """Create a webhook and return it as the API shows it."""
        answer = await self.admin.post("/v1/incoming-webhooks", json=webhook)
        assert answer.status_code == 201, answer.text
        created: dict[str, Any] = answer.json()
        return created

    async def enable(self, webhook: dict[str, Any]) -> None:
        answer = await self.admin.post(f"/v1/incoming-webhooks/{webhook['id']}/enable")
        assert answer.status_code == 200, answer.text

    async def call(self, webhook: dict[str, Any], payload: Any, *, test: bool = False, **more: Any) -> httpx.Response:
        """Call a webhook's URL."""
        path = urlsplit(webhook["test_url" if test else "url"]).path
        if isinstance(payload, bytes):
            return await self.anyone.post(path, content=payload, **more)
        return await self.anyone.post(path, json=payload, **more)

    async def called(self, webhook: dict[str, Any], payload: Any, status: int, **more: Any) -> dict[str, Any]:
        """Call until the answer has a status: changes take a moment to arrive."""

        async def answered() -> dict[str, Any]:
            answer = await self.call(webhook, payload, **more)
            assert answer.status_code == status, answer.text
            body: dict[str, Any] = answer.json()
            return body

        return await eventually(answered)

    async def logged(self, request_id: str, status: str) -> dict[str, Any]:
        """The details of a request, once it has a status."""

        async def found() -> dict[str, Any]:
            answer = await self.admin.get(f"/v1/requests/{request_id}")
            assert answer.status_code == 200, answer.text
            details: dict[str, Any] = answer.json()
            assert details["status"] == status
            return details

        return await eventually(found)


@asynccontextmanager
async def running(settings: IngressSettings, roles: Iterable[str] = app.ROLES) -> AsyncIterator[RunningIngress]:
    """Run some roles until the block ends; fails if a component fails."""
    stop = asyncio.Event()
    async with app.serve(settings, frozenset(roles)) as components:
        server = next(part for part in components if isinstance(part, HttpServer))
        running_parts = asyncio.create_task(run_components("ingress", components, stop))
        await server.started.wait()
        base = f"http://127.0.0.1:{server.port}"
        key = {"authorization": f"Bearer {API_KEY}"}
        async with (
            httpx.AsyncClient(base_url=base, headers=key, timeout=30, verify=NO_AUTHORITIES) as admin,
            httpx.AsyncClient(base_url=base, timeout=30, verify=NO_AUTHORITIES) as anyone,
        ):
            await eventually(lambda: _ready(anyone))
            try:
                yield RunningIngress(admin, anyone)
            finally:
                stop.set()
                code = await running_parts
        assert code == 0, "a component failed"


async def _ready(client: httpx.AsyncClient) -> bool:
    answer = await client.get("/readyz")
    assert answer.status_code == 200, answer.text
    return True


async def publish(settings: IngressSettings, *records: tuple[str, str, bytes | None]) -> None:
    """Append records given as topic, key and value, in order."""
    producer = Producer(settings.kafka_bootstrap, "test", max_request_bytes=8 * 1024 * 1024)
    await producer.start()
    try:
        for topic, key, value in records:
            await producer.send(topic, key=key.encode(), value=value, headers=[])
    finally:
        await producer.stop()


async def publish_catalogue(
    settings: IngressSettings, *entries: CatalogueDefinition | CatalogueIdentifierSystem
) -> None:
    """Say what is live, as the orchestrator would."""
    topic = Topics(settings.topic_prefix).catalogue.name
    await publish(settings, *((topic, entry.key, encode(entry)) for entry in entries))


async def records_of(settings: IngressSettings, topic: Topic) -> list[ConsumerRecord[bytes, bytes]]:
    """All records that a topic holds now."""
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka_bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        parts = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
        consumer.assign(parts)
        await consumer.seek_to_beginning(*parts)
        ends = await consumer.end_offsets(parts)
        found: list[ConsumerRecord[bytes, bytes]] = []
        while any([await consumer.position(part) < ends[part] for part in parts]):
            for batch in (await consumer.getmany(timeout_ms=200)).values():
                found += batch
        return found
    finally:
        await consumer.stop()


def as_json(model: BaseModel) -> Any:
    """A model as the JSON that travels."""
    return model.model_dump(mode="json")
