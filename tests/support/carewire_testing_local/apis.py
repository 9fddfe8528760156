"""A management API in memory: what it was asked, and answers that a test lays out."""

from collections.abc import Callable
from typing import Any

from carewire_local.errors import RequestRefused


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
