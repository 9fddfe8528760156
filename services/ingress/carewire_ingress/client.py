"""A typed client of the management API of ingress, for tools and tests."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Self, TypeVar

import httpx
from pydantic import BaseModel, JsonValue

from carewire_ingress.adapters.mapping_forms import DryRunVerdict, MappingSuggestions
from carewire_ingress.adapters.request_forms import ManyResubmitted, RequestDetails, RequestPage, Resubmitted
from carewire_ingress.adapters.webhook_forms import Webhook, WebhookPage
from carewire_ingress.errors import RefusedByIngress

_WEBHOOKS = "/v1/incoming-webhooks"
_REQUESTS = "/v1/requests"

_Answer = TypeVar("_Answer", bound=BaseModel)


class IngressClient:
    """Calls the API. Every method raises RefusedByIngress for an answer that is a problem, and httpx.TransportError.

    What a method takes by name goes into the body or the query as the API's description names it; None is left out
    of a query.
    """

    def __init__(self, http: httpx.AsyncClient) -> None:
        """Use a client that knows the base URL and sends the API key."""
        self._http = http

    @classmethod
    def at(cls, base_url: str, api_key: str) -> Self:
        """A client of its own, to be entered."""
        return cls(httpx.AsyncClient(base_url=base_url, headers={"authorization": f"Bearer {api_key}"}))

    async def __aenter__(self) -> Self:
        """Open the connections."""
        await self._http.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        """Close them."""
        await self._http.aclose()

    async def create_webhook(self, **configuration: JsonValue) -> Webhook:
        """Create a webhook, disabled."""
        return await self._post(Webhook, _WEBHOOKS, configuration)

    async def webhook(self, webhook_id: str) -> Webhook:
        """Get a webhook."""
        return await self._get(Webhook, f"{_WEBHOOKS}/{webhook_id}")

    async def webhooks(self, **asked: Any) -> AsyncIterator[Webhook]:
        """List webhooks, newest first, through all pages."""
        while True:
            page = await self._get(WebhookPage, _WEBHOOKS, asked)
            for webhook in page.items:
                yield webhook
            if page.next_cursor is None:
                return
            asked["cursor"] = page.next_cursor

    async def update_webhook(self, webhook_id: str, **changes: JsonValue) -> Webhook:
        """Change what is given."""
        answer = await self._send("PATCH", f"{_WEBHOOKS}/{webhook_id}", json=changes)
        return Webhook.model_validate_json(answer.content)

    async def enable_webhook(self, webhook_id: str) -> Webhook:
        """Let calls start care flows."""
        return await self._post(Webhook, f"{_WEBHOOKS}/{webhook_id}/enable")

    async def disable_webhook(self, webhook_id: str) -> Webhook:
        """Refuse calls."""
        return await self._post(Webhook, f"{_WEBHOOKS}/{webhook_id}/disable")

    async def rotate_token(self, webhook_id: str, *, overlap_seconds: int | None = None) -> Webhook:
        """Replace the URL; the old one answers for as long as is said, by default a day."""
        wanted = None if overlap_seconds is None else {"overlap_seconds": overlap_seconds}
        return await self._post(Webhook, f"{_WEBHOOKS}/{webhook_id}/rotate-token", wanted)

    async def end_rotation(self, webhook_id: str) -> Webhook:
        """End the URL before the last rotation now."""
        return await self._post(Webhook, f"{_WEBHOOKS}/{webhook_id}/end-rotation")

    async def delete_webhook(self, webhook_id: str) -> None:
        """Delete a webhook."""
        await self._send("DELETE", f"{_WEBHOOKS}/{webhook_id}")

    async def dry_run(
        self, configuration: Mapping[str, JsonValue], *, webhook_id: str | None = None, **call: JsonValue
    ) -> DryRunVerdict:
        """Judge a call by a configuration, or by that of a webhook with changes; nothing is stored."""
        path = f"{_WEBHOOKS}/dry-run" if webhook_id is None else f"{_WEBHOOKS}/{webhook_id}/dry-run"
        return await self._post(DryRunVerdict, path, {**call, "configuration": dict(configuration)})

    async def mapping_suggestions(self, webhook_id: str) -> MappingSuggestions:
        """Suggest paths from the last test payload."""
        return await self._get(MappingSuggestions, f"{_WEBHOOKS}/{webhook_id}/mapping-suggestions")

    async def requests(self, **asked: Any) -> RequestPage:
        """One page of the request log, newest first."""
        return await self._get(RequestPage, _REQUESTS, asked)

    async def request(self, request_id: str, *, payload: bool = True) -> RequestDetails:
        """Everything known of a request; each look at a payload is recorded."""
        return await self._get(RequestDetails, f"{_REQUESTS}/{request_id}", {"payload": payload})

    async def export_requests(self, **asked: Any) -> AsyncIterator[RequestDetails]:
        """All requests that the filters find, newest first, one at a time."""
        async with self._http.stream("GET", f"{_REQUESTS}/export", params=_said(asked)) as answer:
            await _raise_for_problem(answer)
            async for line in answer.aiter_lines():
                yield RequestDetails.model_validate_json(line)

    async def resubmit(self, request_id: str) -> Resubmitted:
        """Send a rejected or failed request again."""
        return await self._post(Resubmitted, f"{_REQUESTS}/{request_id}/resubmit")

    async def resubmit_many(self, **wanted: JsonValue) -> ManyResubmitted:
        """Send many again, by `ids` or by `filters`."""
        return await self._post(ManyResubmitted, f"{_REQUESTS}/resubmit", wanted)

    async def _get(self, kind: type[_Answer], path: str, asked: Mapping[str, Any] | None = None) -> _Answer:
        answer = await self._send("GET", path, params=_said(asked or {}))
        return kind.model_validate_json(answer.content)

    async def _post(self, kind: type[_Answer], path: str, body: Mapping[str, Any] | None = None) -> _Answer:
        return kind.model_validate_json((await self._send("POST", path, json=body)).content)

    async def _send(self, method: str, path: str, **more: Any) -> httpx.Response:
        answer = await self._http.request(method, path, **more)
        await _raise_for_problem(answer)
        return answer


def _said(asked: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in asked.items() if value is not None}


async def _raise_for_problem(answer: httpx.Response) -> None:
    if answer.is_success:
        return
    await answer.aread()
    try:
        problem = answer.json()
    except ValueError:
        problem = None
    raise RefusedByIngress(answer.status_code, problem if isinstance(problem, dict) else {})
