"""A span around a call of the management API, so that what it changes is found by its trace."""

from collections.abc import AsyncIterator

from fastapi import Request

from carewire_runtime.telemetry.tracing import SpanKind, span


async def traced(request: Request) -> AsyncIterator[None]:
    """A dependency of a router: its routes run in a span named by the route template, within the caller's trace."""
    route = getattr(request.scope.get("route"), "path", "none")
    with span(f"{request.method} {route}", parent=request.headers.get("traceparent"), kind=SpanKind.SERVER):
        yield
