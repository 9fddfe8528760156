"""The management app of a service: its routers, health, errors and keys put together."""

import time
from collections.abc import Iterable, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from carewire_runtime.auth import ApiKeys, asks_for_role
from carewire_runtime.errors import ConfigurationError
from carewire_runtime.http.health import Health
from carewire_runtime.http.problem import answer_with_problems
from carewire_runtime.telemetry import metrics
from carewire_runtime.telemetry.logs import logger

_log = logger("http")


def management_app(
    title: str, health: Health, api_keys: ApiKeys, routers: Sequence[APIRouter], *, version: str = "1"
) -> FastAPI:
    """Return the app. Raises ConfigurationError for a route that asks for no role by `Depends(require(...))`."""
    for router in routers:
        _raise_if_open(router)
    app = FastAPI(title=title, version=version)
    app.state.api_keys = api_keys
    answer_with_problems(app, routers)
    app.add_middleware(_Observer)
    app.include_router(health.router())
    for router in routers:
        app.include_router(router)
    return app


def _raise_if_open(router: APIRouter) -> None:
    unguarded = [
        route.path for route in router.routes if isinstance(route, APIRoute) and not _is_guarded(route.dependant)
    ]
    if unguarded:
        raise ConfigurationError(f"routes without authentication: {', '.join(unguarded)}")


def _is_guarded(dependant: Dependant) -> bool:
    return any(asks_for_role(call) for call in _calls(dependant))


def _calls(dependant: Dependant) -> Iterable[Any]:
    yield dependant.call
    for dependency in dependant.dependencies:
        yield from _calls(dependency)


class _Observer:
    """Counts requests by route template and status; the path itself is never looked at."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()

        async def observed(message: Message) -> None:
            if message["type"] == "http.response.start":
                _tell(scope, message["status"], time.perf_counter() - began)
            await send(message)

        await self._app(scope, receive, observed)


def _tell(scope: Scope, status: int, seconds: float) -> None:
    route = getattr(scope.get("route"), "path", "none")
    metrics.HTTP_REQUESTS.add(route=route, status_code=str(status))
    duration_ms = round(seconds * 1000, 1)
    _log.debug("request_served", method=scope["method"], route=route, status_code=status, duration_ms=duration_ms)
