"""What dry runs and suggestions of a mapping take and give."""

import json
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from carewire_contracts.timestamps import Timestamp
from carewire_ingress.adapters.request_forms import MappedValue
from carewire_ingress.adapters.webhook_forms import CreateWebhook, UpdateWebhook
from carewire_ingress.domain.payload import JSON, is_supported, media_type

_Header = Annotated[str, Field(max_length=8_192)]

_EXAMPLE: Final[dict[str, Any]] = {
    "payload": {"event": {"id": "e-1", "type": "planned"}, "surgery": {"date": "2026-03-01"}, "pain": 4},
    "headers": {"Idempotency-Key": "e-1"},
}
_DRAFT: Final[dict[str, Any]] = {
    "name": "North clinic surgeries",
    "definition_id": "hip-surgery",
    "mapping": {"surgery_date": "$.surgery.date", "pain_score": {"path": "$.pain", "default": 0}},
}


class DryCall(BaseModel):
    """A call to judge: `payload` as JSON, or `text` as it would be sent, with its content type."""

    model_config = ConfigDict(extra="forbid")

    payload: JsonValue = None
    text: str | None = Field(None, description="the raw body, such as a form; instead of `payload`")
    content_type: str = Field(JSON, max_length=256, description="of `text`: JSON or a form")
    headers: dict[_Header, _Header] = Field(
        default_factory=dict, max_length=100, description="those that may tell the delivery"
    )

    @model_validator(mode="after")
    def _one_body(self) -> Self:
        if self.text is not None and "payload" in self.model_fields_set:
            raise ValueError("give either payload or text")
        if not is_supported(media_type(self.content_type)):
            raise ValueError("content_type: JSON (application/json or +json) or application/x-www-form-urlencoded")
        return self

    def body(self) -> bytes:
        """The bytes that the call would bring."""
        # As JSON with escapes: what is no good text in UTF-8 reaches the same judge as it would by a call.
        text = json.dumps(self.payload) if self.text is None else self.text
        return text.encode("utf-8", "surrogatepass")

    def media_type(self) -> str:
        """The bare media type of the body."""
        return JSON if self.text is None else media_type(self.content_type)

    def lower_headers(self) -> dict[str, str]:
        """The headers, names in lower case."""
        return {name.lower(): value for name, value in self.headers.items()}


class DryRunOfNew(DryCall):
    """A call, and the configuration of a webhook that need not exist."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE | {"configuration": _DRAFT}]})

    configuration: CreateWebhook


class DryRunOfStored(DryCall):
    """A call, and what would be changed of the webhook's configuration."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [_EXAMPLE | {"configuration": {"mapping": _DRAFT["mapping"]}}]}
    )

    configuration: UpdateWebhook = Field(default_factory=UpdateWebhook)


class ConfigurationFault(BaseModel):
    """One thing that keeps the configuration from being saved."""

    field: str
    message: str


class FoundIdentifier(BaseModel):
    """A patient identifier of the payload."""

    system: str
    value: str


class DryRunVerdict(BaseModel):
    """What would become of the call; nothing was stored and nothing started.

    `start_key_source` is the header or path that tells deliveries apart, or `request` where each call counts as its
    own. `filter` tells each condition. With `invalid_configuration` the call was not judged.
    """

    verdict: Literal["accepted", "filtered", "rejected", "invalid_configuration"]
    configuration_faults: list[ConfigurationFault] = Field(default_factory=list)
    reasons: list[dict[str, Any]] = Field(default_factory=list)
    filter: list[dict[str, Any]] | None = None
    data_points: list[MappedValue] = Field(default_factory=list)
    identifiers: list[FoundIdentifier] = Field(default_factory=list)
    profile: dict[str, str] = Field(default_factory=dict)
    start_key_source: str | None = None


class FittingDataPoint(BaseModel):
    """A data point that the value could fill."""

    id: str
    key: str


class SuggestedPath(BaseModel):
    """A place of the test payload. `by_label` leads to it also when arrays are ordered otherwise."""

    path: str
    by_label: str | None
    kind: str
    fits: list[FittingDataPoint]


class MappingSuggestions(BaseModel):
    """Every place of the last test payload, with the data points it could fill, the likeliest first.

    `is_cut` says that some places are left out: too many, too deep, or with a name that no path can say.
    """

    request_id: str
    received_at: Timestamp | None
    content_type: str
    paths: list[SuggestedPath]
    is_cut: bool
