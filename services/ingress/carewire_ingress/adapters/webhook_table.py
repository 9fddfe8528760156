"""Incoming webhooks as a replica knows them: by token, from `ingress.webhooks`, with no database behind."""

from collections.abc import Callable

from carewire_ingress.adapters.webhook_record import WebhookRecord
from carewire_ingress.domain.webhook import IncomingWebhook
from carewire_runtime.errors import CarewireError
from carewire_runtime.kafka.table import CompactedTable
from carewire_runtime.sealing import Keyring


class WebhookTable:
    """The webhooks of a topic, each compiled once per change."""

    def __init__(self, bootstrap: str, topic: str, keyring: Keyring) -> None:
        self._keyring = keyring
        self._by_token: dict[bytes, IncomingWebhook] = {}
        self._by_id: dict[str, IncomingWebhook] = {}
        self.table = CompactedTable(bootstrap, topic, self._decode)
        self.table.on_change(self._index)

    def by_token(self, token_sha256: bytes) -> IncomingWebhook | None:
        """The webhook of a token's SHA-256."""
        return self._by_token.get(token_sha256)

    def on_delete(self, forget: Callable[[str], None]) -> None:
        """Have `forget` called with the id of each webhook that is deleted."""
        self.table.on_change(lambda webhook_id, webhook: forget(webhook_id) if webhook is None else None)

    def _decode(self, _: str, value: bytes) -> IncomingWebhook:
        try:
            return WebhookRecord.decode(value).compiled(self._keyring)
        except CarewireError as error:
            raise ValueError(str(error)) from None

    def _index(self, webhook_id: str, webhook: IncomingWebhook | None) -> None:
        known = self._by_id.pop(webhook_id, None)
        if known is not None:
            self._by_token.pop(known.token_sha256, None)
        if webhook is not None:
            self._by_id[webhook_id] = webhook
            self._by_token[webhook.token_sha256] = webhook
