"""The dispatcher as a deployment of some size runs it: each role a process of its own, under one supervisor."""

import asyncio
import os
import secrets
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from carewire_contracts.topics import Topics
from carewire_local.backoff import BackOff
from carewire_local.ports import Ports
from carewire_local.service_process import Service, ServiceProcess
from carewire_local.service_setup import set_up
from carewire_local.stack import Stack
from carewire_local.state import StateFolder
from carewire_local.supervisor import Supervisor
from carewire_runtime.sealing import Keyring
from carewire_testing import eventually
from carewire_testing.plain_http import NO_AUTHORITIES
from carewire_testing_dispatcher.service import API_KEY

PARTITIONS: Final = 12
"""What a deployment has unless it says otherwise."""
_KNOWN_WITHIN_S: Final = 30.0
_ENDED_WITHIN_S: Final = 30.0


class ByRoles:
    """Its processes by their names: `api`, `fan-out`, `attempt-log`, and `worker-1` to as many as there are."""

    def __init__(self, topics: Topics, env: Mapping[str, str], supervisor: Supervisor, urls: Mapping[str, str]) -> None:
        self.topics = topics
        self.bootstrap = env["CAREWIRE_KAFKA_BOOTSTRAP"]
        self.postgres_dsn = env["CAREWIRE_POSTGRES_DSN"]
        self.workers = [process for process in supervisor if process.name.startswith("worker-")]
        self._supervisor = supervisor
        self._urls = urls

    def __getitem__(self, name: str) -> ServiceProcess:
        return self._supervisor[name]

    def api(self) -> httpx.AsyncClient:
        """A client of the management API, with an admin's key."""
        headers = {"authorization": f"Bearer {API_KEY}"}
        return httpx.AsyncClient(
            base_url=self._urls["api"], headers=headers, timeout=30, trust_env=False, verify=NO_AUTHORITIES
        )

    def pids(self) -> dict[str, list[int]]:
        """The processes that run, by what they do."""
        named = {"fan-out": ["fan-out"], "worker": [one.name for one in self.workers], "log writer": ["attempt-log"]}
        return {
            part: [pid for name in names if (pid := self._supervisor[name].pid) is not None]
            for part, names in named.items()
        }

    async def subscribe(self, endpoints: Sequence[Mapping[str, Any]]) -> list[str]:
        """Create endpoints, and return their ids once whoever has to knows them all."""
        ids = []
        async with self.api() as api:
            before = await self._count(api)
            for number, fields in enumerate(endpoints):
                answer = await api.post("/v1/endpoints", json={"name": f"receiver {number}", **fields})
                answer.raise_for_status()
                ids.append(answer.json()["id"])
        await self.knows(before + len(ids))
        return ids

    async def unsubscribe_all(self) -> None:
        """Delete every endpoint, and return once whoever has to has forgotten them all."""
        async with self.api() as api:
            while found := (await api.get("/v1/endpoints", params={"limit": 200})).raise_for_status().json()["items"]:
                for endpoint in found:
                    (await api.delete(f"/v1/endpoints/{endpoint['id']}")).raise_for_status()
        await self.knows(0)

    async def knows(self, endpoints: int) -> None:
        """Return once fan-out and each worker that runs know of so many endpoints."""
        name = f'carewire_table_entries{{topic="{self.topics.endpoints.name}"}} {endpoints}'
        running = [one.name for one in (self["fan-out"], *self.workers) if one.alive]

        async def do() -> bool:
            async with httpx.AsyncClient(trust_env=False, verify=NO_AUTHORITIES) as client:
                for process in running:
                    lines = (await client.get(f"{self._urls[process]}/metrics")).text.splitlines()
                    if not any(line in (name, f"{name}.0") for line in lines):
                        return False
            return True

        await eventually(do, _KNOWN_WITHIN_S, pause=0.1)

    async def ready(self) -> None:
        """Return once all are ready, those that were started anew too."""
        await asyncio.to_thread(self._supervisor.wait_ready)

    @staticmethod
    async def _count(api: httpx.AsyncClient) -> int:
        count, query = 0, {"limit": "200"}
        while True:
            page = (await api.get("/v1/endpoints", params=query)).raise_for_status().json()
            count += len(page["items"])
            if page["next_cursor"] is None:
                return count
            query["cursor"] = page["next_cursor"]


@contextmanager
def by_roles(stack: Stack, folder: Path, *, workers: int = 1, **settings: str) -> Iterator[ByRoles]:
    """Set the dispatcher up on servers and run it, with further settings by their variables."""
    env = {
        **os.environ,
        "CAREWIRE_KAFKA_BOOTSTRAP": stack.kafka_bootstrap,
        "CAREWIRE_POSTGRES_DSN": stack.postgres_dsn,
        "CAREWIRE_PARTITIONS": str(PARTITIONS),
        "CAREWIRE_ENCRYPTION_KEYS": Keyring.generate(),
        "CAREWIRE_BOOTSTRAP_API_KEY": API_KEY,
        "CAREWIRE_ALLOW_PRIVATE_ENDPOINTS": "true",
        "CAREWIRE_ALLOW_HTTP_ENDPOINTS": "true",
        **settings,
    }
    roles = {"api": "api", "fan-out": "fan-out", "attempt-log": "attempt-log"}
    roles |= {f"worker-{number + 1}": "worker" for number in range(workers)}
    with ExitStack() as cleanup:
        state = StateFolder(folder / f"dispatcher-{secrets.token_hex(4)}")
        state.hold()
        cleanup.callback(state.release)
        ports = Ports(state)
        cleanup.callback(ports.release)
        program = str(Path(sys.executable).with_name("carewire-dispatcher"))
        set_up([Service("setup", [program, "setup"], env)], state)
        services = []
        for name, role in roles.items():
            port = ports.choose(name)
            own = {**env, "CAREWIRE_HTTP_HOST": "127.0.0.1", "CAREWIRE_HTTP_PORT": str(port)}
            url = f"http://127.0.0.1:{port}"
            argv = [program, "serve", "--roles", role]
            services.append(Service(name, argv, own, url, stop_deadline_s=_ENDED_WITHIN_S))
        backoff = BackOff(first_s=0.1, factor=1.0)
        supervisor = cleanup.enter_context(Supervisor(services, state, backoff=backoff))
        supervisor.wait_ready()
        topics = Topics(env.get("CAREWIRE_TOPIC_PREFIX", ""), int(env["CAREWIRE_PARTITIONS"]))
        yield ByRoles(topics, env, supervisor, {service.name: service.url or "" for service in services})
