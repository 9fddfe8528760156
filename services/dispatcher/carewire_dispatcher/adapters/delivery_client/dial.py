"""Opening a connection to a receiver: to an address that may be called, and to nobody else.

The connection goes to the very address that was looked at, so a name that changes between look and connect gains
nothing; its certificate has to be that of the name.
"""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from carewire_dispatcher.adapters.delivery_client.connection import Connection
from carewire_dispatcher.adapters.delivery_client.deadlines import Deadlines
from carewire_dispatcher.adapters.delivery_client.resolver import Resolver
from carewire_dispatcher.adapters.delivery_client.target import Target
from carewire_dispatcher.domain.classify import Failure
from carewire_runtime.addresses import is_address

_GOODBYE_S: Final = 1.0
"""How long a receiver may take to say farewell on a connection over TLS that we close."""

MayCall = Callable[[str], bool]
"""Says whether an address may be called."""


def anywhere(address: str) -> bool:  # noqa: ARG001
    """Let every address be called, those of inside too: for development."""
    return True


class Dialer:
    """Opens connections."""

    def __init__(self, resolver: Resolver, tls: ssl.SSLContext, may_call: MayCall) -> None:
        self._resolver = resolver
        self._tls = tls
        self._may_call = may_call
        self._made = partial(Connection, Deadlines())

    async def dial(self, target: Target, deadline: float) -> Connection | Failure:
        """Connect until `deadline`, a moment of the event loop's clock; say why not where it can't be."""
        try:
            async with asyncio.timeout_at(deadline):
                found = (target.host,) if is_address(target.host) else await self._resolver.find(target.host)
                allowed = [address for address in found if self._may_call(address)]
                if not allowed:
                    return Failure.ADDRESS_REFUSED if found else Failure.DNS
                return await self._first_that_answers(allowed, target, deadline)
        except TimeoutError:
            return Failure.TIMEOUT

    async def _first_that_answers(
        self, addresses: Sequence[str], target: Target, deadline: float
    ) -> Connection | Failure:
        """Try one address after another, each for its share of the time that is left."""
        loop = asyncio.get_running_loop()
        outcome: Connection | Failure = Failure.CONNECT
        for number, address in enumerate(addresses):
            now = loop.time()
            outcome = await self._connect(address, target, now + (deadline - now) / (len(addresses) - number))
            if isinstance(outcome, Connection):
                break
        return outcome

    async def _connect(self, address: str, target: Target, deadline: float) -> Connection | Failure:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout_at(deadline):
                _, connection = await loop.create_connection(
                    self._made,
                    address,
                    target.port,
                    ssl=self._tls if target.secure else None,
                    server_hostname=target.host.rstrip(".") if target.secure else None,
                    ssl_shutdown_timeout=_GOODBYE_S if target.secure else None,
                )
        except TimeoutError:
            return Failure.TIMEOUT
        except ssl.SSLError:
            return Failure.TLS
        except OSError:
            return Failure.CONNECT
        return connection
