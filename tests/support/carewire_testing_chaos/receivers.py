"""All subscribers behind one port: each has a path, and answers as its behaviour says. All calls are written down."""

import asyncio
import hashlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, cast

import httptools
from standardwebhooks import Webhook, WebhookVerificationError

from carewire_testing_chaos.history import Behaviour, Received

TIMEOUT_S: Final = 0.3
"""What a call of an endpoint may take."""
_FLAP_S: Final = 12.0
"""Half of it well, half of it ill."""
_REFUSED_AT_MOST: Final = 3
"""How often one who flaps refuses the same event. All attempts at one may fall into ill halves, and where servers are
away for a while there are not many: it would be given up, as it has to be, and nothing could be said of it."""
_SLOW_S: Final = 0.1
_TOO_SLOW_S: Final = 0.6
_TOO_SLOW_OF: Final = 8
"""One in so many answers of a slow one comes too late."""


@dataclass
class Receivers:
    """Who listens: what each is like by its name, and how its signature is verified once its endpoint is made."""

    note: Callable[[Received], None]
    behaviours: Mapping[str, Behaviour]
    base_url: str = ""
    count: int = 0
    is_healed: bool = False
    _known: dict[str, tuple[str, Webhook]] = field(default_factory=dict)
    _refused: Counter[tuple[str, str]] = field(default_factory=Counter)

    def url(self, name: str) -> str:
        """Where one listens."""
        return f"{self.base_url}/{name}"

    def know(self, name: str, subscriber_id: str, secret: str) -> None:
        """Learn of an endpoint."""
        self._known[name] = (subscriber_id, Webhook(secret))

    def heal(self) -> None:
        """Let those flap no more who did."""
        self.is_healed = True

    def take(self, name: str, headers: Mapping[str, str], body: bytes) -> tuple[int | None, float]:
        """Write a call down; say what it is answered, and after how many seconds."""
        now, webhook_id = time.time(), headers.get("webhook-id", "")
        self.count += 1
        status, after_s = self._answer(name, webhook_id, now)
        subscriber_id, webhook = self._known[name]
        self.note(
            Received(
                subscriber_id,
                now,
                webhook_id,
                hashlib.sha256(body).hexdigest()[:16],
                _is_signed(webhook, headers, body),
                int(headers.get("webhook-timestamp", "0")),
                status,
            )
        )
        return status, after_s

    def _answer(self, name: str, webhook_id: str, now: float) -> tuple[int | None, float]:
        match self.behaviours[name]:
            case Behaviour.HEALTHY:
                return 200, 0.0
            case Behaviour.SLOW:
                return 200, _TOO_SLOW_S if self.count % _TOO_SLOW_OF == 0 else _SLOW_S
            case Behaviour.FLAPPING:
                return (500 if self._refuses((name, webhook_id), now) else 200), 0.0
            case Behaviour.GONE:
                return 410, 0.0
            case Behaviour.DEAD:
                return None, 0.0

    def _refuses(self, call: tuple[str, str], now: float) -> bool:
        is_ill = not self.is_healed and now % _FLAP_S < _FLAP_S / 2
        self._refused[call] += is_ill
        return is_ill and self._refused[call] <= _REFUSED_AT_MOST


def _is_signed(webhook: Webhook, headers: Mapping[str, str], body: bytes) -> bool:
    try:
        webhook.verify(body, dict(headers))
    except WebhookVerificationError:
        return False
    return True


@asynccontextmanager
async def listening(receivers: Receivers) -> AsyncIterator[Receivers]:
    """Serve on a free port of loopback."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(receivers), "127.0.0.1", 0, backlog=1024)
    receivers.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield receivers
    finally:
        server.close()


class _Connection(asyncio.Protocol):
    def __init__(self, receivers: Receivers) -> None:
        self._receivers = receivers
        self._transport: asyncio.Transport
        self._parser = httptools.HttpRequestParser(self)
        self._begin()

    def _begin(self) -> None:
        self._path = ""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self._path = url.decode()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode().lower()] = value.decode()

    def on_body(self, part: bytes) -> None:
        self._body.append(part)

    def on_message_complete(self) -> None:
        status, after_s = self._receivers.take(self._path.removeprefix("/"), self._headers, b"".join(self._body))
        self._begin()
        if status is not None:
            asyncio.get_running_loop().call_later(after_s, self._write, status)

    def _write(self, status: int) -> None:
        if not self._transport.is_closing():
            self._transport.write(b"HTTP/1.1 %d x\r\ncontent-length: 0\r\n\r\n" % status)
