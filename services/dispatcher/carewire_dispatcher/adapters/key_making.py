"""New keys and secrets that sign."""

import secrets
from typing import Final

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from carewire_dispatcher.domain.signature import SECRET_BYTES

_SEED_BYTES: Final = 32
_RSA_BITS: Final = 2048
"""What receivers of the reference expect (section 2.2)."""
_RSA_EXPONENT: Final = 65_537


def new_secret() -> bytes:
    """Make a secret for HMAC."""
    return secrets.token_bytes(SECRET_BYTES)


def new_ed25519_key() -> bytes:
    """Make the seed of an ed25519 key; every 32 bytes are one (RFC 8032, section 5.1.5)."""
    return secrets.token_bytes(_SEED_BYTES)


def new_rsa_key() -> bytes:
    """Make an RSA key of 2048 bits, as PKCS#8 in DER. Takes a tenth of a second, so not in the event loop."""
    key = rsa.generate_private_key(_RSA_EXPONENT, _RSA_BITS)
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
