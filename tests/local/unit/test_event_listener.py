"""The listener of `carewire listen`: it verifies what comes, passes it on as it is, and answers what it is answered."""

import base64
import hmac
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from carewire_contracts.event_catalogue import EVENT_CATALOGUE
from carewire_local.event_listener import EventListener, Heard
from carewire_testing.plain_http import NO_AUTHORITIES

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = EVENT_CATALOGUE["pathway.completed"].example
WEBHOOK_ID = "01995f3a-7c41-7d02-9b1e-3f5a60c8d101"


def signed(body: bytes = BODY, secret: str = SECRET) -> dict[str, str]:
    """The headers of a delivery, by the official library."""
    now = datetime.now(UTC)
    return {
        "content-type": "application/json",
        "webhook-id": WEBHOOK_ID,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(WEBHOOK_ID, now, body.decode()),
    }


class Local:
    """A developer's own server: what it got, and what it answers."""

    def __init__(self) -> None:
        self.status = 202
        self.got: list[tuple[dict[str, str], bytes]] = []
        local = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                local.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(local.status)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Keep the output of the tests clean."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks?x=1"


@pytest.fixture
def local() -> Iterator[Local]:
    made = Local()
    thread = Thread(target=made.server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def deliver(listener: EventListener, body: bytes = BODY, headers: Mapping[str, str] | None = None) -> int:
    """Call the listener as the dispatcher does."""
    url = f"http://127.0.0.1:{listener.port}/"
    with httpx.Client(trust_env=False, verify=NO_AUTHORITIES) as client:
        return client.post(url, content=body, headers={**signed(body), **(headers or {})}).status_code


@pytest.fixture
def heard() -> list[Heard]:
    return []


def listening(heard: list[Heard], forward_to: str | None = None, secret: str | None = SECRET) -> EventListener:
    listener = EventListener(forward_to, heard.append)
    listener.secret = secret
    return listener


def test_a_delivery_is_verified_told_and_accepted(heard: list[Heard]) -> None:
    with listening(heard) as listener:
        assert deliver(listener) == 204
    assert [(one.webhook_id, one.body, one.answer, one.why) for one in heard] == [(WEBHOOK_ID, BODY, 204, None)]


def test_what_is_passed_on_is_what_came_to_the_byte_and_verifies_there_too(heard: list[Heard], local: Local) -> None:
    with listening(heard, local.url) as listener:
        assert deliver(listener) == 202
    [(headers, body)] = local.got
    assert body == BODY
    Webhook(SECRET).verify(body, headers)
    assert headers["content-type"] == "application/json"
    assert headers["host"] == local.url.removeprefix("http://").partition("/")[0]


@pytest.mark.parametrize("status", [200, 410, 429, 500])
def test_the_answer_is_that_of_the_local_server(heard: list[Heard], local: Local, status: int) -> None:
    local.status = status
    with listening(heard, local.url) as listener:
        assert deliver(listener) == status
    assert heard[0].answer == status


def test_where_nobody_listens_at_the_local_url_the_delivery_comes_again(heard: list[Heard], local: Local) -> None:
    gone = "http://127.0.0.1:9/"
    with listening(heard, gone) as listener:
        assert deliver(listener) == 502
    assert heard[0].why == f"{gone} does not answer (ConnectError); it is tried again"


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"webhook-signature": "v1,bm90IGl0"}, id="of a wrong signature"),
        pytest.param({"webhook-timestamp": "1"}, id="of another time"),
    ],
)
def test_what_is_not_signed_for_us_is_refused_and_not_passed_on(
    heard: list[Heard], local: Local, headers: dict[str, str]
) -> None:
    with listening(heard, local.url) as listener:
        assert deliver(listener, headers=headers) == 401
    assert local.got == []
    assert heard[0].why is not None


def test_an_event_that_this_version_does_not_know_is_passed_on_with_a_word(heard: list[Heard], local: Local) -> None:
    body = json.dumps({"event_type": "moon.risen"}).encode()
    with listening(heard, local.url) as listener:
        assert deliver(listener, body) == 202
    assert local.got[0][1] == body
    assert "no event_type that this version of the package knows" in str(heard[0].why)


def test_a_challenge_is_echoed_once_it_is_verified_and_not_passed_on(heard: list[Heard], local: Local) -> None:
    body = json.dumps({"event_type": "endpoint.verification", "challenge": "abc"}).encode()
    with listening(heard, local.url) as listener, httpx.Client(trust_env=False, verify=NO_AUTHORITIES) as client:
        url = f"http://127.0.0.1:{listener.port}/"
        answer = client.post(url, content=body, headers=signed(body))
        forged = client.post(url, content=body, headers=signed(body, "whsec_" + "A" * 32))
    assert (answer.status_code, answer.json()) == (200, {"challenge": "abc"})
    assert (forged.status_code, forged.content) == (401, b"")
    assert local.got == []


@pytest.mark.parametrize("body", [b"\xff", b"[]"], ids=["no JSON", "a list"])
def test_what_is_signed_but_no_event_is_passed_on(heard: list[Heard], local: Local, body: bytes) -> None:
    headers = signed()
    headers["webhook-signature"] = _signature(body, headers["webhook-timestamp"])
    with listening(heard, local.url) as listener, httpx.Client(trust_env=False, verify=NO_AUTHORITIES) as client:
        assert client.post(f"http://127.0.0.1:{listener.port}/", content=body, headers=headers).status_code == 202
    assert local.got[0][1] == body


def _signature(body: bytes, timestamp: str) -> str:
    """Sign what the official library does not: bytes that are no text."""
    signed_bytes = f"{WEBHOOK_ID}.{timestamp}.".encode() + body
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    return f"v1,{base64.b64encode(hmac.digest(key, signed_bytes, 'sha256')).decode()}"


def test_before_the_secret_is_known_deliveries_are_asked_to_come_again(heard: list[Heard], local: Local) -> None:
    with listening(heard, local.url, secret=None) as listener:
        assert deliver(listener) == 503
    assert heard == []
    assert local.got == []


def test_calls_that_come_together_are_taken_together(heard: list[Heard]) -> None:
    with listening(heard) as listener, httpx.Client(trust_env=False, verify=NO_AUTHORITIES) as client:
        url = f"http://127.0.0.1:{listener.port}/"
        threads = [Thread(target=client.post, args=(url,), kwargs=_call()) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(heard) == 8


def _call() -> dict[str, Any]:
    return {"content": BODY, "headers": signed()}
