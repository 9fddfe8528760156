"""What an endpoint signs with: made, replaced with an overlap, retired, and shown by the half that is public."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, TypeAlias

from carewire_dispatcher.adapters.endpoint_record import (
    EndpointRecord,
    opened_ed25519_keys,
    opened_rsa_key,
    seal_ed25519_key,
    seal_rsa_key,
    seal_secret,
)
from carewire_dispatcher.adapters.key_making import new_ed25519_key, new_rsa_key, new_secret
from carewire_dispatcher.domain.endpoint import keys_at
from carewire_dispatcher.domain.key_pairs import encode_public_key, public_key_pem
from carewire_dispatcher.domain.signature import encode_secret
from carewire_runtime.sealing import Keyring

Scheme: TypeAlias = Literal["hmac", "ed25519", "rsa"]
SCHEMES: Final[tuple[Scheme, ...]] = ("hmac", "ed25519", "rsa")


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was made, sealed; of a secret also the form that its receiver is given, this once."""

    sealed: str
    shown: str | None


@dataclass(frozen=True, slots=True)
class PublicKeys:
    """By what receivers verify: ed25519 keys as Standard Webhooks writes them, the newest first, and an RSA key."""

    ed25519: list[str]
    rsa: str | None


class EndpointKeys:
    """Makes and opens keys of endpoints. Raises SealingError where a key cannot be opened."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    async def new(self, scheme: Scheme, endpoint_id: str) -> NewKey:
        """Make a key of a scheme."""
        if scheme == "hmac":
            secret = new_secret()
            return NewKey(seal_secret(self._keyring, endpoint_id, secret), encode_secret(secret))
        if scheme == "ed25519":
            return NewKey(seal_ed25519_key(self._keyring, endpoint_id, new_ed25519_key()), None)
        return NewKey(seal_rsa_key(self._keyring, endpoint_id, await asyncio.to_thread(new_rsa_key)), None)

    async def first(self, signing: Collection[str], endpoint_id: str) -> dict[Scheme, NewKey]:
        """Make the keys of a new endpoint: a secret in any case, for whenever it is asked for."""
        return {scheme: await self.new(scheme, endpoint_id) for scheme in SCHEMES if scheme in {"hmac", *signing}}

    def public(self, record: EndpointRecord, now: int) -> PublicKeys:
        """Show the public halves of the keys that sign at a moment."""
        seeds, rsa_key = opened_ed25519_keys(self._keyring, record), opened_rsa_key(self._keyring, record)
        living = keys_at(seeds, record.old_ed25519_key_until, now)
        return PublicKeys(
            [encode_public_key(seed) for seed in living], None if rsa_key is None else public_key_pem(rsa_key)
        )


def with_missing(record: EndpointRecord, spare: dict[Scheme, NewKey]) -> EndpointRecord:
    """Give an endpoint the keys that it lacks of some schemes; what it has stays."""
    fields: dict[str, Any] = {}
    if "ed25519" in spare and not record.ed25519_keys:
        fields["ed25519_keys"] = [spare["ed25519"].sealed]
    if "rsa" in spare and record.rsa_key is None:
        fields["rsa_key"] = spare["rsa"].sealed
    return replace(record, **fields)


def rotated(record: EndpointRecord, scheme: Scheme, key: NewKey, old_until: int) -> EndpointRecord:
    """Sign with a new key, and until a moment with the present one too; one older than that ends.

    There is room for one RSA signature alone: that key is replaced at once.
    """
    if scheme == "hmac":
        return replace(record, secrets=[key.sealed, record.secrets[0]], old_secret_until=old_until)
    if scheme == "ed25519":
        return replace(record, ed25519_keys=[key.sealed, *record.ed25519_keys[:1]], old_ed25519_key_until=old_until)
    return replace(record, rsa_key=key.sealed)


def retired(record: EndpointRecord, scheme: Scheme) -> EndpointRecord:
    """Sign with the newest key of a scheme alone."""
    if scheme == "hmac":
        return replace(record, secrets=record.secrets[:1], old_secret_until=None)
    if scheme == "ed25519":
        return replace(record, ed25519_keys=record.ed25519_keys[:1], old_ed25519_key_until=None)
    return record
