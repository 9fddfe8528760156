"""Calls the management API of ingress by its typed client, for callers without an event loop."""

import asyncio
from collections.abc import Coroutine, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
from pydantic import JsonValue

from carewire_ingress.adapters.request_forms import RequestDetails
from carewire_ingress.adapters.webhook_forms import Webhook
from carewire_ingress.client import IngressClient
from carewire_ingress.errors import RefusedByIngress
from carewire_local.errors import RequestRefused
from carewire_local.management_api import TIMEOUT_S, told

_Answer = TypeVar("_Answer")


class IngressApi:
    """Talks to ingress with an API key, from within a `with`. Every method raises RequestRefused."""

    def __init__(self, url: str, api_key: str) -> None:
        headers = {"authorization": f"Bearer {api_key}"}
        self._http = httpx.AsyncClient(base_url=url, headers=headers, timeout=TIMEOUT_S, trust_env=False)
        self._client = IngressClient(self._http)
        self._runner = asyncio.Runner()

    def webhooks(self) -> list[Webhook]:
        """List all webhooks."""

        async def listed() -> list[Webhook]:
            return [webhook async for webhook in self._client.webhooks()]

        return self._answer(listed())

    def create_webhook(self, configuration: Mapping[str, JsonValue]) -> Webhook:
        """Create a webhook, disabled."""
        return self._answer(self._client.create_webhook(**configuration))

    def enable_webhook(self, webhook_id: str) -> Webhook:
        """Let calls start care flows."""
        return self._answer(self._client.enable_webhook(webhook_id))

    def request(self, request_id: str) -> RequestDetails:
        """Everything known of a request but its payload."""
        return self._answer(self._client.request(request_id, payload=False))

    def _answer(self, call: Coroutine[Any, Any, _Answer]) -> _Answer:
        try:
            return self._runner.run(call)
        except RefusedByIngress as refused:
            raise RequestRefused(f"ingress answered {refused.status}: {told(refused.problem)}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._runner as runner:
            runner.run(self._http.aclose())
