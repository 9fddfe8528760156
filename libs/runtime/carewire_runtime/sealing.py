"""Encryption at rest of secrets and identifiers, and keyed fingerprints by which they can be found.

A keyring is written `id:base64-of-32-bytes,id:base64-of-32-bytes`. The first key seals, every key opens, so
rotating is putting a new key in front. Fingerprints are keyed by the LAST key, the oldest: they stay the same
when a key is put in front. Taking the last key away therefore needs all fingerprints to be made anew;
`fingerprint_key_id` is stored beside them so that this can be noticed.

Sealing is AES-256-GCM with a random 96-bit nonce; the key id and a context (what the value is for and whose
it is) are authenticated, so a sealed value cannot be moved to another row. Sealing and fingerprints use
separate subkeys (HKDF-SHA256) of each key.
"""

import base64
import binascii
import hmac
import secrets
from dataclasses import dataclass, field
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from carewire_runtime.errors import ConfigurationError, SealBroken, UnknownKey

_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_FORMAT: Final = "v1"


@dataclass(frozen=True, slots=True)
class _Key:
    id: str
    cipher: AESGCM = field(repr=False)
    fingerprint_key: bytes = field(repr=False)

    @classmethod
    def of(cls, key_id: str, secret: bytes) -> Self:
        return cls(key_id, AESGCM(_subkey(secret, b"seal")), _subkey(secret, b"fingerprint"))


def _subkey(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), _KEY_BYTES, salt=None, info=b"carewire " + purpose).derive(secret)


class Keyring:
    """The keys of one deployment."""

    def __init__(self, keys: list[tuple[str, bytes]]) -> None:
        self._keys = [_Key.of(key_id, secret) for key_id, secret in keys]
        self._by_id = {key.id: key for key in self._keys}

    def __repr__(self) -> str:
        return f"Keyring({', '.join(self._by_id)})"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `id:base64,id:base64`. Raises ConfigurationError, which never shows a key."""
        keys = [_parse_key(number, part) for number, part in enumerate(text.split(","), start=1)]
        if len({key_id for key_id, _ in keys}) != len(keys):
            raise ConfigurationError("two encryption keys have the same id; give each its own")
        return cls(keys)

    @staticmethod
    def generate() -> str:
        """Return a new key in the form that `parse` reads."""
        return f"k{secrets.token_hex(4)}:{base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()}"

    @property
    def fingerprint_key_id(self) -> str:
        """The id of the key of all fingerprints: the last."""
        return self._keys[-1].id

    def seal(self, plain: bytes, *, context: str) -> str:
        """Return `v1.<key id>.<base64url>`, which `open` reads with the same context."""
        key = self._keys[0]
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = nonce + key.cipher.encrypt(nonce, plain, _bound(key.id, context))
        return f"{_FORMAT}.{key.id}.{base64.urlsafe_b64encode(sealed).decode().rstrip('=')}"

    def open(self, token: str, *, context: str) -> bytes:
        """Return what was sealed. Raises UnknownKey or SealBroken."""
        version, _, rest = token.partition(".")
        key_id, _, body = rest.partition(".")
        if version != _FORMAT:
            raise SealBroken("a sealed value has an unknown format")
        key = self._by_id.get(key_id)
        if key is None:
            raise UnknownKey(f"no encryption key has the id {_shown(key_id)}; put it back in CAREWIRE_ENCRYPTION_KEYS")
        try:
            sealed = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
            return key.cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _bound(key.id, context))
        except (InvalidTag, ValueError):
            raise SealBroken("a sealed value is damaged or was sealed for another purpose") from None

    def fingerprint(self, value: bytes, *, context: str) -> bytes:
        """Return 32 bytes by which equal values of one context are found, and nothing is learnt."""
        bound = len(context.encode()).to_bytes(4, "big") + context.encode()
        return hmac.digest(self._keys[-1].fingerprint_key, bound + value, "sha256")


def _bound(key_id: str, context: str) -> bytes:
    return f"{_FORMAT}.{key_id}.{context}".encode()


def _shown(key_id: str) -> str:
    return repr(key_id) if key_id.isalnum() and len(key_id) <= 32 else "that it names"


def _parse_key(number: int, text: str) -> tuple[str, bytes]:
    key_id, separator, encoded = text.strip().partition(":")
    if not separator or not key_id.isalnum() or len(key_id) > 32:
        raise ConfigurationError(f"encryption key {number} is not written id:base64 (id: letters and digits)")
    try:
        secret = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise ConfigurationError(f"encryption key {number} is not base64") from None
    if len(secret) != _KEY_BYTES:
        raise ConfigurationError(f"encryption key {number} has {len(secret)} bytes; it needs {_KEY_BYTES}")
    return key_id, secret
