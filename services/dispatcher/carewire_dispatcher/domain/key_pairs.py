"""Key pairs that sign: what they make of bytes, and the half of them that receivers are given.

ed25519 keys are their raw seed of 32 bytes, RSA keys PKCS#8 in DER. Both schemes are deterministic (RFC 8032, and
RFC 8017, section 8.2): the same bytes always have the same signature.
"""

import base64
from functools import lru_cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_private_key

PUBLIC_KEY_PREFIX: Final = "whpk_"
_KEYS_KEPT: Final = 1_000
"""Keys that are kept ready for use: making one of ed25519 ready costs as much as a signature."""


def sign_ed25519(seed: bytes, content: bytes) -> bytes:
    """Sign with ed25519."""
    return _ed25519(seed).sign(content)


def sign_rsa(key: bytes, content: bytes) -> bytes:
    """Sign with RSA: PKCS#1 v1.5 over SHA-256."""
    return _rsa(key).sign(content, PKCS1v15(), SHA256())


def encode_public_key(seed: bytes) -> str:
    """Write the public half of an ed25519 key as Standard Webhooks has it: `whpk_` and base64."""
    return PUBLIC_KEY_PREFIX + base64.b64encode(_ed25519(seed).public_key().public_bytes_raw()).decode()


def public_key_pem(key: bytes) -> str:
    """Write the public half of an RSA key as PEM (SubjectPublicKeyInfo)."""
    return _rsa(key).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@lru_cache(_KEYS_KEPT)
def _ed25519(seed: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(seed)


@lru_cache(_KEYS_KEPT)
def _rsa(key: bytes) -> RSAPrivateKey:
    # Checking the primes anew takes a tenth of a second, and they are those that we made and sealed.
    loaded = load_der_private_key(key, password=None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(loaded, RSAPrivateKey):
        raise TypeError("the key is none of RSA")
    return loaded
