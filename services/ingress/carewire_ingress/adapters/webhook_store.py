"""Incoming webhooks in Postgres: the truth behind `ingress.webhooks`.

Each change is saved together with the record that tells replicas of it, and with the audit record that tells who
made it, in one transaction.
"""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import TypeAdapter

from carewire_contracts.envelope import Envelope
from carewire_ingress.adapters.request_records import SOURCE
from carewire_ingress.adapters.sealed_secrets import opened, resealed
from carewire_ingress.adapters.webhook_record import WebhookRecord, salt_context, token_context
from carewire_ingress.domain.configuration import Configuration
from carewire_ingress.domain.ending_token import EndingToken
from carewire_ingress.domain.webhook import IncomingWebhook
from carewire_runtime.audit import Audit, Deed
from carewire_runtime.auth import Principal
from carewire_runtime.clock import Clock
from carewire_runtime.ids import new_id
from carewire_runtime.postgres import outbox
from carewire_runtime.postgres.outbox import OutboxRecord
from carewire_runtime.postgres.pool import Connection, Database
from carewire_runtime.postgres.queries import load_queries
from carewire_runtime.sealing import Keyring
from carewire_runtime.telemetry.tracing import current_traceparent

_TOKEN_BYTES: Final = 32
"""256 bits: the URL is the credential of most senders, and its hash is published."""
_SALT_BYTES: Final = 32

SUBJECT: Final = "webhook"
CREATE: Final = "webhook.create"
UPDATE: Final = "webhook.update"
ENABLE: Final = "webhook.enable"
DISABLE: Final = "webhook.disable"
ROTATE: Final = "webhook.rotate_token"
END_ROTATION: Final = "webhook.end_rotation"
DELETE: Final = "webhook.delete"

_queries = load_queries("carewire_ingress")
_configuration = TypeAdapter(Configuration)


@dataclass(frozen=True, slots=True)
class StoredWebhook:
    """A webhook as it is stored; secrets are sealed. `previous` is the token of a URL that is ending, or ended."""

    id: str
    enabled: bool
    configuration: Configuration
    token_sha256: bytes = field(repr=False)
    token_sealed: str = field(repr=False)
    salt_sealed: str = field(repr=False)
    previous: EndingToken | None
    created_at: datetime
    updated_at: datetime
    sender_sealed: str | None = field(default=None, repr=False)


def new_token() -> str:
    """A token that nobody can guess, fit for a URL."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


class WebhookStore:
    """Saves and reads webhooks. `published` is called after each commit that has something to publish."""

    def __init__(
        self,
        db: Database,
        keyring: Keyring,
        topic: str,
        clock: Clock,
        audit: Audit,
        published: Callable[[], None],
    ) -> None:
        self._db = db
        self._audit = audit
        self._keyring = keyring
        self._topic = topic
        self._clock = clock
        self._published = published

    async def create(self, configuration: Configuration, by: Principal) -> StoredWebhook:
        """Save a new webhook, disabled, with a token of its own. Raises SecretsMissing."""
        webhook_id, token = new_id(), new_token()
        salt = self._keyring.seal(secrets.token_bytes(_SALT_BYTES), context=salt_context(webhook_id))
        sender_sealed = resealed(configuration.sender, None, None, webhook_id, self._keyring)
        async with self._db.transaction() as connection:
            row = await connection.fetchrow(
                _queries.insert_webhook,
                webhook_id,
                configuration.name,
                configuration.definition_id,
                _document(configuration),
                _digest(token),
                self._sealed_token(webhook_id, token),
                salt,
                sender_sealed,
            )
            stored = _read(row)
            await self._audit.add(connection, by, [Deed(CREATE, SUBJECT, webhook_id)])
            await self._announce(connection, stored)
        self._published()
        return stored

    async def get(self, webhook_id: str) -> StoredWebhook | None:
        """One webhook."""
        async with self._db.connection() as connection:
            row = await connection.fetchrow(_queries.get_webhook, webhook_id)
        return None if row is None else _read(row)

    async def page(
        self, after: str | None, limit: int, *, enabled: bool | None = None, definition_id: str | None = None
    ) -> list[StoredWebhook]:
        """Webhooks, newest first, that come after an id; None demands nothing."""
        async with self._db.connection() as connection:
            rows = await connection.fetch(_queries.list_webhooks, after, limit, enabled, definition_id)
        return [_read(row) for row in rows]

    async def change(
        self, webhook_id: str, changed: Callable[[StoredWebhook], StoredWebhook], action: str, by: Principal
    ) -> StoredWebhook | None:
        """Save what `changed` makes of a webhook, which nobody else changes meanwhile. None: there is none.

        What `changed` raises is passed on, and SecretsMissing, with nothing saved. `action` is the audit's word for
        it. Secrets that come with a sender are sealed; a sender that comes without keeps those of its scheme.
        """
        async with self._db.transaction() as connection:
            row = await connection.fetchrow(_queries.lock_webhook, webhook_id)
            if row is None:
                return None
            before = _read(row)
            stored = await self._update(connection, self._with_secrets(before, changed(before)))
            await self._audit.add(connection, by, [Deed(action, SUBJECT, webhook_id)])
            await self._announce(connection, stored)
        self._published()
        return stored

    async def delete(self, webhook_id: str, by: Principal) -> bool:
        """Let a webhook answer no more. False: there is none."""
        async with self._db.transaction() as connection:
            if await connection.fetchrow(_queries.lock_webhook, webhook_id) is None:
                return False
            await connection.execute(_queries.delete_webhook, webhook_id)
            await self._audit.add(connection, by, [Deed(DELETE, SUBJECT, webhook_id)])
            await outbox.add(connection, [self._record(webhook_id, None)])
        self._published()
        return True

    def token(self, webhook: StoredWebhook) -> str:
        """The token in the clear, to show its URL."""
        return self._keyring.open(webhook.token_sealed, context=token_context(webhook.id)).decode()

    def with_new_token(self, webhook: StoredWebhook, overlap: timedelta) -> StoredWebhook:
        """The webhook with another token. The present one ends after `overlap`, the one before it at once."""
        token = new_token()
        ending = EndingToken(webhook.token_sha256, self._clock.now() + overlap) if overlap else None
        sealed = self._sealed_token(webhook.id, token)
        return replace(webhook, token_sha256=_digest(token), token_sealed=sealed, previous=ending)

    def ending(self, webhook: StoredWebhook) -> datetime | None:
        """Until when the former URL answers; None where there is none any more."""
        previous = webhook.previous
        return None if previous is None or previous.is_over(self._clock.now()) else previous.until

    def _sealed_token(self, webhook_id: str, token: str) -> str:
        return self._keyring.seal(token.encode(), context=token_context(webhook_id))

    async def _update(self, connection: Connection, webhook: StoredWebhook) -> StoredWebhook:
        row = await connection.fetchrow(
            _queries.update_webhook,
            webhook.id,
            webhook.configuration.name,
            webhook.enabled,
            _document(webhook.configuration),
            webhook.token_sha256,
            webhook.token_sealed,
            webhook.sender_sealed,
            None if webhook.previous is None else webhook.previous.sha256,
            None if webhook.previous is None else webhook.previous.until,
        )
        return _read(row)

    def _with_secrets(self, before: StoredWebhook, after: StoredWebhook) -> StoredWebhook:
        wanted, known = after.configuration.sender, before.configuration.sender
        sealed = resealed(wanted, known, before.sender_sealed, before.id, self._keyring)
        return replace(after, sender_sealed=sealed)

    def secret_count(self, webhook: StoredWebhook) -> int:
        """How many secrets the sender has."""
        return len(opened(webhook.sender_sealed, webhook.id, self._keyring).secrets)

    def compiled(self, webhook: StoredWebhook) -> IncomingWebhook:
        """The webhook as the hot path judges its calls. Raises SealingError, InvalidPath or ValueError."""
        return _record_of(webhook).compiled(self._keyring)

    def drafted(self, configuration: Configuration, stored: StoredWebhook | None) -> IncomingWebhook:
        """What the hot path would make of a configuration that is not saved, of a stored webhook or of none.

        Raises SecretsMissing, SealingError, InvalidPath or ValueError.
        """
        if stored is not None:
            return self.compiled(self._with_secrets(stored, replace(stored, configuration=configuration)))
        webhook_id = new_id()
        record = WebhookRecord(
            id=webhook_id,
            enabled=False,
            token_sha256="",
            salt=self._keyring.seal(b"", context=salt_context(webhook_id)),
            configuration=configuration,
            sender_secrets=resealed(configuration.sender, None, None, webhook_id, self._keyring),
        )
        return record.compiled(self._keyring)

    async def _announce(self, connection: Connection, webhook: StoredWebhook) -> None:
        await outbox.add(connection, [self._record(webhook.id, _record_of(webhook).encode())])

    def _record(self, webhook_id: str, value: bytes | None) -> OutboxRecord:
        kind = "deleted" if value is None else "saved"
        envelope = Envelope(new_id(), f"carewire.ingress.webhook.{kind}", SOURCE, self._clock.now(), subject=webhook_id)
        return OutboxRecord(self._topic, webhook_id.encode(), value, envelope.headers(current_traceparent()))


def _record_of(webhook: StoredWebhook) -> WebhookRecord:
    return WebhookRecord(
        id=webhook.id,
        enabled=webhook.enabled,
        token_sha256=webhook.token_sha256.hex(),
        salt=webhook.salt_sealed,
        configuration=webhook.configuration,
        sender_secrets=webhook.sender_sealed,
        previous_token_sha256=None if webhook.previous is None else webhook.previous.sha256.hex(),
        previous_token_until=None if webhook.previous is None else webhook.previous.until,
    )


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _document(configuration: Configuration) -> Any:
    return _configuration.dump_python(configuration, mode="json")


def _read(row: Any) -> StoredWebhook:
    ended = row["previous_token_sha256"]
    return StoredWebhook(
        id=str(row["id"]),
        enabled=row["enabled"],
        configuration=_configuration.validate_python(row["configuration"]),
        token_sha256=row["token_sha256"],
        token_sealed=row["token_sealed"],
        salt_sealed=row["salt_sealed"],
        previous=None if ended is None else EndingToken(ended, row["previous_token_until"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        sender_sealed=row["sender_sealed"],
    )
