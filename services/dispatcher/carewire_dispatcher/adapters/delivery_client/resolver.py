"""Finding the addresses of names, so that a name whose servers don't answer keeps no other name waiting.

The system's lookup blocks a thread for as long as name servers take. The event loop's own threads are few and shared
by all, and some such names would hold all of them; so each lookup has a thread of its own. Threads are counted twice:
names that were slow the last time have places of their own, and whoever turns out to be slow leaves his to others.
"""

import asyncio
import socket
import threading
from typing import Final

from carewire_contracts.record import record

LOOKUPS_MAX: Final = 100
"""Lookups at a time of names that are not known to be slow. Each has a thread, however many calls wait for it."""
SLOW_LOOKUPS_MAX: Final = 100
"""Lookups at a time of names that were slow the last time."""
SLOW_S: Final = 1.0
"""From here on a lookup is slow: others do it in milliseconds, and calls wait for 3 s."""
OVERDUE_MAX: Final = 500
"""Slow lookups that have left their place to others. A thread takes some 50 KB, so 25 MB in all."""
SLOW_NAMES_MAX: Final = 10_000
"""Names that are remembered as slow, the ones heard of longest ago forgotten first."""
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
        self._places = asyncio.Semaphore(LOOKUPS_MAX)
        self._slow_places = asyncio.Semaphore(SLOW_LOOKUPS_MAX)
        self._slow: dict[str, None] = {}
        self._overdue = 0

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
            addresses = await (self._found_slowly(host) if host in self._slow else self._found(host))
        finally:
            del self._asked[host]
        self._forget_old(loop.time())
        self._kept[host] = _Kept(addresses, loop.time() + self._kept_s)
        return addresses

    async def _found(self, host: str) -> Addresses:
        async with self._places:
            lookup = _in_a_thread(asyncio.get_running_loop(), host)
            await asyncio.wait([lookup], timeout=SLOW_S)
            if not lookup.done():
                self._remember_slow(host)
            if lookup.done() or self._overdue >= OVERDUE_MAX:
                return await lookup
        self._overdue += 1
        try:
            return await lookup
        finally:
            self._overdue -= 1

    async def _found_slowly(self, host: str) -> Addresses:
        async with self._slow_places:
            lookup = _in_a_thread(asyncio.get_running_loop(), host)
            await asyncio.wait([lookup], timeout=SLOW_S)
            self._slow.pop(host, None)
            if not lookup.done():
                self._remember_slow(host)
            return await lookup

    def _remember_slow(self, host: str) -> None:
        self._slow[host] = None
        if len(self._slow) > SLOW_NAMES_MAX:
            del self._slow[next(iter(self._slow))]

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
