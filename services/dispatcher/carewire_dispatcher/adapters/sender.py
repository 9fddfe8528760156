"""The port through which deliveries leave the house."""

from collections.abc import Mapping
from dataclasses import field
from typing import Protocol

from carewire_contracts.record import record
from carewire_dispatcher.domain.classify import Answer, Failure


@record()
class Call:
    """One POST. `timeout_s` is the deadline of all of it: connecting, writing and reading."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    timeout_s: float


class Sender(Protocol):
    """Makes HTTP calls. Never follows a redirect, never raises for what a receiver does."""

    async def stop(self) -> None:
        """Close all connections."""
        ...

    async def send(self, call: Call) -> Answer | Failure:
        """Make the call and say what came of it, within its deadline.

        A status that arrived is the answer, whatever becomes of the body behind it.
        """
        ...
