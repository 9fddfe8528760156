"""What the management API of the request log takes and gives."""

from typing import Annotated, Any, Final, Literal, Self
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from carewire_contracts.requests import ReasonCode
from carewire_contracts.statuses import FailureReason, RequestStatus, SkipReason
from carewire_contracts.timestamps import Timestamp
from carewire_ingress.domain.request_filter import RequestFilter
from carewire_ingress.domain.resubmission import Obstacle
from carewire_runtime.http.cursor import Cursor

MOST_RESUBMITTED: Final = 1_000
MOST_COUNTED: Final = 10_000
"""What remains is counted up to here: counting on would read the whole log."""


def _known_code(given: object) -> object:
    # Before the two lists are tried one after the other, each with a complaint of its own.
    if given is not None and str(given) not in {*ReasonCode, *FailureReason}:
        raise ValueError("no reason has this code; take one of `reasons` or `failure_reason` of a request")
    return given


class Filters(BaseModel):
    """Which requests are wanted; all conditions hold together."""

    model_config = ConfigDict(extra="forbid")

    status: list[RequestStatus] = Field(default_factory=list, max_length=6, description="any of these")
    webhook_id: UUID | None = None
    definition_id: str | None = Field(None, max_length=128)
    care_flow_id: str | None = Field(None, max_length=128)
    request_id: UUID | None = None
    reason: Annotated[ReasonCode | FailureReason | None, BeforeValidator(_known_code)] = Field(
        None, description="code of a reason of the refusal or failure"
    )
    received_from: Timestamp | None = Field(None, description="from this moment on (RFC 3339)")
    received_to: Timestamp | None = Field(None, description="before this moment (RFC 3339)")
    resubmittable: bool = Field(
        default=False, description="only those that can be sent again, and were not sent again yet"
    )

    def wanted(self) -> RequestFilter:
        """The filter in the domain's words."""
        return RequestFilter(
            statuses=tuple(self.status),
            webhook_id=None if self.webhook_id is None else str(self.webhook_id),
            definition_id=self.definition_id,
            care_flow_id=self.care_flow_id,
            request_id=None if self.request_id is None else str(self.request_id),
            reason=self.reason,
            received_from=self.received_from,
            received_to=self.received_to,
            resubmittable=self.resubmittable,
        )


class ListQuery(Filters):
    """A page of the log."""

    limit: int = Field(50, ge=1, le=200, description="how many at most")
    cursor: Cursor | None = None


class ExportQuery(Filters):
    """An export of the log."""

    payload: bool = Field(
        default=False, description="with payloads and mapped values; each request shown is recorded in the audit"
    )


class RequestSummary(BaseModel):
    """One line of the log."""

    id: str
    webhook_id: str
    webhook_name: str | None
    definition_id: str
    status: RequestStatus
    received_at: Timestamp | None
    care_flow_id: str | None
    patient_id: str | None
    duplicate_of: str | None


class ReachedStatus(BaseModel):
    """A status, when it was reached, and what was done then."""

    status: RequestStatus
    at: Timestamp
    done: str


class MappedValue(BaseModel):
    """A baseline data point; its key, if the live release knows it. A value that is not shown is null."""

    data_point_definition_id: str
    key: str | None
    value_type: str
    value: Any


class FilterCondition(BaseModel):
    """A condition of the webhook's filter as it was when the call came, what it compared, and the outcome.

    `operand_reference` is the path of an operand that stood in the payload. Values that are not shown are null.
    """

    at: str
    id: str | None
    reference: str
    operator: str
    operand_reference: str | None = None
    operand: Any
    value: Any
    satisfied: bool
    empty: bool


class RequestDetails(RequestSummary):
    """Everything known of a request.

    `headers` are the technical ones of the call. `filter` is null where the webhook had none, or where it was not
    come to. With a `skip_reason` the enrolment guard let the request start nothing.

    `payload` is the body as JSON (of a form: its fields), or as text where it is neither; without what the webhook
    has redacted. `resubmitted_as` are the requests as which this one was sent again.
    """

    statuses: list[ReachedStatus]
    reasons: list[dict[str, Any]]
    failure_reason: str | None
    failure_message: str | None
    skip_reason: SkipReason | None
    filter: list[FilterCondition] | None
    data_points: list[MappedValue]
    headers: dict[str, str]
    content_type: str | None
    payload_kept: bool
    payload: Any
    resubmission_of: str | None
    resubmitted_as: list[str]


class RequestPage(BaseModel):
    """A page of the log; `next_cursor` is null on the last one."""

    items: list[RequestSummary]
    next_cursor: str | None


class Resubmitted(BaseModel):
    """The new request: it was stored, and starts a care flow unless its call has started one by now."""

    request_id: str
    status: Literal["SCHEDULED"] = "SCHEDULED"
    resubmission_of: str


class ResubmitMany(BaseModel):
    """Which requests are to be sent again: by their ids, or all that filters find, newest first."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"ids": ["019cad9d-dd48-7000-8000-000000000001"]},
                {"filters": {"webhook_id": "019cad9d-dd48-7000-8000-000000000002", "reason": "no_match"}, "limit": 200},
            ]
        },
    )

    ids: list[UUID] | None = Field(None, min_length=1, max_length=MOST_RESUBMITTED)
    filters: Filters | None = None
    limit: int = Field(100, ge=1, le=MOST_RESUBMITTED, description="how many at most, with filters")
    cursor: Cursor | None = None

    @model_validator(mode="after")
    def _either(self) -> Self:
        if (self.ids is None) == (self.filters is None):
            raise ValueError("give either ids or filters")
        if self.ids is not None and self.cursor is not None:
            raise ValueError("a cursor goes with filters")
        return self


class ResubmissionOutcome(BaseModel):
    """What became of one request.

    `not_acknowledged`: Kafka did not confirm it in time; send it again, it starts one care flow at most.
    `not_tried`: Kafka did not confirm one before it.
    """

    request_id: str
    outcome: Literal["scheduled", "rejected", "not_acknowledged", "not_tried"] | Obstacle
    resubmitted_as: str | None = None
    reasons: list[dict[str, Any]] = Field(default_factory=list)
    detail: str | None = None


class ManyResubmitted(BaseModel):
    """The outcome of each. `remaining`: how many the filters find after these, counted up to 10,000."""

    items: list[ResubmissionOutcome]
    remaining: int
    next_cursor: str | None
