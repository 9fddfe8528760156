"""Incoming webhooks as a replica knows them: by token, from `ingress.webhooks`, with no database behind."""

from collections.abc import Callable
from dataclasses import dataclass

from carewire_ingress.adapters.webhook_record import WebhookRecord
from carewire_ingress.domain.ending_token import EndingToken
from carewire_ingress.domain.webhook import IncomingWebhook
from carewire_runtime.clock import Clock
from carewire_runtime.errors import CarewireError
from carewire_runtime.kafka.table import CompactedTable
from carewire_runtime.sealing import Keyring


@dataclass(frozen=True, slots=True)
class _Entry:
    webhook: IncomingWebhook
    ending: EndingToken | None


class WebhookTable:
    """The webhooks of a topic, each compiled once per change."""

    def __init__(self, bootstrap: str, topic: str, keyring: Keyring, clock: Clock) -> None:
        self._keyring = keyring
        self._clock = clock
        self._by_token: dict[bytes, IncomingWebhook] = {}
        self._by_ending_token: dict[bytes, _Entry] = {}
        self._by_id: dict[str, _Entry] = {}
        self.table = CompactedTable(bootstrap, topic, self._decode)
        self.table.on_change(self._index)

    def by_token(self, token_sha256: bytes) -> IncomingWebhook | None:
        """The webhook of a token's SHA-256, be it the present token or one that has not ended yet."""
        return self._by_token.get(token_sha256) or self._of_ending_token(token_sha256)

    def _of_ending_token(self, token_sha256: bytes) -> IncomingWebhook | None:
        entry = self._by_ending_token.get(token_sha256)
        if entry is None or entry.ending is None or entry.ending.is_over(self._clock.now()):
            return None
        return entry.webhook

    def on_delete(self, forget: Callable[[str], None]) -> None:
        """Have `forget` called with the id of each webhook that is deleted."""
        self.table.on_change(lambda webhook_id, entry: forget(webhook_id) if entry is None else None)

    def _decode(self, _: str, value: bytes) -> _Entry:
        try:
            record = WebhookRecord.decode(value)
            return _Entry(record.compiled(self._keyring), record.ending_token)
        except CarewireError as error:
            raise ValueError(str(error)) from None

    def _index(self, webhook_id: str, entry: _Entry | None) -> None:
        known = self._by_id.pop(webhook_id, None)
        if known is not None:
            self._by_token.pop(known.webhook.token_sha256, None)
            if known.ending is not None:
                self._by_ending_token.pop(known.ending.sha256, None)
        if entry is not None:
            self._by_id[webhook_id] = entry
            self._by_token[entry.webhook.token_sha256] = entry.webhook
            if entry.ending is not None:
                self._by_ending_token[entry.ending.sha256] = entry
