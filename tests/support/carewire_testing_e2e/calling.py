"""Third parties that call side by side while something breaks, and what each of them was told."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import httpx

from carewire_testing_e2e.care_flows import payload_of
from carewire_testing_e2e.house import House

_CALLERS: Final = 8
_PACE_S: Final = 0.1
"""Between an answer and the caller's next call: refusals come fast, and nobody is to be flooded."""


@dataclass(frozen=True, slots=True)
class Answered:
    """One call: whose identifier it brought, when it began (monotonic seconds), and what it was told after how long."""

    identifier: str
    began: float
    seconds: float
    status: int
    retry_after: str | None
    request_id: str | None

    @property
    def accepted(self) -> bool:
        """Whether the caller was promised that the call will be done."""
        return self.status == 202


class Callers:
    """Each call brings a new identifier and no key, so that each can be told apart for ever.

    A call that got no answer at all (its connection broke) is in `unanswered`: it may have been accepted or not.
    """

    def __init__(self, house: House, webhook: Any) -> None:
        self._house = house
        self._url = webhook["url"]
        self.answers: list[Answered] = []
        self.unanswered = 0

    @property
    def accepted(self) -> list[Answered]:
        """The calls that were promised to be done."""
        return [answered for answered in self.answers if answered.accepted]

    @property
    def accepted_ids(self) -> list[str]:
        """Their request ids."""
        return [answered.request_id for answered in self.accepted if answered.request_id is not None]

    def since(self, moment: float) -> list[Answered]:
        """The calls that began after a moment and have their answer."""
        return [answered for answered in self.answers if answered.began >= moment]

    async def call(self) -> Answered:
        """Call once."""
        identifier, began = secrets.token_hex(8), time.monotonic()
        answer = await self._house.ingress.post(self._url, json=payload_of(identifier))
        answered = Answered(
            identifier,
            began,
            time.monotonic() - began,
            answer.status_code,
            answer.headers.get("retry-after"),
            answer.json().get("request_id"),
        )
        self.answers.append(answered)
        return answered


@asynccontextmanager
async def calling(house: House, webhook: Any) -> AsyncIterator[Callers]:
    """Have callers at work inside the block; at its end each gets its last answer."""
    callers, ending = Callers(house, webhook), asyncio.Event()

    async def one() -> None:
        while not ending.is_set():
            try:
                await callers.call()
            except httpx.TransportError:
                callers.unanswered += 1
            await asyncio.sleep(_PACE_S)

    async with asyncio.TaskGroup() as group:
        for _ in range(_CALLERS):
            group.create_task(one())
        try:
            yield callers
        finally:
            ending.set()
