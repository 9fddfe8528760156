"""Every route that the services describe, called as nobody should call it, with canaries wherever a caller can write.

The routes are read from each service's own OpenAPI document, so a new one is probed without being named here.
"""

import re
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

METHODS: Final = frozenset({"get", "put", "post", "patch", "delete"})


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one route of a service."""

    service: str
    method: str
    route: str
    query: tuple[str, ...]
    fields: tuple[str, ...]
    """The fields of its body."""

    def __str__(self) -> str:
        return f"{self.service}: {self.method.upper()} {self.route}"

    def path(self, value: str) -> str:
        """The route with a value in the place of each parameter."""
        return re.sub(r"\{[^}]+\}", value, self.route)

    def is_of(self, request: httpx.Request) -> bool:
        """Tell whether a request goes to this operation."""
        pattern = re.sub(r"\\\{[^}]+\\\}", "[^/]+", re.escape(self.route))
        return request.method.lower() == self.method and re.fullmatch(pattern, request.url.path) is not None


@dataclass
class Conversation:
    """All that was answered while it listened, by service."""

    answers: list[tuple[str, httpx.Response]] = field(default_factory=list)

    @asynccontextmanager
    async def listening(self, service: str, client: httpx.AsyncClient) -> AsyncIterator[None]:
        """Write down every answer that a client gets."""

        async def note(answer: httpx.Response) -> None:
            await answer.aread()
            self.answers.append((service, answer))

        client.event_hooks["response"].append(note)
        try:
            yield
        finally:
            client.event_hooks["response"].remove(note)

    def succeeded(self, operation: Operation) -> bool:
        """Tell whether an operation has done what it is for."""
        return any(
            service == operation.service and answer.is_success and operation.is_of(answer.request)
            for service, answer in self.answers
        )


async def operations(service: str, client: httpx.AsyncClient) -> list[Operation]:
    """What a service says that it can do."""
    described = (await client.get("/openapi.json")).raise_for_status().json()
    return [
        Operation(service, method, route, _query(detail), _fields(detail, described.get("components", {})))
        for route, methods in described["paths"].items()
        for method, detail in methods.items()
        if method in METHODS
    ]


def _query(detail: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(one["name"] for one in detail.get("parameters", ()) if one["in"] == "query")


def _fields(detail: Mapping[str, Any], components: Mapping[str, Any]) -> tuple[str, ...]:
    schema = detail.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    return tuple(components.get("schemas", {}).get(name, schema).get("properties", ()))


async def probe(client: httpx.AsyncClient, operation: Operation, canary: str, object_key: str) -> None:
    """Call an operation with canaries in path, query, headers and body, in every wrong way that is cheap to try."""
    path = operation.path(canary)
    query = dict.fromkeys(operation.query, canary)
    for request in _bodies(operation.fields, canary, object_key):
        await client.request(operation.method, path, params=query, **request)
    for authorization in (f"Bearer {canary}", f"Basic {canary}", canary):
        await client.request(operation.method, path, headers={"authorization": authorization})


def _bodies(fields: Iterable[str], canary: str, object_key: str) -> Iterator[dict[str, Any]]:
    shape = {object_key: {object_key: [canary, {object_key: canary}]}}
    for value in (canary, shape, [shape], None):
        yield {"json": shape | dict.fromkeys(fields, value)}
    yield {"json": canary}
    yield {"json": [canary]}
    yield {"content": f'{{"{object_key}": "{canary}", '.encode(), "headers": {"content-type": "application/json"}}
    yield {"content": canary.encode(), "headers": {"content-type": f"text/plain; of={canary}", "x-request-id": canary}}
