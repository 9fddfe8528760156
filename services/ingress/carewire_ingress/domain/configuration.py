"""What staff say about an incoming webhook, and the webhook that the hot path makes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from carewire_contracts.json_path import JsonPath
from carewire_contracts.json_query import JsonQuery
from carewire_contracts.requests import EnrolmentGuard
from carewire_contracts.rules import Rule
from carewire_ingress.domain.filtering import Filter
from carewire_ingress.domain.patient_profile import ProfileField, plan_profile
from carewire_ingress.domain.rate import RateLimit
from carewire_ingress.domain.senders.restricted import restricted
from carewire_ingress.domain.senders.sender import Sender
from carewire_ingress.domain.senders.sender_scheme import SenderScheme
from carewire_ingress.domain.start_key_source import StartKeySource
from carewire_ingress.domain.value_source import ValueSource
from carewire_ingress.domain.webhook import IncomingWebhook, MappedIdentifier


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
class Configuration:
    """An incoming webhook as staff configure it. `mapping` leads from a data point's id to its source.

    `profile` is for a patient who gets created. `filter` refers to values by JSONPath. `redacted` are paths whose
    values nobody is shown in the log. `sender` says who calls, its secrets apart; calls have to come from
    `allowed_ips` (CIDR) as well, where there are any.
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
    sender: SenderScheme | None = None
    allowed_ips: tuple[str, ...] = ()


def compiled(
    configuration: Configuration,
    *,
    webhook_id: str,
    enabled: bool,
    token_sha256: bytes,
    salt: bytes,
    sender: Sender | None = None,
) -> IncomingWebhook:
    """The webhook of a configuration without faults. Raises InvalidPath."""
    rule = configuration.filter
    return IncomingWebhook(
        id=webhook_id,
        name=configuration.name,
        definition_id=configuration.definition_id,
        token_sha256=token_sha256,
        enabled=enabled,
        mapping={data_point: source.compiled() for data_point, source in configuration.mapping.items()},
        identifiers=tuple(_identifier(identifier) for identifier in configuration.identifiers),
        start_key=_start_key(configuration.start_key, sender),
        salt=salt,
        profile=plan_profile(configuration.profile),
        filter=None if rule is None else Filter.of(rule),
        enrolment_guard=configuration.enrolment_guard,
        redacted=tuple(JsonQuery(path) for path in configuration.redacted),
        rate_limit=configuration.rate_limit,
        sender=restricted(sender, configuration.allowed_ips),
    )


def _start_key(said: StartKeyConfiguration, sender: Sender | None) -> StartKeySource:
    """What staff say goes before what the sender publishes: they know which value stands for a delivery here."""
    source = StartKeySource(
        header=None if said.header is None else said.header.lower(),
        path=None if said.path is None else JsonPath(said.path),
    )
    return source if source.is_said or sender is None else sender.delivery


def _identifier(source: IdentifierSource) -> MappedIdentifier:
    system = source.system if source.system_path is None else JsonPath(source.system_path)
    return MappedIdentifier(JsonPath(source.value_path), system or "")
