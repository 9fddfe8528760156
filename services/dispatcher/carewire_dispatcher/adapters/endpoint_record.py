"""An endpoint as it is stored and as it travels on `dispatcher.endpoints`: its secrets are sealed in both."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import orjson

from carewire_dispatcher.domain.endpoint import Endpoint
from carewire_runtime.errors import SealingError
from carewire_runtime.sealing import Keyring

JSON_HEADERS: Final = [("content-type", b"application/json")]


@dataclass(frozen=True, slots=True)
class EndpointRecord:
    """One endpoint. `secrets` and the values of `headers` are sealed for this endpoint."""

    id: str
    name: str
    url: str
    event_types: list[str] | None
    definition_ids: list[str] | None
    enabled: bool
    concurrency: int
    timeout_s: float
    headers: dict[str, str] = field(repr=False)
    secrets: list[str] = field(repr=False)
    rate_per_s: float | None = None

    def encode(self) -> bytes:
        """Write the record as JSON."""
        return orjson.dumps(self)


def seal_secret(keyring: Keyring, endpoint_id: str, secret: bytes) -> str:
    """Seal a signing secret."""
    return keyring.seal(secret, context=f"endpoint/{endpoint_id}/secret")


def seal_headers(keyring: Keyring, endpoint_id: str, headers: dict[str, str]) -> dict[str, str]:
    """Seal the values of custom headers: they are how receivers are given bearer tokens."""
    return {
        name: keyring.seal(value.encode(), context=_header_context(endpoint_id, name))
        for name, value in headers.items()
    }


def endpoint_decoder(keyring: Keyring) -> Callable[[str, bytes], Endpoint]:
    """Make the function that reads an endpoint and opens its secrets; it raises ValueError where it cannot."""

    def decode(key: str, value: bytes) -> Endpoint:
        try:
            return _open(keyring, EndpointRecord(**orjson.loads(value)))
        except (TypeError, SealingError):
            raise ValueError(f"the endpoint {key} cannot be read") from None

    return decode


def _open(keyring: Keyring, record: EndpointRecord) -> Endpoint:
    return Endpoint(
        id=record.id,
        url=record.url,
        event_types=None if record.event_types is None else frozenset(record.event_types),
        definition_ids=None if record.definition_ids is None else frozenset(record.definition_ids),
        secrets=tuple(keyring.open(s, context=f"endpoint/{record.id}/secret") for s in record.secrets),
        headers={
            name: keyring.open(value, context=_header_context(record.id, name)).decode()
            for name, value in record.headers.items()
        },
        enabled=record.enabled,
        concurrency=record.concurrency,
        timeout_s=record.timeout_s,
        rate_per_s=record.rate_per_s,
    )


def _header_context(endpoint_id: str, name: str) -> str:
    return f"endpoint/{endpoint_id}/header/{name}"
