"""What is kept of answers, until somebody looks at them: bodies sealed, for a receiver may repeat what it was sent."""

from collections.abc import Sequence
from typing import Final

from carewire_contracts.json_query import JsonQuery
from carewire_dispatcher.domain.classify import Answer, Failure
from carewire_dispatcher.domain.exchange import Keep, KeptAnswer, is_kept, kept_headers
from carewire_dispatcher.domain.redaction import kept_body
from carewire_runtime.sealing import Keyring


class AnswerKeeper:
    """Keeps answers of the attempts that `keep` says, up to `body_bytes` of their bodies; 0 keeps no body."""

    def __init__(self, keyring: Keyring, keep: Keep, body_bytes: int) -> None:
        self._keyring: Final = keyring
        self._keep: Final = keep
        self._body_bytes: Final = body_bytes

    def kept(self, attempt_id: str, result: Answer | Failure, redacted: Sequence[JsonQuery] = ()) -> KeptAnswer | None:
        """Return what is kept of an attempt's answer, without what is redacted; None where nothing is."""
        if not isinstance(result, Answer) or not is_kept(self._keep, delivered=result.is_success):
            return None
        body = kept_body(result.body, self._body_bytes, redacted)
        sealed = self._keyring.seal(body, context=_context(attempt_id)) if body else None
        return KeptAnswer(kept_headers(result.headers), sealed)


def open_body(keyring: Keyring, attempt_id: str, sealed: str) -> bytes:
    """Open a body that was kept. Raises SealingError."""
    return keyring.open(sealed, context=_context(attempt_id))


def _context(attempt_id: str) -> str:
    return f"attempt/{attempt_id}/answer"
