"""Repairs as the management API shows and takes them."""

from dataclasses import asdict
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from carewire_contracts.timestamps import Timestamp
from carewire_dispatcher.adapters.repair_desk import Preview
from carewire_dispatcher.adapters.repair_record import Repair
from carewire_dispatcher.domain.repair import Obstacle, RepairKind, RepairState, Which

Begin = Annotated[Timestamp | None, Field(alias="from", description="events from this moment on (RFC 3339)")]
End = Annotated[Timestamp | None, Field(alias="to", description="events before this moment (RFC 3339)")]


class RangeOfEvents(BaseModel):
    """Which events, by when they were published. Without an end: up to now."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    begin: Begin = None
    end: End = None

    @model_validator(mode="after")
    def _forwards(self) -> Self:
        if self.begin is not None and self.end is not None and self.begin >= self.end:
            raise ValueError("`from` must lie before `to`")
        return self


class Replay(RangeOfEvents):
    """What to send again."""

    begin: Annotated[Timestamp, Field(alias="from", description="events from this moment on (RFC 3339)")]
    which: Annotated[
        Literal[Which.FAILED, Which.MISSING, Which.ALL],
        Field(
            description="`failed`: what ended without success; `missing`: also events of which no delivery is known; "
            "`all`: everything that the endpoint wants"
        ),
    ]


class RepairView(BaseModel):
    """A repair and its progress. It is over once `ended_at` is set."""

    model_config = ConfigDict(populate_by_name=True)

    id: str
    kind: RepairKind
    which: Which
    endpoint_id: str | None
    care_flow_id: str | None
    delivery_id: str | None
    begin: Begin
    end: End
    state: RepairState
    reason: Obstacle | None
    detail: str | None = Field(description="what stopped it, and what to do about it")
    total: int = Field(description="deliveries to look at as counted at first; of a replay of events: events")
    looked_at: int
    taken: int = Field(description="deliveries that are on their way again")
    skipped: int = Field(description="left alone: not among what was asked for, or their endpoint takes nothing")
    unreadable: int = Field(description="their events are gone from Kafka")
    created_by: str | None = Field(description="id of the API key; null where it came with enabling or resuming")
    created_at: Timestamp
    ended_at: Timestamp | None

    @classmethod
    def of(cls, repair: Repair) -> Self:
        """Show a repair."""
        reason = None if repair.reason is None else Obstacle(repair.reason)
        return cls(
            id=repair.id,
            kind=repair.kind,
            which=repair.which,
            endpoint_id=repair.endpoint_id,
            care_flow_id=repair.care_flow_id,
            delivery_id=repair.delivery_id,
            begin=repair.event_from,
            end=repair.event_to,
            state=repair.state,
            reason=reason,
            detail=None if reason is None else reason.remedy,
            total=repair.total,
            looked_at=repair.looked_at,
            taken=repair.taken,
            skipped=repair.skipped,
            unreadable=repair.unreadable,
            created_by=repair.created_by,
            created_at=repair.created_at,
            ended_at=repair.ended_at,
        )


class RepairPage(BaseModel):
    """Some repairs; `next_cursor` leads to the next ones, null at the end."""

    items: list[RepairView]
    next_cursor: str | None


class FoundDelivery(BaseModel):
    """A delivery that would be sent again."""

    id: str
    endpoint_id: str
    event_id: str
    event_type: str
    event_at: Timestamp


class RepairPreview(BaseModel):
    """What a repair would take, if it were asked for now. Nothing was changed."""

    count: int = Field(description="deliveries that would be sent again")
    unreadable: int = Field(description="deliveries, or events, that are gone from Kafka")
    is_complete: bool = Field(
        description="false where there was too much to look at all of it: `count` is a least then"
    )
    first: list[FoundDelivery]

    @classmethod
    def of(cls, preview: Preview) -> Self:
        """Show a preview."""
        return cls(**asdict(preview))
