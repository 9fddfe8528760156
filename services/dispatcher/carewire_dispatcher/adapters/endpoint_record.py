"""An endpoint as it is stored and as it travels on `dispatcher.endpoints`: its secrets are sealed in both."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final, Self

import orjson

from carewire_contracts.json_query import JsonQuery
from carewire_contracts.rules import Rule
from carewire_dispatcher.domain.endpoint import ContentMode, DisabledBecause, Endpoint, Payload
from carewire_dispatcher.domain.event_filter import EventFilter
from carewire_runtime.errors import SealingError
from carewire_runtime.sealing import Keyring
from carewire_runtime.telemetry.logs import logger

_log = logger("endpoints")

JSON_HEADERS: Final = [("content-type", b"application/json")]


@dataclass(frozen=True, slots=True)
class EndpointRecord:
    """One endpoint. `secrets`, the keys and the values of `headers` are sealed for this endpoint.

    Fields with a default came later than records that are still on the topic. `signing` names the schemes of which
    the keys are used; keys of others stay, for the day when they are asked for again.
    """

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
    filter: dict[str, Any] | None = None
    paused: bool = False
    disabled_because: str | None = None
    payload: Payload = "full"
    content_mode: ContentMode = "flat"
    signing: list[str] = field(default_factory=lambda: ["hmac"])
    old_secret_until: int | None = None
    ed25519_keys: list[str] = field(default_factory=list, repr=False)
    old_ed25519_key_until: int | None = None
    rsa_key: str | None = field(default=None, repr=False)
    retry_offsets_s: list[int] | None = None
    terminal_statuses: list[int] = field(default_factory=list)
    shards: int = 1
    heartbeat_s: int | None = None
    judged_from: int | None = None
    redacted: list[str] = field(default_factory=list)

    def encode(self) -> bytes:
        """Write the record as JSON."""
        return orjson.dumps(self)

    @classmethod
    def decode(cls, value: bytes) -> Self:
        """Read a record, also one that a later version wrote. Raises ValueError or TypeError where it is none."""
        known: dict[str, Any] = orjson.loads(value)
        if not isinstance(known, dict):
            raise TypeError("an endpoint is a JSON object")
        return cls(**{name: known[name] for name in FIELDS if name in known})


FIELDS: Final = tuple(each.name for each in fields(EndpointRecord))
"""The fields of a record, which are the columns of its row too."""


def seal_secret(keyring: Keyring, endpoint_id: str, secret: bytes) -> str:
    """Seal a signing secret."""
    return keyring.seal(secret, context=_context(endpoint_id, "secret"))


def seal_ed25519_key(keyring: Keyring, endpoint_id: str, seed: bytes) -> str:
    """Seal the seed of an ed25519 key."""
    return keyring.seal(seed, context=_context(endpoint_id, "ed25519-key"))


def seal_rsa_key(keyring: Keyring, endpoint_id: str, key: bytes) -> str:
    """Seal an RSA key (PKCS#8, DER)."""
    return keyring.seal(key, context=_context(endpoint_id, "rsa-key"))


def seal_headers(keyring: Keyring, endpoint_id: str, headers: dict[str, str]) -> dict[str, str]:
    """Seal the values of custom headers: they are how receivers are given bearer tokens."""
    return {
        name: keyring.seal(value.encode(), context=_header_context(endpoint_id, name))
        for name, value in headers.items()
    }


def endpoint_decoder(keyring: Keyring) -> Callable[[str, bytes], Endpoint]:
    """Make the function that reads an endpoint and opens its secrets; it raises ValueError where it cannot read it.

    One whose key is missing counts as paused: events go on being collected for it, and are held.
    """

    def decode(key: str, value: bytes) -> Endpoint:
        try:
            record = EndpointRecord.decode(value)
            try:
                return opened(keyring, record)
            except SealingError:
                _log.error("endpoint_not_opened", endpoint_id=record.id)
                return _sealed(record)
        except (TypeError, ValueError):
            raise ValueError(f"the endpoint {key} cannot be read") from None

    return decode


def sealed_fault(endpoints: Iterable[Endpoint]) -> str | None:
    """Say, for a readiness check, how many of some endpoints cannot be opened, and what to do about it."""
    count = sum(endpoint.is_sealed for endpoint in endpoints)
    if not count:
        return None
    return (
        f"{count} endpoints cannot be opened, and what they get is held: add the key that sealed them to "
        "CAREWIRE_ENCRYPTION_KEYS, and restart"
    )


def opened(keyring: Keyring, record: EndpointRecord) -> Endpoint:
    """Open a record. Raises SealingError, or ValueError for a field that no writer of ours makes."""
    return replace(
        _plain(record),
        secrets=_opened(keyring, record.id, "secret", record.secrets if "hmac" in record.signing else ()),
        ed25519_keys=opened_ed25519_keys(keyring, record),
        rsa_key=opened_rsa_key(keyring, record),
        headers={
            name: keyring.open(value, context=_header_context(record.id, name)).decode()
            for name, value in record.headers.items()
        },
    )


def _sealed(record: EndpointRecord) -> Endpoint:
    return replace(_plain(record), paused=True, is_sealed=True)


def _plain(record: EndpointRecord) -> Endpoint:
    """Read what is not sealed. Raises ValueError for a field that no writer of ours makes."""
    return Endpoint(
        id=record.id,
        url=record.url,
        event_types=None if record.event_types is None else frozenset(record.event_types),
        definition_ids=None if record.definition_ids is None else frozenset(record.definition_ids),
        filter=None if record.filter is None else EventFilter.of(Rule.model_validate(record.filter)),
        old_secret_until=record.old_secret_until,
        old_ed25519_key_until=record.old_ed25519_key_until,
        payload=record.payload,
        content_mode=record.content_mode,
        enabled=record.enabled,
        disabled_because=_reason(record),
        paused=record.paused,
        concurrency=record.concurrency,
        timeout_s=record.timeout_s,
        rate_per_s=record.rate_per_s,
        retry_offsets_s=None if record.retry_offsets_s is None else tuple(record.retry_offsets_s),
        terminal_statuses=frozenset(record.terminal_statuses),
        shards=record.shards,
        heartbeat_s=record.heartbeat_s,
        judged_from=record.judged_from,
        redacted=tuple(JsonQuery(path) for path in record.redacted),
    )


def opened_ed25519_keys(keyring: Keyring, record: EndpointRecord) -> tuple[bytes, ...]:
    """Open the ed25519 keys, if that scheme signs. Raises SealingError."""
    return _opened(keyring, record.id, "ed25519-key", record.ed25519_keys if "ed25519" in record.signing else ())


def opened_rsa_key(keyring: Keyring, record: EndpointRecord) -> bytes | None:
    """Open the RSA key, if that scheme signs. Raises SealingError."""
    if record.rsa_key is None or "rsa" not in record.signing:
        return None
    return keyring.open(record.rsa_key, context=_context(record.id, "rsa-key"))


def _reason(record: EndpointRecord) -> DisabledBecause | None:
    """Before there were reasons, only operators disabled."""
    return None if record.enabled else DisabledBecause(record.disabled_because or "operator")


def _opened(keyring: Keyring, endpoint_id: str, kind: str, sealed: Iterable[str]) -> tuple[bytes, ...]:
    return tuple(keyring.open(one, context=_context(endpoint_id, kind)) for one in sealed)


def _context(endpoint_id: str, kind: str) -> str:
    return f"endpoint/{endpoint_id}/{kind}"


def _header_context(endpoint_id: str, name: str) -> str:
    return _context(endpoint_id, f"header/{name}")
