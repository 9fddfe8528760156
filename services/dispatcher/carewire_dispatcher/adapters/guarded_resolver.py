"""Name resolution that never leads into our own network."""

import socket

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from carewire_runtime.addresses import is_public


class AddressRefused(OSError):
    """Every address of the name is private, loopback or otherwise not for us to call."""

    retriable = False


class GuardedResolver(AbstractResolver):
    """Resolves names to public addresses only.

    The connection goes to the very addresses that were checked, so a name that changes between check and
    connect gains nothing.
    """

    def __init__(self) -> None:
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the public addresses of a name. Raises AddressRefused where it has none."""
        found = await self._resolver.resolve(host, port, family)
        public = [address for address in found if is_public(address["host"])]
        if not public:
            raise AddressRefused("the endpoint's name has no public address")
        return public

    async def close(self) -> None:
        """Release the resolver."""
        await self._resolver.close()
