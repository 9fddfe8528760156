"""Deliveries and attempts as the API asks for them and shows them."""

from datetime import UTC, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, computed_field

from carewire_contracts.timestamps import Timestamp
from carewire_dispatcher.adapters.exchange_reader import Exchange, Missing
from carewire_dispatcher.domain.classify import Failure
from carewire_dispatcher.domain.delivery_filter import AttemptFilter, DeliveryFilter
from carewire_dispatcher.domain.explanation import explanation
from carewire_dispatcher.domain.log_entry import DeliveryStatus
from carewire_dispatcher.domain.signature import ID_HEADER, TIMESTAMP_HEADER

_StatusCode = Annotated[int | None, Field(ge=100, le=599, description="what the last attempt was answered")]
_Failure = Annotated[Failure | None, Field(description="why the last attempt was not answered")]
_Begin = Annotated[Timestamp | None, Field(alias="from", description="from this moment on (RFC 3339)")]
_End = Annotated[Timestamp | None, Field(alias="to", description="before this moment (RFC 3339)")]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")

    status_code: _StatusCode = None
    failure: _Failure = None
    begin: _Begin = None
    end: _End = None


class DeliveryFilters(_Asked):
    """Which deliveries are wanted; all conditions hold together. The range of time is that of the events."""

    endpoint_id: UUID | None = None
    event_type: str | None = None
    event_id: str | None = None
    care_flow_id: UUID | None = None
    status: DeliveryStatus | None = None

    def wanted(self) -> DeliveryFilter:
        """Return them in the domain's words."""
        return DeliveryFilter(
            endpoint_id=_text(self.endpoint_id),
            event_type=self.event_type,
            event_id=self.event_id,
            care_flow_id=_text(self.care_flow_id),
            status=self.status,
            status_code=self.status_code,
            failure=self.failure,
            event_from=self.begin,
            event_to=self.end,
        )


class DeliveryQuery(DeliveryFilters):
    """A page of deliveries."""

    limit: int = Field(50, ge=1, le=200, description="entries on a page")
    cursor: str | None = Field(None, description="`next_cursor` of the page before")


class AttemptQuery(_Asked):
    """A page of an endpoint's attempts. The range of time is that of their beginning."""

    limit: int = Field(50, ge=1, le=200, description="entries on a page")
    cursor: str | None = Field(None, description="`next_cursor` of the page before")

    def wanted(self, endpoint_id: UUID) -> AttemptFilter:
        """Return it in the domain's words."""
        return AttemptFilter(str(endpoint_id), self.status_code, self.failure, self.begin, self.end)


class DeliveryView(BaseModel):
    """One event on its way to one endpoint. `next_attempt_at` is null once it ended.

    `status_code` and `failure` say what the last attempt came to.
    """

    id: str
    endpoint_id: str
    event_id: str
    event_type: str
    event_at: Timestamp
    care_flow_id: str | None
    status: DeliveryStatus
    reason: str | None
    attempts: int
    status_code: int | None
    failure: str | None
    first_attempt_at: Timestamp | None
    next_attempt_at: Timestamp | None
    updated_at: Timestamp


class DeliveryPage(BaseModel):
    """Some deliveries; `next_cursor` leads to the next ones, null at the end."""

    items: list[DeliveryView]
    next_cursor: str | None


class AttemptView(BaseModel):
    """One HTTP call. Either `status_code` or `failure` is set; `explanation` says in a sentence what it means."""

    id: str
    delivery_id: str
    number: int
    started_at: Timestamp
    duration_ms: int
    status_code: int | None
    failure: str | None
    outcome: str

    @computed_field  # type: ignore[prop-decorator]
    @property
    def explanation(self) -> str:
        """What happened, and where to look."""
        return explanation(self.status_code, self.failure)


class AttemptPage(BaseModel):
    """Some attempts; `next_cursor` leads to the next ones, null at the end."""

    items: list[AttemptView]
    next_cursor: str | None


class RequestView(BaseModel):
    """A call as it was sent. A value that is not kept is shown as a dot."""

    method: str = "POST"
    url: str
    headers: dict[str, str]


class AnswerView(BaseModel):
    """An answer as far as it is kept: technical headers, and whether the beginning of its body is."""

    headers: dict[str, str]
    body_kept: bool


class LoggedAttempt(AttemptView):
    """A call with what was sent and answered, but for the bodies.

    `request` is null where the log was not told; `answer` is null where there was none, or where it is not kept.
    """

    request: RequestView | None
    answer: AnswerView | None

    @classmethod
    def of(cls, row: dict[str, Any], event_id: str) -> Self:
        """Show a row."""
        return cls(**row, request=_request(row, event_id), answer=_answer(row))


class DeliveryDetails(DeliveryView):
    """A delivery with all its attempts, and where its event stands in Kafka."""

    event_topic: str
    event_partition: int
    event_offset: int
    attempt_log: list[LoggedAttempt]


class AttemptWithBodies(LoggedAttempt):
    """A call with the bodies of both sides.

    `request_body` is made again of its event, byte by byte what was sent; where it is null `request_body_missing` says
    why: Kafka no longer holds the event, or does not answer, or the log was not told in which form it was sent.
    `answer_body` is the beginning of what the receiver said, null where none is kept. What the endpoint has `redacted`
    is `[redacted]` in both, which are then written anew; a body that is no JSON, or whose beginning alone is kept, is
    `"[redacted]"` as a whole.
    """

    request_body: str | None
    request_body_missing: Missing | None
    answer_body: str | None

    @classmethod
    def looked_at(cls, exchange: Exchange) -> Self:
        """Show an attempt that somebody looks at."""
        row, sent, answered = exchange.row, exchange.sent, exchange.answered
        missing = sent if isinstance(sent, Missing) else None
        shown = {
            "request": _request(row, row["event_id"]),
            "answer": _answer(row),
            "request_body": None if isinstance(sent, Missing) else sent.decode("utf-8", "replace"),
            "request_body_missing": missing,
            "answer_body": None if answered is None else answered.decode("utf-8", "replace"),
        }
        return cls(**row | shown)


def _request(row: dict[str, Any], event_id: str) -> RequestView | None:
    if row["request_url"] is None:
        return None
    started_at: datetime = row["started_at"]
    own = {ID_HEADER: event_id, TIMESTAMP_HEADER: str(int(started_at.astimezone(UTC).timestamp()))}
    return RequestView(url=row["request_url"], headers=row["request_headers"] | own)


def _answer(row: dict[str, Any]) -> AnswerView | None:
    headers = row["answer_headers"]
    return None if headers is None else AnswerView(headers=headers, body_kept=row["answer_body"] is not None)


def _text(given: UUID | None) -> str | None:
    return None if given is None else str(given)
