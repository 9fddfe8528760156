"""What the management API of incoming webhooks takes and gives."""

from dataclasses import replace
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from carewire_contracts.timestamps import Timestamp
from carewire_ingress.domain.configuration import Configuration, IdentifierSource, StartKeyConfiguration
from carewire_ingress.domain.json_path import MAX_PATH_LENGTH

_Name = Annotated[str, Field(min_length=1, max_length=200)]
_Id = Annotated[str, Field(min_length=1, max_length=128)]
_Path = Annotated[str, Field(max_length=MAX_PATH_LENGTH, description="JSONPath (RFC 9535)")]
_Mapping = Annotated[dict[_Id, _Path], Field(max_length=500, description="data point id -> JSONPath")]
_Identifiers = Annotated[
    tuple[IdentifierSource, ...],
    Field(description="where identifiers stand; by default `patient_identifier` at the payload's root"),
]


class CreateWebhook(BaseModel):
    """A new incoming webhook."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "name": "North clinic surgeries",
                    "definition_id": "hip-surgery",
                    "mapping": {"surgery_date": "$.surgery.date"},
                    "identifiers": [{"system": "https://north-clinic.example/mrn", "value_path": "$.patient.mrn"}],
                    "start_key": {"path": "$.event.id"},
                }
            ]
        },
    )

    name: _Name
    definition_id: _Id
    mapping: _Mapping = Field(default_factory=dict)
    identifiers: _Identifiers = ()
    start_key: StartKeyConfiguration = StartKeyConfiguration()

    def configuration(self) -> Configuration:
        """The configuration in the domain's words."""
        return Configuration(self.name, self.definition_id, self.mapping, self.identifiers, self.start_key)


class UpdateWebhook(BaseModel):
    """What is to change; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    name: _Name | None = None
    mapping: _Mapping | None = None
    identifiers: _Identifiers | None = None
    start_key: StartKeyConfiguration | None = None

    def applied_to(self, configuration: Configuration) -> Configuration:
        """The configuration with these changes; null counts as left out."""
        wanted: dict[str, Any] = {name: getattr(self, name) for name in self.model_fields_set}
        return replace(configuration, **{name: value for name, value in wanted.items() if value is not None})


class Webhook(BaseModel):
    """An incoming webhook. `url` and `test_url` are null for viewers: whoever has them can call."""

    id: str
    name: str
    definition_id: str
    enabled: bool
    mapping: dict[str, str]
    identifiers: tuple[IdentifierSource, ...]
    start_key: StartKeyConfiguration
    url: str | None
    test_url: str | None
    created_at: Timestamp
    updated_at: Timestamp


class WebhookPage(BaseModel):
    """A page of webhooks; `next_cursor` is null on the last one."""

    items: list[Webhook]
    next_cursor: str | None
