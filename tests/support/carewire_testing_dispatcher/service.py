"""The dispatcher under test: in this process, or as a process of its own that may be killed."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import httpx
import orjson

from carewire_contracts.envelope import Envelope
from carewire_contracts.topics import Lane, Topics
from carewire_dispatcher.adapters.health_record import encode_breaker
from carewire_dispatcher.app import ROLES, serve
from carewire_dispatcher.domain.breaker import Breaker
from carewire_dispatcher.domain.delivery import Delivery
from carewire_dispatcher.domain.log_entry import LogEntry
from carewire_dispatcher.domain.matching import STATUS_EVENT_TYPES
from carewire_dispatcher.settings import DispatcherSettings
from carewire_runtime.ids import new_id
from carewire_runtime.kafka.producer import Producer
from carewire_runtime.process import run_application
from carewire_runtime.sealing import Keyring
from carewire_testing import eventually
from carewire_testing.free_ports import free_port
from carewire_testing.plain_http import NO_AUTHORITIES

API_KEY = "cw_admin_test-test-test-test-test-test-test"
KEYS = Keyring.generate()


def settings_for(kafka: str, postgres: str, prefix: str, **more: Any) -> DispatcherSettings:
    """Settings of a dispatcher on the real stack, time ten times as fast."""
    fields: dict[str, Any] = {
        "kafka_bootstrap": kafka,
        "postgres_dsn": postgres,
        "topic_prefix": prefix,
        "partitions": 2,
        "encryption_keys": KEYS,
        "bootstrap_api_key": API_KEY,
        "time_scale": 10,
        "allow_http_endpoints": True,
        "allow_private_endpoints": True,
        "http_port": free_port(),
    }
    return DispatcherSettings(**(fields | more))


class Client:
    """The management API and the topics, as tests use them."""

    def __init__(self, settings: DispatcherSettings) -> None:
        self.topics = Topics(settings.topic_prefix, settings.partitions)
        self.http = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{settings.http_port}",
            headers={"authorization": f"Bearer {API_KEY}"},
            timeout=30,
            trust_env=False,
            verify=NO_AUTHORITIES,
        )
        self._producer = Producer(settings.kafka_bootstrap, "test")

    async def __aenter__(self) -> Self:
        await self._producer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._producer.stop()
        await self.http.aclose()

    async def ready(self) -> None:
        """Wait until the dispatcher is ready."""

        async def is_ready() -> bool:
            try:
                return (await self.http.get("/readyz")).status_code == 200
            except httpx.TransportError:
                return False

        await eventually(is_ready, timeout=30)

    async def create_endpoint(self, url: str, **fields: Any) -> dict[str, Any]:
        """Create an endpoint, and wait until the process behind the API knows it."""
        known = await self._known_endpoints()
        answer = await self.http.post("/v1/endpoints", json={"name": "test", "url": url} | fields)
        assert answer.status_code == 201, answer.text
        created: dict[str, Any] = answer.json()

        async def is_known() -> bool:
            return await self._known_endpoints() > known

        await eventually(is_known)
        return created

    async def delete_endpoints(self) -> None:
        """Delete every endpoint, so that the next test begins without."""
        for endpoint in (await self.http.get("/v1/endpoints", params={"limit": 200})).json()["items"]:
            await self.http.delete(f"/v1/endpoints/{endpoint['id']}")

        async def are_forgotten() -> bool:
            return await self._known_endpoints() == 0

        await eventually(are_forgotten)

    async def _known_endpoints(self) -> int:
        name = f'carewire_table_entries{{topic="{self.topics.endpoints.name}"}} '
        lines = (await self.http.get("/metrics")).text.splitlines()
        return sum(int(float(line.removeprefix(name))) for line in lines if line.startswith(name))

    async def publish(
        self, event_type: str = "pathway.completed", *, traceparent: str | None = None, **payload: Any
    ) -> tuple[str, bytes]:
        """Publish an event on the topic of its type; returns its id and its bytes."""
        event_id = new_id()
        topic = self.topics.incoming_webhooks if event_type in STATUS_EVENT_TYPES else self.topics.events
        body = orjson.dumps({"event_type": event_type, "number": event_id} | payload)
        envelope = Envelope(event_id, event_type, "test", datetime.now(UTC))
        await self._producer.send(topic.name, key=event_id.encode(), value=body, headers=envelope.headers(traceparent))
        return event_id, body

    async def write(self, lane: Lane, tier: int | None, delivery: Delivery) -> None:
        """Write a delivery to a lane or to one of its tiers, as fan-out and workers do."""
        topic = self.topics.deliveries(lane) if tier is None else self.topics.tier(lane, tier)
        await self._producer.send(
            topic.name, key=delivery.endpoint_id.encode(), value=delivery.body, headers=delivery.headers()
        )

    async def tell_log(self, entry: LogEntry) -> None:
        """Tell the attempt log of a delivery, as workers do."""
        await self._producer.send(
            self.topics.attempts.name, key=entry.endpoint_id.encode(), value=entry.encode(), headers=[]
        )

    async def tell_health(self, endpoint_id: str, breaker: Breaker) -> None:
        """Write whether an endpoint is left alone, as workers do."""
        await self._producer.send(
            self.topics.health.name, key=endpoint_id.encode(), value=encode_breaker(breaker), headers=[]
        )

    async def deliveries(self, **filters: str) -> list[dict[str, Any]]:
        """List deliveries."""
        answer = await self.http.get("/v1/deliveries", params=filters)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["items"]
        return found

    async def attempts(self, delivery_id: str) -> list[dict[str, Any]]:
        """List the attempts of a delivery."""
        answer = await self.http.get(f"/v1/deliveries/{delivery_id}")
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["attempt_log"]
        return found


@asynccontextmanager
async def in_process(settings: DispatcherSettings, *roles: str) -> AsyncIterator[None]:
    """Run the dispatcher in this event loop; at the end it has to stop in order."""
    stop = asyncio.Event()
    chosen = frozenset(roles or ROLES)
    running = asyncio.create_task(run_application("dispatcher", lambda: serve(settings, chosen), stop))
    try:
        yield
        assert not running.done(), f"the dispatcher ended with {running.result()}"
    finally:
        stop.set()
        code = await running
    assert code == 0


class Process:
    """The dispatcher as a process of its own. At the end what it wrote is shown with a failing test."""

    def __init__(self, settings: DispatcherSettings, log: Path, *roles: str) -> None:
        command = str(Path(sys.executable).parent / "carewire-dispatcher")
        chosen = ["--roles", ",".join(roles)] if roles else []
        self._log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [command, "serve", *chosen], env=os.environ | _environment(settings), stderr=output
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def kill(self) -> None:
        """Kill it with SIGKILL."""
        self._process.kill()
        self._process.wait(10)

    def freeze(self) -> None:
        """Stop the process in its tracks, as a paused machine would."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen process go on."""
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> int:
        """Stop it in order; returns its exit code."""
        self._process.terminate()
        return self._process.wait(30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self.kill()
        sys.stderr.write(self._log.read_text())


def _environment(settings: DispatcherSettings) -> dict[str, str]:
    fields = settings.model_dump(exclude_none=True)
    return {f"CAREWIRE_{name.upper()}": str(value) for name, value in fields.items()}
