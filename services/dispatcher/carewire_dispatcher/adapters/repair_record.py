"""A repair as its row in Postgres has it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from carewire_dispatcher.domain.repair import BY_LOG, RepairKind, RepairState, Which


@dataclass(slots=True)
class Repair:
    """One repair. A step changes it, and is saved whole or not at all.

    `progress` says where the next step begins: `cursor`, the last delivery that was looked at, and for a resume what
    its present look has found; or `places`, the ranges of offsets in which the events lie, and `types`, those of which
    all events were wanted so far.
    """

    id: str
    kind: RepairKind
    which: Which
    endpoint_id: str | None
    care_flow_id: str | None
    delivery_id: str | None
    event_from: datetime | None
    event_to: datetime | None
    epoch: int
    state: RepairState
    reason: str | None
    total: int
    looked_at: int
    taken: int
    skipped: int
    unreadable: int
    progress: dict[str, Any]
    claims: bool
    next_step_at: datetime
    created_by: str | None
    created_at: datetime
    ended_at: datetime | None
    request_key: str | None = None

    @classmethod
    def of(cls, row: Any) -> Self:
        """Read a row."""
        fields = dict(row)
        for name in ("id", "endpoint_id", "care_flow_id", "delivery_id"):
            fields[name] = None if fields[name] is None else str(fields[name])
        kind, which, state = RepairKind(fields["kind"]), Which(fields["which"]), RepairState(fields["state"])
        return cls(**fields | {"kind": kind, "which": which, "state": state})

    @property
    def begins_with_the_log(self) -> bool:
        """Whether deliveries are looked up in the log; else events are looked at one after the other."""
        return self.delivery_id is not None or self.which in BY_LOG

    def end(self, state: RepairState, at: datetime, reason: str | None = None) -> None:
        """Note that it is over."""
        self.state, self.ended_at, self.reason = state, at, reason
