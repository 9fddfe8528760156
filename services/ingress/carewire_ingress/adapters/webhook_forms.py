"""What the management API of incoming webhooks takes and gives."""

from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from carewire_contracts.json_path import MAX_PATH_LENGTH
from carewire_contracts.requests import EnrolmentGuard
from carewire_contracts.rules import Rule
from carewire_contracts.timestamps import Timestamp
from carewire_contracts.values import ValueType
from carewire_ingress.domain.configuration import Configuration, IdentifierSource, StartKeyConfiguration
from carewire_ingress.domain.ending_token import DEFAULT_OVERLAP, MAX_OVERLAP
from carewire_ingress.domain.patient_profile import ProfileField
from carewire_ingress.domain.rate import RateLimit
from carewire_ingress.domain.senders.sender_scheme import MAX_RANGES, AddressRange, SenderScheme
from carewire_ingress.domain.value_source import ValueSource
from carewire_ingress.domain.webhook_state import WebhookState


def _of_path(given: object) -> object:
    """A text alone is a path: what most sources are."""
    return {"path": given} if isinstance(given, str) else given


_Name = Annotated[str, Field(min_length=1, max_length=200)]
_Id = Annotated[str, Field(min_length=1, max_length=128)]
_Path = Annotated[str, Field(max_length=MAX_PATH_LENGTH, description="JSONPath (RFC 9535)")]
_Source = Annotated[ValueSource, BeforeValidator(_of_path, json_schema_input_type=ValueSource | _Path)]
_Mapping = Annotated[
    dict[_Id, _Source],
    Field(max_length=500, description="data point id -> JSONPath, or `{path, default}`, or `{constant}`"),
]
_Profile = Annotated[
    dict[ProfileField, _Source],
    Field(description="profile field -> JSONPath, `{path, default}` or `{constant}`; for a patient who gets created"),
]
_Identifiers = Annotated[
    tuple[IdentifierSource, ...],
    Field(description="where identifiers stand; by default `patient_identifier` at the payload's root"),
]
# Of types that others use too, what is said is said of the whole union: pydantic would write it into the type itself.
_Filter = Annotated[
    Rule | None, Field(description="calls for which it does not hold are REJECTED; references are JSONPaths")
]
_GUARD = Field(description="what happens when the patient has or had this care flow")
_Redacted = Annotated[
    tuple[_Path, ...], Field(max_length=100, description="what of a payload nobody is shown in the log")
]
_Sender = Annotated[SenderScheme | None, Field(description="who calls; without one, whoever has the URL is believed")]
_AllowedIps = Annotated[
    tuple[AddressRange, ...],
    Field(max_length=MAX_RANGES, description="CIDR ranges that calls have to come from, beside what `sender` asks"),
]
_Rate = Annotated[RateLimit | None, Field(description="calls a second, and how many at once; above it 429")]


class CreateWebhook(BaseModel):
    """A new incoming webhook."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "name": "North clinic surgeries",
                    "definition_id": "hip-surgery",
                    "mapping": {
                        "surgery_date": "$.surgery.date",
                        "pain_score": {"path": "$.pain", "default": 0},
                        "clinic": {"constant": "north"},
                    },
                    "identifiers": [{"system": "https://north-clinic.example/mrn", "value_path": "$.patient.mrn"}],
                    "start_key": {"path": "$.event.id"},
                    "profile": {"first_name": "$.patient.given", "birth_date": "$.patient.born"},
                    "filter": {"all": [{"reference": "$.event.type", "operator": "is_equal_to", "operand": "planned"}]},
                    "enrolment_guard": "skip_when_active",
                }
            ]
        },
    )

    name: _Name
    definition_id: _Id
    mapping: _Mapping = Field(default_factory=dict)
    identifiers: _Identifiers = ()
    start_key: StartKeyConfiguration = StartKeyConfiguration()
    profile: _Profile = Field(default_factory=dict)
    filter: _Filter = None
    enrolment_guard: Annotated[EnrolmentGuard, _GUARD] = EnrolmentGuard.START_ANOTHER
    redacted: _Redacted = ()
    rate_limit: _Rate = None
    sender: _Sender = None
    allowed_ips: _AllowedIps = ()

    def configuration(self) -> Configuration:
        """The configuration in the domain's words."""
        return Configuration(**{name: getattr(self, name) for name in type(self).model_fields})


_CLEARED_BY_NULL = frozenset({"filter", "rate_limit", "sender"})


class UpdateWebhook(BaseModel):
    """What is to change; what is left out stays. Null takes a filter, a rate limit or a sender away."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"mapping": {"surgery_date": "$.surgery.date"}, "redacted": ["$.patient.ssn"]},
                {"filter": None, "rate_limit": {"per_second": 50, "burst": 100}},
            ]
        },
    )

    name: _Name | None = None
    mapping: _Mapping | None = None
    identifiers: _Identifiers | None = None
    start_key: StartKeyConfiguration | None = None
    profile: _Profile | None = None
    filter: _Filter = None
    enrolment_guard: Annotated[EnrolmentGuard | None, _GUARD] = None
    redacted: _Redacted | None = None
    rate_limit: _Rate = None
    sender: _Sender = None
    allowed_ips: _AllowedIps | None = None

    def applied_to(self, configuration: Configuration) -> Configuration:
        """The configuration with these changes; null counts as left out where it cannot mean "none"."""
        wanted: dict[str, Any] = {name: getattr(self, name) for name in self.model_fields_set}
        kept = {name: value for name, value in wanted.items() if value is not None or name in _CLEARED_BY_NULL}
        return replace(configuration, **kept)


class RotateToken(BaseModel):
    """For how long the old URL goes on answering; with 0 it ends at once, as a leaked one should."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"overlap_seconds": 3600}]})

    overlap_seconds: int = Field(
        int(DEFAULT_OVERLAP.total_seconds()), ge=0, le=int(MAX_OVERLAP.total_seconds()), description="30 days at most"
    )


class MissingDataPoint(BaseModel):
    """A required data point of the live release that has no mapping."""

    id: str
    key: str
    title: str
    value_type: ValueType


class Webhook(BaseModel):
    """An incoming webhook. `url` and `test_url` are null for viewers: whoever has them can call.

    Of the sender's secrets nothing is shown but how many there are: two during a rotation.
    """

    id: str
    name: str
    definition_id: str
    enabled: bool
    state: WebhookState
    missing_data_points: list[MissingDataPoint]
    mapping: dict[str, ValueSource]
    identifiers: tuple[IdentifierSource, ...]
    start_key: StartKeyConfiguration
    profile: dict[ProfileField, ValueSource]
    filter: Rule | None
    enrolment_guard: EnrolmentGuard
    redacted: tuple[str, ...]
    rate_limit: RateLimit | None
    sender: SenderScheme | None
    sender_secret_count: int
    allowed_ips: tuple[str, ...]
    url: str | None
    test_url: str | None
    previous_url_until: Timestamp | None
    created_at: Timestamp
    updated_at: Timestamp


class WebhookQuery(BaseModel):
    """Which webhooks are wanted; all conditions hold together."""

    model_config = ConfigDict(extra="forbid")

    state: WebhookState | None = None
    enabled: bool | None = None
    definition_id: _Id | None = None
    limit: int = Field(50, ge=1, le=200, description="how many at most")
    cursor: UUID | None = Field(None, description="`next_cursor` of the page before")


class WebhookPage(BaseModel):
    """A page of webhooks; `next_cursor` is null on the last one. A page by `state` may hold fewer than there are."""

    items: list[Webhook]
    next_cursor: str | None
