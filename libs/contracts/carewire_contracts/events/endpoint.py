"""`endpoint.*`: a subscriber's endpoint is failing, was disabled or recovered. They tell of no patient.

`endpoint.heartbeat` alone is on no topic: it is sent to the endpoint of which it tells.
"""

from typing import Annotated, Literal

from pydantic import Field

from carewire_contracts.timestamps import Timestamp
from carewire_contracts.wire import Message


class EndpointEvent(Message):
    """What every endpoint event says. `host` is the host of its URL alone: a path may hold a secret."""

    endpoint_id: str
    tenant_id: str
    host: str
    date: Timestamp


class EndpointWarning(EndpointEvent):
    """Deliveries have been failing; unless one succeeds, the endpoint is disabled at `disables_at`."""

    event_type: Literal["endpoint.warning"] = "endpoint.warning"
    failing_since: Timestamp
    disables_at: Timestamp


class EndpointDisabled(EndpointEvent):
    """The endpoint gets no deliveries any more: it kept failing, answered 410 Gone, or somebody disabled it."""

    event_type: Literal["endpoint.disabled"] = "endpoint.disabled"
    reason: Literal["failing", "gone", "operator"]


class EndpointRecovered(EndpointEvent):
    """A delivery succeeded after a warning."""

    event_type: Literal["endpoint.recovered"] = "endpoint.recovered"
    failing_since: Timestamp


class HandedOut(Message):
    """One event of an endpoint's sequence. `id` is its `webhook-id`, `date` when it was published."""

    sequence: Annotated[int, Field(ge=1)]
    id: str
    event_type: str
    date: Timestamp


class EndpointHeartbeat(Message):
    """What an endpoint is to have received: all that was handed out to it since the heartbeat before.

    Events of an endpoint are numbered from 1, without a gap, in the order in which they were noted. This one lists the
    numbers behind `after` up to `through`; with equal ones, nothing was handed out. The heartbeat before ended at
    `after`.
    """

    event_type: Literal["endpoint.heartbeat"] = "endpoint.heartbeat"
    endpoint_id: str
    tenant_id: str
    date: Timestamp
    after: Annotated[int, Field(ge=0)]
    through: Annotated[int, Field(ge=0)]
    events: list[HandedOut]
