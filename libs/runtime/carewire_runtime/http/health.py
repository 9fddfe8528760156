"""`/livez`, `/readyz` and `/metrics`."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Final

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from carewire_runtime.telemetry.instruments import exposition
from carewire_runtime.telemetry.logs import logger

Check = Callable[[], str | Awaitable[str | None] | None]
"""Returns None when all is well, otherwise what is wrong and, where possible, the cure."""

_CHECK_TIMEOUT_S: Final = 2.0
_PROMETHEUS: Final = "text/plain; version=0.0.4; charset=utf-8"

_log = logger("health")


class Health:
    """What must be well for the process to be ready."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}
        self._was_ready: bool | None = None

    def add(self, name: str, check: Check) -> None:
        """Add a check. It answers within two seconds, or counts as failed."""
        self._checks[name] = check

    async def problems(self) -> dict[str, str]:
        """Return what is wrong, by the name of the check."""
        outcomes = await asyncio.gather(*(_outcome(check) for check in self._checks.values()))
        found = {name: wrong for name, wrong in zip(self._checks, outcomes, strict=True) if wrong}
        self._tell_changes(found)
        return found

    def _tell_changes(self, found: dict[str, str]) -> None:
        if self._was_ready is not (not found):
            self._was_ready = not found
            _log.info("readiness_changed", ready=not found, reasons=sorted(found))

    def router(self) -> APIRouter:
        """Return the three routes. They need no key and tell no secret."""
        router = APIRouter(include_in_schema=False)

        @router.get("/livez")
        async def livez() -> Response:
            return PlainTextResponse("ok\n")

        @router.get("/readyz")
        async def readyz() -> Response:
            found = await self.problems()
            checks = {name: found.get(name, "ok") for name in self._checks}
            return JSONResponse({"ready": not found, "checks": checks}, 503 if found else 200)

        @router.get("/metrics")
        async def metrics() -> Response:
            return Response(exposition(), media_type=_PROMETHEUS)

        return router


async def _outcome(check: Check) -> str | None:
    try:
        async with asyncio.timeout(_CHECK_TIMEOUT_S):
            outcome = check()
            return await outcome if inspect.isawaitable(outcome) else outcome
    except TimeoutError:
        return f"did not answer within {_CHECK_TIMEOUT_S:.0f} s"
    except Exception as error:  # noqa: BLE001 (a check that breaks is a check that fails)
        _log.error("check_failed", error=error)
        return f"failed with {type(error).__name__}"
