"""`endpoint.*`: a subscriber's endpoint is failing, was disabled or recovered. They tell of no patient."""

from typing import Literal

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
