"""The secrets of a sender: checked where they are entered, sealed as they were entered."""

from typing import Final, Self

import orjson

from carewire_contracts.record import record

MAX_SECRETS: Final = 4
"""Secrets that count at once; a rotation needs two."""
MAX_SECRET_LENGTH: Final = 1_024


class SecretsMissing(ValueError):
    """A scheme came without a secret that it needs.

    `field` says which, the message what to give. Trying again cannot help.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@record(repr=False)
class SenderSecrets:
    """What is sealed: the secrets as they were entered, the newest first. `verify_token` is Meta's."""

    secrets: tuple[bytes, ...] = ()
    verify_token: bytes = b""

    def encode(self) -> bytes:
        """Write the bytes that are to be sealed."""
        texts = [secret.decode() for secret in self.secrets]
        return orjson.dumps({"secrets": texts, "verify_token": self.verify_token.decode()})

    @classmethod
    def decode(cls, plain: bytes) -> Self:
        """Read what `encode` wrote. Raises ValueError or KeyError for anything else."""
        data = orjson.loads(plain)
        return cls(tuple(text.encode() for text in data["secrets"]), data["verify_token"].encode())

    def or_else(self, kept: "SenderSecrets") -> "SenderSecrets":
        """These, and where one was not entered, what was kept."""
        return SenderSecrets(self.secrets or kept.secrets, self.verify_token or kept.verify_token)


def check_secret(text: str) -> None:
    """Refuse what was copied badly. Raises ValueError, which says how to mend it and never holds the text."""
    if not text:
        raise ValueError("empty; copy it from the sender")
    if len(text) > MAX_SECRET_LENGTH:
        raise ValueError(f"longer than {MAX_SECRET_LENGTH} characters; copy it again from the sender")
    if text != text.strip() or not text.isprintable():
        raise ValueError("begins or ends with white space, or holds what can't be seen; copy it again from the sender")
