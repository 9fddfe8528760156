"""What staff say about an incoming webhook, and the webhook that the hot path makes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from carewire_contracts.requests import EnrolmentGuard
from carewire_contracts.rules import Rule
from carewire_ingress.domain.json_path import JsonPath
from carewire_ingress.domain.patient_profile import ProfileField
from carewire_ingress.domain.value_source import ValueSource
from carewire_ingress.domain.webhook import IncomingWebhook, MappedIdentifier, StartKeySource


@dataclass(frozen=True, slots=True)
class IdentifierSource:
    """Where a patient identifier stands: the path of its value; its system as a constant or by path."""

    value_path: str
    system: str | None = None
    system_path: str | None = None


@dataclass(frozen=True, slots=True)
class StartKeyConfiguration:
    """Where the sender's delivery id stands, beside the standard headers: a header or a path."""

    header: str | None = None
    path: str | None = None


@dataclass(frozen=True, slots=True)
class RateLimit:
    """How many calls a second a webhook takes on average, and how many at once after a pause."""

    per_second: float
    burst: int


@dataclass(frozen=True, slots=True)
class Configuration:
    """An incoming webhook as staff configure it. `mapping` leads from a data point's id to its source.

    `profile` is for a patient who gets created. `filter` refers to values by JSONPath. `redacted` are paths whose
    values nobody is shown in the log.
    """

    name: str
    definition_id: str
    mapping: Mapping[str, ValueSource]
    identifiers: tuple[IdentifierSource, ...] = ()
    start_key: StartKeyConfiguration = StartKeyConfiguration()
    profile: Mapping[ProfileField, ValueSource] = field(default_factory=dict)
    filter: Rule | None = None
    enrolment_guard: EnrolmentGuard = EnrolmentGuard.START_ANOTHER
    redacted: tuple[str, ...] = ()
    rate_limit: RateLimit | None = None


def compiled(
    configuration: Configuration, *, webhook_id: str, enabled: bool, token_sha256: bytes, salt: bytes
) -> IncomingWebhook:
    """The webhook of a configuration without faults. Raises InvalidPath."""
    source = configuration.start_key
    return IncomingWebhook(
        id=webhook_id,
        name=configuration.name,
        definition_id=configuration.definition_id,
        token_sha256=token_sha256,
        enabled=enabled,
        mapping={data_point: source.compiled() for data_point, source in configuration.mapping.items()},
        identifiers=tuple(_identifier(identifier) for identifier in configuration.identifiers),
        start_key=StartKeySource(
            header=None if source.header is None else source.header.lower(),
            path=None if source.path is None else JsonPath(source.path),
        ),
        salt=salt,
    )


def _identifier(source: IdentifierSource) -> MappedIdentifier:
    system = source.system if source.system_path is None else JsonPath(source.system_path)
    return MappedIdentifier(JsonPath(source.value_path), system or "")
