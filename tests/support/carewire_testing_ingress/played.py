"""A request over a connection that is played: what is sent goes in by hand, and what was answered is kept."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import orjson

from carewire_runtime.http.exchange import Exchange, Route


@dataclass(frozen=True, slots=True)
class Answered:
    """What a caller was told. `is_last`: the connection ended with it."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes
    is_last: bool

    @property
    def problem(self) -> Any:
        """The body as JSON."""
        return orjson.loads(self.body)


class Played:
    """The connection of one request, whose head is there."""

    def __init__(
        self,
        target: bytes = b"/hooks/token",
        *,
        method: str = "POST",
        headers: Iterable[tuple[bytes, bytes]] = (),
        peer: str | None = "192.0.2.7",
        expects_continue: bool = False,
    ) -> None:
        path, _, query = target.partition(b"?")
        self.exchange = Exchange(
            self,
            method,
            unquote(path.decode()),
            path,
            query,
            list(headers),
            peer,
            keep_alive=True,
            expects_continue=expects_continue,
        )
        self.answers: list[Answered] = []
        self.continued = 0
        """How often the sender was told that its body is welcome."""
        self._is_answered = asyncio.Event()

    def go_on(self) -> None:
        self.continued += 1

    def answer(self, exchange: Exchange, status: int, head: bytes, body: bytes) -> None:
        exchange.response_complete = True
        lines = [line.partition(b": ") for line in head.split(b"\r\n")[:-1]]
        headers = {name: value for name, _, value in lines}
        self.answers.append(Answered(status, headers, body, is_last=not exchange.keep_alive))
        self._is_answered.set()

    def say(self, *chunks: bytes, ends: bool = True) -> None:
        """Send pieces of the body."""
        for chunk in chunks:
            self.exchange.take(chunk)
        if ends:
            self.exchange.end()

    async def answered(self) -> Answered:
        """The answer, once it is there."""
        await self._is_answered.wait()
        return self.answers[0]

    async def asked(self, route: Route, *chunks: bytes) -> Answered:
        """Send the whole body at once, and wait for the answer."""
        self.say(*chunks)
        route.arrived(self.exchange)
        return await self.answered()
