"""Finding the addresses of names, so that a name whose servers don't answer keeps no other name waiting.

The system's lookup blocks a thread for as long as name servers take. The event loop's own threads are few and shared
by all, and some such names would hold all of them; so each lookup has a thread of its own.
"""

import asyncio
import socket
import threading
from typing import Final

from carewire_contracts.record import record

LOOKUPS_MAX: Final = 100
"""Threads at a time. A name is looked up by one of them, however many calls wait for it."""
KEPT_S: Final = 5.0
"""How long an answer is used: the system's lookup doesn't tell the time that its owner allows."""
ADDRESSES_MAX: Final = 4
"""Addresses of a name that are tried: each has its share of the time to connect."""

Addresses = tuple[str, ...]


@record()
class _Kept:
    addresses: Addresses
    until: float


class Resolver:
    """Finds addresses. To be used inside one event loop."""

    def __init__(self, kept_s: float = KEPT_S) -> None:
        self._kept_s = kept_s
        self._kept: dict[str, _Kept] = {}
        self._asked: dict[str, asyncio.Future[Addresses]] = {}
        self._free = asyncio.Semaphore(LOOKUPS_MAX)

    async def find(self, host: str) -> Addresses:
        """Return the addresses of a name as the system orders them, none for a name that has none."""
        now = asyncio.get_running_loop().time()
        kept = self._kept.get(host)
        if kept is not None and kept.until > now:
            return kept.addresses
        asked = self._asked.get(host)
        if asked is None:
            asked = self._asked[host] = asyncio.ensure_future(self._look_up(host))
        # Whoever gives up leaves the lookup to those who wait with him.
        return await asyncio.shield(asked)

    async def _look_up(self, host: str) -> Addresses:
        loop = asyncio.get_running_loop()
        try:
            async with self._free:
                addresses = await _in_a_thread(loop, host)
        finally:
            del self._asked[host]
        self._forget_old(loop.time())
        self._kept[host] = _Kept(addresses, loop.time() + self._kept_s)
        return addresses

    def _forget_old(self, now: float) -> None:
        self._kept = {host: kept for host, kept in self._kept.items() if kept.until > now}


def _in_a_thread(loop: asyncio.AbstractEventLoop, host: str) -> asyncio.Future[Addresses]:
    found: asyncio.Future[Addresses] = loop.create_future()

    def tell(addresses: Addresses) -> None:
        if not found.done():
            found.set_result(addresses)

    def run() -> None:
        addresses = _addresses(host)
        if not loop.is_closed():
            loop.call_soon_threadsafe(tell, addresses)

    # A daemon: a process that ends does not wait for name servers.
    threading.Thread(target=run, name="lookup", daemon=True).start()
    return found


def _addresses(host: str) -> Addresses:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))[:ADDRESSES_MAX]
