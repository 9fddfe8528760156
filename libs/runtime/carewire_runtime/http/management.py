"""The management app of a service: its routers, health, errors and keys put together."""

import time
from collections.abc import Awaitable, Callable, Sequence

from fastapi import APIRouter, FastAPI, Request, Response

from carewire_runtime.auth import ApiKeys
from carewire_runtime.http.health import Health
from carewire_runtime.http.problem import answer_with_problems
from carewire_runtime.telemetry import metrics
from carewire_runtime.telemetry.logs import logger

_log = logger("http")


def management_app(
    title: str, health: Health, api_keys: ApiKeys, routers: Sequence[APIRouter], *, version: str = "1"
) -> FastAPI:
    """Return the app. Every route of `routers` must ask for a role by `Depends(require(...))`."""
    app = FastAPI(title=title, version=version)
    app.state.api_keys = api_keys
    answer_with_problems(app)
    app.include_router(health.router())
    for router in routers:
        app.include_router(router)

    @app.middleware("http")
    async def tell(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        began = time.perf_counter()
        response = await call_next(request)
        route = getattr(request.scope.get("route"), "path", "none")
        metrics.HTTP_REQUESTS.add(route=route, status_code=str(response.status_code))
        _log.debug(
            "request_served",
            method=request.method,
            route=route,
            status_code=response.status_code,
            duration_ms=round((time.perf_counter() - began) * 1000, 1),
        )
        return response

    return app
