"""The secrets of a webhook's sender, as they are stored and travel: sealed, apart from its configuration."""

from collections.abc import Iterator
from contextlib import contextmanager

from carewire_ingress.domain.senders.sender_scheme import SenderScheme, secrets_for
from carewire_ingress.domain.senders.sender_secrets import SecretsMissing, SenderSecrets
from carewire_runtime.http.problem import Problem
from carewire_runtime.sealing import Keyring


def opened(sealed: str | None, webhook_id: str, keyring: Keyring) -> SenderSecrets:
    """The secrets; None sealed are none. Raises SealingError."""
    if sealed is None:
        return SenderSecrets()
    return SenderSecrets.decode(keyring.open(sealed, context=_context(webhook_id)))


def resealed(
    scheme: SenderScheme | None, before: SenderScheme | None, sealed: str | None, webhook_id: str, keyring: Keyring
) -> str | None:
    """What is to be stored for a scheme that may have come with new secrets; `sealed` is what `before` had.

    Raises SecretsMissing where the scheme needs some and neither has them, and SealingError.
    """
    if scheme is None or scheme is before:
        return None if scheme is None else sealed
    secrets = secrets_for(scheme, before, opened(sealed, webhook_id, keyring))
    return keyring.seal(secrets.encode(), context=_context(webhook_id))


@contextmanager
def missing_ones_told() -> Iterator[None]:
    """Answer 422 where a scheme came without a secret that it needs."""
    try:
        yield
    except SecretsMissing as missing:
        errors = [{"field": f"sender.{missing.field}", "message": str(missing)}]
        raise Problem(422, "Invalid webhook", "nothing was changed", errors=errors) from None


def _context(webhook_id: str) -> str:
    return f"incoming-webhook-sender/{webhook_id}"
