"""Ends sessions in which nothing was done for too long."""

import asyncio
from typing import Final

from carewire_orchestrator.adapters.store.sessions import Sessions
from carewire_runtime.clock import Clock
from carewire_runtime.retry import retry_in_place

_EVERY_S: Final = 5.0
"""Whoever uses a token is refused at once; only the event comes this much later."""


class SessionExpiry:
    """A component that expires sessions. Any number of processes may run one."""

    name = "session_expiry"

    def __init__(self, sessions: Sessions, clock: Clock) -> None:
        self._sessions = sessions
        self._clock = clock

    async def run(self, stop: asyncio.Event) -> None:
        """Expire sessions until `stop` is set. Raises errors that do not pass by themselves."""
        while not stop.is_set():
            expired = await retry_in_place(self._sessions.expire, self._clock, what="expire_sessions")
            if not expired:
                await self._clock.sleep_unless(stop, _EVERY_S)
