"""The present state of an endpoint, from Postgres: a change that was just made counts."""

from collections.abc import Awaitable, Callable

from carewire_dispatcher.adapters.endpoint_record import endpoint_decoder
from carewire_dispatcher.adapters.endpoint_store import EndpointStore
from carewire_dispatcher.domain.endpoint import Endpoint
from carewire_dispatcher.errors import EndpointNotFound
from carewire_runtime.sealing import Keyring


def endpoint_lookup(store: EndpointStore, keyring: Keyring) -> Callable[[str], Awaitable[Endpoint | None]]:
    """Make the function that returns an endpoint as workers know it, None where it is gone. It raises DatabaseError."""
    decode = endpoint_decoder(keyring)

    async def look_up(endpoint_id: str) -> Endpoint | None:
        try:
            stored = await store.get(endpoint_id)
        except EndpointNotFound:
            return None
        return decode(endpoint_id, stored.record.encode())

    return look_up
