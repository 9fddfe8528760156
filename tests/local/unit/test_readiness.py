"""Whether a service is ready, in a few words."""

from collections.abc import Callable

import httpx
import pytest

from carewire_local import readiness
from carewire_local.readiness import why_not_ready

URL = "http://127.0.0.1:8080"


def answering(monkeypatch: pytest.MonkeyPatch, answer: Callable[[httpx.Request], httpx.Response]) -> None:
    client = httpx.Client(transport=httpx.MockTransport(answer))
    monkeypatch.setattr(readiness, "_client", lambda: client)


def test_200_is_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200)

    answering(monkeypatch, answer)
    assert why_not_ready(URL) is None
    assert asked == ["http://127.0.0.1:8080/readyz"]


@pytest.mark.parametrize("status", [204, 404, 500, 503])
def test_anything_else_is_told_with_what_the_service_says(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    answering(monkeypatch, lambda _: httpx.Response(status, text="kafka: no broker answers"))
    assert why_not_ready(URL) == f"answers {status}: kafka: no broker answers"


def test_a_long_reason_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, lambda _: httpx.Response(503, text="x" * 10_000))
    reason = why_not_ready(URL)
    assert reason is not None
    assert len(reason) == len("answers 503: ") + 500


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError])
def test_no_answer_is_told_by_its_kind(monkeypatch: pytest.MonkeyPatch, error: type[httpx.TransportError]) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise error("text of the driver")

    answering(monkeypatch, fail)
    assert why_not_ready(URL) == f"does not answer on {URL} ({error.__name__})"


def test_proxies_of_the_environment_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.invalid:1")
    readiness._client.cache_clear()
    assert not readiness._client().trust_env
    assert "127.0.0.1:1 (ConnectError)" in str(why_not_ready("http://127.0.0.1:1"))
