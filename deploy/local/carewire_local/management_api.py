"""A client of the services' management APIs: JSON in, JSON out, problems as errors that say the cure."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import httpx

from carewire_local.errors import NothingRuns, RequestRefused

TIMEOUT_S = 15.0


class ManagementApi:
    """Talks to one service with an API key. Use it as a context manager, or call `close`.

    Every method raises NothingRuns where the service does not answer.
    """

    def __init__(self, url: str, api_key: str) -> None:
        self._client = httpx.Client(
            base_url=url,
            headers={"authorization": f"Bearer {api_key}"},
            timeout=TIMEOUT_S,
            trust_env=False,
        )

    def get(self, path: str, **query: str) -> Any:
        """Read something. Raises RequestRefused."""
        return self._call("GET", path, params=query)

    def post(self, path: str, body: object = None) -> Any:
        """Create something, or do something to it. Raises RequestRefused."""
        return self._call("POST", path, json=body)

    def put(self, path: str, body: object) -> Any:
        """Replace something. Raises RequestRefused."""
        return self._call("PUT", path, json=body)

    def delete(self, path: str) -> None:
        """Delete something. Raises RequestRefused."""
        self._call("DELETE", path)

    def all(self, path: str, **query: str) -> list[Any]:
        """Read every page of a list."""
        found: list[Any] = []
        cursor: dict[str, str] = {}
        while True:
            page = self.get(path, **query, **cursor)
            found += page["items"]
            if page["next_cursor"] is None:
                return found
            cursor = {"cursor": page["next_cursor"]}

    def _call(self, method: str, path: str, **arguments: Any) -> Any:
        try:
            answer = self._client.request(method, path, **arguments)
        except httpx.TransportError as error:
            raise NothingRuns(
                f"{self._client.base_url} does not answer ({type(error).__name__}); is it running? `make run` starts it"
            ) from None
        if answer.is_error:
            raise RequestRefused(f"{method} {answer.url.path} was answered {answer.status_code}: {why(answer)}")
        return answer.json() if answer.content else None

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def why(answer: httpx.Response) -> str:
    """Read why a call was refused; a body that is no problem document is left out."""
    is_problem = answer.headers.get("content-type", "").split(";")[0] == "application/problem+json"
    return told(answer.json() if is_problem else {})


def told(problem: Mapping[str, Any]) -> str:
    """Tell a problem document (RFC 9457) in one line; an empty one is none."""
    if not problem:
        return "no reason was given"
    errors = "; ".join(f"{error['field']}: {error['message']}" for error in problem.get("errors", ()))
    return f"{problem.get('title')} - {problem.get('detail')}" + (f" ({errors})" if errors else "")
