"""How staff say who sends a webhook's calls: one scheme of a closed list, as JSON, and its secrets.

A scheme is stored and shown without its secrets, which are taken and never given back. They are sealed apart
(`SenderSecrets`), and the two make a `Sender`. Messages name the field and the remedy, never the value.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Final, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from carewire_ingress.domain.senders.api_key import ApiKey
from carewire_ingress.domain.senders.basic import Basic
from carewire_ingress.domain.senders.client_address import read_network
from carewire_ingress.domain.senders.dropbox import Dropbox
from carewire_ingress.domain.senders.github import GitHub
from carewire_ingress.domain.senders.hmac_sender import HmacSender, HmacSignature
from carewire_ingress.domain.senders.ip_ranges import IpRanges
from carewire_ingress.domain.senders.meta import Meta
from carewire_ingress.domain.senders.microsoft_graph import MicrosoftGraph
from carewire_ingress.domain.senders.scheme_fields import (
    WRITE_ONLY,
    HeaderName,
    Prefix,
    Secret,
    UserName,
    checked,
    checked_secret,
    problem,
)
from carewire_ingress.domain.senders.sender import Sender
from carewire_ingress.domain.senders.sender_secrets import SecretsMissing, SenderSecrets
from carewire_ingress.domain.senders.sendgrid import SendGrid, read_verification_key
from carewire_ingress.domain.senders.shopify import Shopify
from carewire_ingress.domain.senders.signature import Algorithm, Encoding
from carewire_ingress.domain.senders.signed_template import SignedTemplate
from carewire_ingress.domain.senders.slack import Slack
from carewire_ingress.domain.senders.standard_webhooks import StandardWebhooks, read_key
from carewire_ingress.domain.senders.stripe import Stripe
from carewire_ingress.domain.senders.twilio import Twilio
from carewire_ingress.domain.senders.zoom import Zoom

MAX_RANGES: Final = 500
AddressRange: TypeAlias = Annotated[str, checked(read_network)]


class _Scheme(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    def entered(self) -> SenderSecrets:
        """The secrets that came with the scheme."""
        return SenderSecrets()


class _WithSecrets(_Scheme):
    secrets: Annotated[tuple[Secret, ...], WRITE_ONLY]

    def entered(self) -> SenderSecrets:
        """The secrets that came with the scheme."""
        return SenderSecrets(tuple(secret.get_secret_value().encode() for secret in self.secrets))


PublishedName: TypeAlias = Literal[
    "github", "stripe", "shopify", "slack", "twilio", "zoom", "dropbox", "microsoft_graph"
]

_PUBLISHED: Final[Mapping[PublishedName, Callable[[tuple[bytes, ...]], Sender]]] = {
    "github": GitHub,
    "stripe": Stripe,
    "shopify": Shopify,
    "slack": Slack,
    "twilio": Twilio,
    "zoom": Zoom,
    "dropbox": Dropbox,
    "microsoft_graph": MicrosoftGraph,
}


class PublishedScheme(_WithSecrets):
    """A sender whose own scheme leaves nothing to say but its secret.

    That is for GitHub the webhook's secret; for Stripe the endpoint's signing secret, `whsec_...`; for Shopify the
    app's client secret; for Slack the app's signing secret; for Twilio the account's auth token, or a shared key; for
    Zoom the app's secret token; for Dropbox the app's secret; for Microsoft Graph the subscription's `clientState`.
    """

    scheme: PublishedName

    def sender(self, secrets: SenderSecrets) -> Sender:
        """The sender with its secrets."""
        return _PUBLISHED[self.scheme](secrets.secrets)


class StandardWebhooksScheme(_WithSecrets):
    """Standard Webhooks 1.0.0: secrets `whsec_...`, or public keys `whpk_...`."""

    scheme: Literal["standard_webhooks"]
    secrets: Annotated[tuple[Annotated[Secret, checked_secret(read_key)], ...], WRITE_ONLY]

    def sender(self, secrets: SenderSecrets) -> Sender:
        """The sender with its keys. Raises ValueError for any that the scheme would not have taken."""
        return StandardWebhooks(tuple(read_key(secret.decode()) for secret in secrets.secrets))


class SendGridScheme(_WithSecrets):
    """SendGrid: the Event Webhook's verification key, which is public."""

    scheme: Literal["sendgrid"]
    secrets: Annotated[tuple[Annotated[Secret, checked_secret(read_verification_key)], ...], WRITE_ONLY]

    def sender(self, secrets: SenderSecrets) -> Sender:
        """The sender with its keys. Raises ValueError for any that the scheme would not have taken."""
        return SendGrid(tuple(read_verification_key(secret.decode()) for secret in secrets.secrets))


class MetaScheme(_WithSecrets):
    """Meta (WhatsApp, Messenger, …): the app's secret, and the verify token that is typed into its dashboard."""

    scheme: Literal["meta"]
    verify_token: Annotated[
        Secret | None,
        Field(default=None, exclude=True, repr=False, json_schema_extra={"writeOnly": True}),
    ]

    def entered(self) -> SenderSecrets:
        """The secrets that came with the scheme."""
        token = "" if self.verify_token is None else self.verify_token.get_secret_value()
        return SenderSecrets(super().entered().secrets, token.encode())

    def sender(self, secrets: SenderSecrets) -> Sender:
        """The sender with its secrets."""
        return Meta(secrets.secrets, secrets.verify_token)


class HmacScheme(_WithSecrets):
    """Any sender that signs with an HMAC; `template` says what it signs, as in `{timestamp}.{body}`."""

    scheme: Literal["hmac"]
    header: HeaderName
    algorithm: Algorithm = Algorithm.SHA256
    encoding: Encoding = Encoding.HEX
    prefix: Prefix = ""
    template: Annotated[str, Field(max_length=512), checked(SignedTemplate)] = "{body}"
    timestamp_header: HeaderName | None = None
    timestamp_unit: Literal["seconds", "milliseconds"] = "seconds"

    @model_validator(mode="after")
    def _time_is_signed(self) -> Self:
        if SignedTemplate(self.template).has("timestamp") != (self.timestamp_header is not None):
            raise problem(
                "a timestamp counts only where it is signed: give timestamp_header and {timestamp}, or neither"
            )
        return self

    def sender(self, secrets: SenderSecrets) -> Sender:
        """The sender with its secrets."""
        signature = HmacSignature(
            self.header,
            SignedTemplate(self.template),
            self.algorithm,
            self.encoding,
            self.prefix,
            self.timestamp_header,
            1 if self.timestamp_unit == "seconds" else 1_000,
        )
        return HmacSender(secrets.secrets, signature)


class BasicScheme(_WithSecrets):
    """HTTP Basic: a user, and its password as the secret."""

    scheme: Literal["basic"]
    user: UserName

    def sender(self, secrets: SenderSecrets) -> Sender:
        """The sender with its passwords."""
        return Basic(self.user.encode(), secrets.secrets)


class ApiKeyScheme(_WithSecrets):
    """A key in a header of any name, perhaps after a `prefix` such as `Bearer `."""

    scheme: Literal["api_key"]
    header: HeaderName = "X-API-Key"
    prefix: Prefix = ""

    def sender(self, secrets: SenderSecrets) -> Sender:
        """The sender with its keys."""
        return ApiKey(secrets.secrets, self.header, self.prefix.encode())


class IpRangesScheme(_Scheme):
    """Address ranges in CIDR notation. It has no secret."""

    scheme: Literal["ip_ranges"]
    ranges: Annotated[tuple[AddressRange, ...], Field(min_length=1, max_length=MAX_RANGES)]

    def sender(self, secrets: SenderSecrets) -> Sender:  # noqa: ARG002 (it has none)
        """The sender."""
        return IpRanges(tuple(read_network(text) for text in self.ranges))


SenderScheme: TypeAlias = Annotated[
    StandardWebhooksScheme
    | PublishedScheme
    | SendGridScheme
    | MetaScheme
    | HmacScheme
    | BasicScheme
    | ApiKeyScheme
    | IpRangesScheme,
    Field(discriminator="scheme"),
]

SENDER_SCHEME: Final[TypeAdapter[SenderScheme]] = TypeAdapter(SenderScheme)
"""Reads and writes a scheme where it is no field of another model."""


def secrets_for(scheme: SenderScheme, stored: SenderScheme | None, kept: SenderSecrets) -> SenderSecrets:
    """The secrets that a scheme shall use: those entered with it, else those kept for the same scheme.

    Raises SecretsMissing where it needs one that neither has.
    """
    same = stored is not None and stored.scheme == scheme.scheme
    secrets = scheme.entered().or_else(kept if same else SenderSecrets())
    if isinstance(scheme, _WithSecrets) and not secrets.secrets:
        raise SecretsMissing("secrets", "give at least one, as the sender shows it")
    if isinstance(scheme, MetaScheme) and not secrets.verify_token:
        raise SecretsMissing("verify_token", "give the one that is typed into the app's dashboard")
    return secrets
