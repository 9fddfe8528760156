"""How the management API shows endpoints: everything but what is secret."""

from datetime import datetime
from typing import Any, Final, Self

from pydantic import BaseModel

from carewire_contracts.rules import Rule
from carewire_contracts.timestamps import Timestamp
from carewire_dispatcher.adapters.endpoint_keys import PublicKeys, Scheme
from carewire_dispatcher.adapters.endpoint_record import FIELDS
from carewire_dispatcher.adapters.endpoint_store import StoredEndpoint
from carewire_dispatcher.adapters.instants import moment
from carewire_dispatcher.domain.endpoint import ContentMode, DisabledBecause, Payload


class EndpointView(BaseModel):
    """An endpoint without its secrets. `secrets` says how many sign: two during a rotation, until the old one ends."""

    id: str
    name: str
    url: str
    event_types: list[str] | None
    definition_ids: list[str] | None
    filter: Rule | None
    header_names: list[str]
    payload: Payload
    content_mode: ContentMode
    enabled: bool
    disabled_because: DisabledBecause | None
    paused: bool
    concurrency: int
    timeout_s: float
    rate_per_s: float | None
    retry_offsets_s: list[int] | None
    terminal_statuses: list[int]
    shards: int
    heartbeat_s: int | None
    redacted: list[str]
    signing: list[Scheme]
    secrets: int
    old_secret_until: Timestamp | None
    ed25519_public_keys: list[str]
    old_ed25519_key_until: Timestamp | None
    rsa_public_key: str | None
    created_at: Timestamp
    updated_at: Timestamp

    @classmethod
    def of(cls, stored: StoredEndpoint, keys: PublicKeys, now: datetime, **more: Any) -> Self:
        """Show a stored endpoint as it stands at a moment."""
        record = stored.record
        old_secret_until = _future(record.old_secret_until, now)
        has_ended = record.old_secret_until is not None and old_secret_until is None
        return cls(
            **{name: getattr(record, name) for name in _AS_STORED},
            header_names=sorted(record.headers),
            secrets=1 if has_ended else len(record.secrets),
            old_secret_until=old_secret_until,
            ed25519_public_keys=keys.ed25519,
            old_ed25519_key_until=_future(record.old_ed25519_key_until, now),
            rsa_public_key=keys.rsa,
            created_at=stored.created_at,
            updated_at=stored.updated_at,
            **more,
        )


class EndpointWithSecret(EndpointView):
    """An endpoint and its new signing secret, which is shown this once; null where another key was made."""

    secret: str | None


class EndpointPage(BaseModel):
    """Some endpoints; `next_cursor` leads to the next ones, null at the end."""

    items: list[EndpointView]
    next_cursor: str | None


_NOT_AS_STORED: Final = frozenset({"secrets", "old_secret_until", "old_ed25519_key_until"})
_AS_STORED: Final = EndpointView.model_fields.keys() & set(FIELDS) - _NOT_AS_STORED


def _future(instant: int | None, now: datetime) -> datetime | None:
    at = moment(instant)
    return at if at is not None and at > now else None
