"""Management APIs in memory: what they were asked, and answers that a test lays out."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from carewire_ingress.adapters.request_forms import RequestDetails
from carewire_ingress.adapters.webhook_forms import Webhook
from carewire_local.errors import RequestRefused
from carewire_testing_ingress.described import example


class FakeApi:
    """Has the face of `carewire_local.management_api.ManagementApi`.

    `answers` leads from `"METHOD /path"` to an answer, or to a function of the body that makes one; `lists` from a
    path to the items of a list. What is not laid out is refused, as a service refuses what it does not know.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.bodies: dict[str, Any] = {}
        self.answers: dict[str, Any] = {}
        self.lists: dict[str, list[Any]] = {}

    def get(self, path: str, **_query: str) -> Any:
        """Answer a GET."""
        return self._answer("GET", path, None)

    def post(self, path: str, body: object = None) -> Any:
        """Answer a POST."""
        return self._answer("POST", path, body)

    def put(self, path: str, body: object) -> Any:
        """Answer a PUT."""
        return self._answer("PUT", path, body)

    def delete(self, path: str) -> None:
        """Answer a DELETE."""
        self._answer("DELETE", path, None)

    def all(self, path: str, **_query: str) -> list[Any]:
        """Answer with a whole list."""
        self.asked.append(f"LIST {path}")
        return self.lists.get(path, [])

    def _answer(self, method: str, path: str, body: object) -> Any:
        call = f"{method} {path}"
        self.asked.append(call)
        self.bodies[call] = body
        if call not in self.answers:
            raise RequestRefused(f"{call} was answered 404")
        answer = self.answers[call]
        return _called(answer, body) if callable(answer) else answer


def _called(answer: Callable[[object], Any], body: object) -> Any:
    return answer(body)


class Opened:
    """A context manager around something that is there already."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __enter__(self) -> Any:
        return self._inner

    def __exit__(self, *_: object) -> None:
        pass


class FakeIngress:
    """Has the face of `carewire_local.ingress_api.IngressApi`, and refuses as many creations as a test says."""

    def __init__(self) -> None:
        self.known: list[Webhook] = []
        self.created: list[str] = []
        self.enabled: list[str] = []
        self.refusals = 0
        self.requests: dict[str, RequestDetails] = {}

    def webhooks(self) -> list[Webhook]:
        """All webhooks."""
        return self.known

    def create_webhook(self, configuration: Mapping[str, Any]) -> Webhook:
        """Create one, disabled."""
        if self.refusals:
            self.refusals -= 1
            raise RequestRefused("ingress answered 422: the definition is not live")
        self.created.append(configuration["name"])
        return webhook(configuration["name"])

    def enable_webhook(self, webhook_id: str) -> Webhook:
        """Enable one."""
        self.enabled.append(webhook_id)
        return webhook(webhook_id.removeprefix("wh-"), enabled=True)

    def request(self, request_id: str) -> RequestDetails:
        """What became of a request."""
        return self.requests[request_id]


def webhook(name: str, *, enabled: bool = False, url: str = "http://x/hooks/t") -> Webhook:
    """A webhook of that name."""
    shown = example("GET /v1/incoming-webhooks/{webhook_id}", 200)
    return Webhook.model_validate({**shown, "id": f"wh-{name}", "name": name, "enabled": enabled, "url": url})


def details(status: str, care_flow_id: str | None = None, done: Iterable[str] = ()) -> RequestDetails:
    """A request with that status, and what was done at each of those that it reached."""
    shown = example("GET /v1/requests/{request_id}", 200)
    statuses = [{"status": status, "at": shown["statuses"][0]["at"], "done": each} for each in done]
    changes = {"status": status, "care_flow_id": care_flow_id, "statuses": statuses}
    return RequestDetails.model_validate({**shown, **changes})
