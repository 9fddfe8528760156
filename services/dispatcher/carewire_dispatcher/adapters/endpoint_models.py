"""What the management API takes of endpoints; how it shows them stands in `endpoint_view`."""

import re
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from carewire_contracts.json_path import MAX_PATH_LENGTH
from carewire_contracts.rules import Rule
from carewire_dispatcher.adapters.endpoint_keys import SCHEMES, Scheme
from carewire_dispatcher.domain.endpoint import (
    DEFAULT_CONCURRENCY,
    DEFAULT_TIMEOUT_S,
    MOST_SHARDS,
    ContentMode,
    Payload,
)
from carewire_dispatcher.domain.matching import SUBSCRIBABLE
from carewire_dispatcher.domain.redaction import MOST_PATHS
from carewire_dispatcher.domain.schedule import schedule_fault
from carewire_dispatcher.domain.signature import RSA_SIGNATURE_HEADER

_OURS: Final = frozenset(
    {
        "host",
        "content-length",
        "content-type",
        "transfer-encoding",
        "connection",
        "user-agent",
        "traceparent",
        RSA_SIGNATURE_HEADER,
    }
)
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_HEADER_VALUE: Final = re.compile(r"[\x20-\x7e\t]{0,4000}")
_HEADERS_MAX: Final = 20


def _known_types(types: list[str] | None) -> list[str] | None:
    unknown = [number for number, name in enumerate(types or ()) if name not in SUBSCRIBABLE]
    if unknown:
        raise ValueError(f"entries {unknown} are no event types; see the list of events")
    return None if types is None else sorted(set(types))


def _sendable(headers: dict[str, str]) -> dict[str, str]:
    lowered = {name.lower() for name in headers}
    if len(headers) > _HEADERS_MAX or len(lowered) < len(headers):
        raise ValueError(f"at most {_HEADERS_MAX} headers, each name once")
    if lowered & _OURS or any(name.startswith("webhook-") for name in lowered):
        raise ValueError(f"these are set by Carewire: webhook-*, {', '.join(sorted(_OURS))}")
    if not all(_HEADER_NAME.fullmatch(n) and _HEADER_VALUE.fullmatch(v) for n, v in headers.items()):
        raise ValueError("header names are letters, digits and dashes, values one line of ASCII")
    return headers


def _growing(offsets: tuple[int, ...] | None) -> tuple[int, ...] | None:
    fault = None if offsets is None else schedule_fault(offsets)
    if fault is not None:
        raise ValueError(fault)
    return offsets


Name = Annotated[str, Field(min_length=1, max_length=200, description="what staff call it")]
Url = Annotated[str, Field(max_length=2000, description="where events are sent by POST; HTTPS")]
EventTypes = Annotated[
    list[str] | None,
    Field(min_length=1, description="event types to send; null sends every domain event"),
    AfterValidator(_known_types),
]
DefinitionIds = Annotated[
    list[str] | None,
    Field(min_length=1, max_length=500, description="care-flow definitions to send events of; null: all"),
]
CustomHeaders = Annotated[
    dict[str, str],
    Field(description="sent with each call; values are stored encrypted and never shown again"),
    AfterValidator(_sendable),
]
Concurrency = Annotated[int, Field(ge=1, le=200, description="calls at a time")]
RatePerS = Annotated[
    float | None,
    Field(ge=0.01, le=10_000, description="calls a second; what is too much waits for its turn. null: no bound"),
]
TimeoutS = Annotated[float, Field(ge=0.1, le=10, description="seconds for one call, all in all")]


Filter = Annotated[
    Rule | None, Field(description="events for which it does not hold are not sent; references are JSONPaths")
]
PayloadChoice = Annotated[Payload, Field(description="`thin` sends ids and the type alone, to be looked up")]
ContentModeChoice = Annotated[ContentMode, Field(description="`cloudevents` sends structured CloudEvents")]
Signing = Annotated[
    list[Scheme],
    Field(min_length=1, description="what signs: `hmac` (`v1`), `ed25519` (`v1a`), `rsa` (`x-awell-signature`)"),
    AfterValidator(lambda given: [scheme for scheme in SCHEMES if scheme in given]),
]
RetryOffsets = Annotated[
    tuple[int, ...] | None,
    Field(
        description="seconds from the first attempt to each one, beginning with 0; null: 17 attempts in 24 hours",
    ),
    AfterValidator(_growing),
]
TerminalStatuses = Annotated[
    frozenset[Annotated[int, Field(ge=300, le=599)]],
    Field(description="status codes after which a delivery has failed at once"),
]
Shards = Annotated[
    int,
    Field(
        ge=1,
        le=MOST_SHARDS,
        description="partitions that share the work of a busy endpoint; `concurrency` at most",
    ),
]
HeartbeatS = Annotated[
    int | None,
    Field(
        ge=60,
        le=86_400,
        description="seconds between heartbeats, which tell the receiver what it is to have received; null: none",
    ),
]
Redacted = Annotated[
    list[Annotated[str, Field(max_length=MAX_PATH_LENGTH, description="JSONPath (RFC 9535)")]],
    Field(max_length=MOST_PATHS, description="what of the bodies that were sent and answered nobody is shown"),
]


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")

    def fields(self) -> dict[str, Any]:
        """Give the fields as the store keeps them."""
        given = self.model_dump(mode="json")
        if "terminal_statuses" in given:
            given["terminal_statuses"].sort()
        return given


class NewEndpoint(_Given):
    """An endpoint to create."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Hospital CRM",
                    "url": "https://crm.north-clinic.example/hooks/carewire",
                    "event_types": ["activity.created", "pathway.completed"],
                    "filter": {
                        "all": [{"reference": "$.activity.object.type", "operator": "is_equal_to", "operand": "form"}]
                    },
                    "headers": {"Authorization": "Bearer of-the-receiver"},
                    "rate_per_s": 50,
                }
            ]
        }
    )

    name: Name
    url: Url
    event_types: EventTypes = None
    definition_ids: DefinitionIds = None
    filter: Filter = None
    headers: CustomHeaders = Field(default_factory=dict)
    payload: PayloadChoice = "full"
    content_mode: ContentModeChoice = "flat"
    signing: Signing = ["hmac"]
    enabled: bool = True
    concurrency: Concurrency = DEFAULT_CONCURRENCY
    timeout_s: TimeoutS = DEFAULT_TIMEOUT_S
    rate_per_s: RatePerS = None
    retry_offsets_s: RetryOffsets = None
    terminal_statuses: TerminalStatuses = frozenset()
    shards: Shards = 1
    heartbeat_s: HeartbeatS = None
    redacted: Redacted = []


class EndpointChange(_Given):
    """Fields to set; those that are left out stay as they are."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"filter": None, "terminal_statuses": [400, 422], "concurrency": 4}]}
    )

    name: Name = ""
    url: Url = ""
    event_types: EventTypes = None
    definition_ids: DefinitionIds = None
    filter: Filter = None
    headers: CustomHeaders = Field(default_factory=dict)
    payload: PayloadChoice = "full"
    content_mode: ContentModeChoice = "flat"
    signing: Signing = ["hmac"]
    concurrency: Concurrency = DEFAULT_CONCURRENCY
    timeout_s: TimeoutS = DEFAULT_TIMEOUT_S
    rate_per_s: RatePerS = None
    retry_offsets_s: RetryOffsets = None
    terminal_statuses: TerminalStatuses = frozenset()
    shards: Shards = 1
    heartbeat_s: HeartbeatS = None
    redacted: Redacted = []

    def fields(self) -> dict[str, Any]:
        """Give the fields that were said."""
        return {name: value for name, value in super().fields().items() if name in self.model_fields_set}


class Rotation(BaseModel):
    """Which key is replaced, and for how long the old one goes on signing; with 0 it ends at once."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"overlap_s": 3600}]})

    scheme: Scheme = "hmac"
    overlap_s: int = Field(86_400, ge=0, le=30 * 86_400, description="30 days at most; an RSA key is replaced at once")


class Retirement(BaseModel):
    """Which scheme signs with its newest key alone from now on."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"scheme": "ed25519"}]})

    scheme: Scheme = "hmac"
