"""A webhook's record on `ingress.webhooks`: what a replica needs to receive calls, and no secret in the clear.

The token is there as its SHA-256 alone (it has 256 random bits, so nobody finds it by trying); the salt and the
sender's secrets are sealed.
"""

from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter

from carewire_ingress.adapters.sealed_secrets import opened
from carewire_ingress.domain.configuration import Configuration, compiled
from carewire_ingress.domain.ending_token import EndingToken
from carewire_ingress.domain.senders.sender import Sender
from carewire_ingress.domain.webhook import IncomingWebhook
from carewire_runtime.sealing import Keyring


@dataclass(frozen=True, slots=True)
class WebhookRecord:
    """The record's value. Tokens are there in hex, `salt` is sealed, and so are the secrets of the sender.

    Until a moment, the token before the last rotation leads here too.
    """

    id: str
    enabled: bool
    token_sha256: str
    salt: str
    configuration: Configuration
    sender_secrets: str | None = None
    previous_token_sha256: str | None = None
    previous_token_until: datetime | None = None

    @property
    def ending_token(self) -> EndingToken | None:
        """The token before the last rotation, if it was to overlap."""
        if self.previous_token_sha256 is None or self.previous_token_until is None:
            return None
        return EndingToken(bytes.fromhex(self.previous_token_sha256), self.previous_token_until)

    def encode(self) -> bytes:
        """Write the value for Kafka."""
        return _RECORD.dump_json(self)

    @classmethod
    def decode(cls, value: bytes) -> "WebhookRecord":
        """Read a value. Raises pydantic.ValidationError."""
        return _RECORD.validate_json(value)

    def compiled(self, keyring: Keyring) -> IncomingWebhook:
        """The webhook for the hot path. Raises SealingError, InvalidPath or ValueError."""
        return compiled(
            self.configuration,
            webhook_id=self.id,
            enabled=self.enabled,
            token_sha256=bytes.fromhex(self.token_sha256),
            salt=keyring.open(self.salt, context=salt_context(self.id)),
            sender=self._sender(keyring),
        )

    def _sender(self, keyring: Keyring) -> Sender | None:
        scheme = self.configuration.sender
        return None if scheme is None else scheme.sender(opened(self.sender_secrets, self.id, keyring))


_RECORD = TypeAdapter(WebhookRecord)


def salt_context(webhook_id: str) -> str:
    """What a salt is sealed for."""
    return f"incoming-webhook-salt/{webhook_id}"


def token_context(webhook_id: str) -> str:
    """What a token is sealed for."""
    return f"incoming-webhook-token/{webhook_id}"
