"""The port through which deliveries leave the house."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import field
from typing import Protocol

from carewire_contracts.record import record
from carewire_dispatcher.domain.classify import Answer, Failure

HeaderPairs = tuple[tuple[str, str], ...]


@record()
class Call:
    """One POST. `timeout_s` is the deadline of all of it: connecting, writing and reading.

    `own` are headers of this call, `common` those that it shares with the endpoint's others: a sender may write these
    but once. No name is among both.
    """

    url: str
    own: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    timeout_s: float
    common: HeaderPairs = field(default=(), repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """All headers."""
        return {**dict(self.common), **self.own}


Over = Callable[[Answer | Failure | BaseException], None]
"""Hears what came of a call, once; an error only where it is the sender's own."""


class Carried(Protocol):
    """A call under way."""

    def give_up(self) -> None:
        """End it at once, and tell nobody."""
        ...


class Caller(Protocol):
    """Makes HTTP calls. Never follows a redirect, never raises for what a receiver does."""

    async def send(self, call: Call) -> Answer | Failure:
        """Make the call and say what came of it, within its deadline.

        A status that arrived is the answer, whatever becomes of the body behind it.
        """
        ...


class Sender(Caller, Protocol):
    """Makes many at a time."""

    async def stop(self) -> None:
        """Close all connections."""
        ...

    def begin(self, call: Call, over: Over) -> Carried:
        """Make the call, and tell `over` what came of it, as `send` would."""
        ...


class CallTask:
    """A call that is made by a task."""

    def __init__(self, sending: Coroutine[None, None, Answer | Failure], over: Over) -> None:
        self._over = over
        self._task = asyncio.create_task(sending)
        self._task.add_done_callback(self._ended)

    def give_up(self) -> None:
        """End it at once, and tell nobody."""
        self._task.cancel()

    def _ended(self, task: asyncio.Task[Answer | Failure]) -> None:
        if not task.cancelled():
            self._over(task.exception() or task.result())
