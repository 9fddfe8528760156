"""One attempt, before its call and after it."""

from carewire_contracts.record import record
from carewire_contracts.topics import Lane
from carewire_dispatcher.adapters.sender import Call
from carewire_dispatcher.domain.classify import Verdict
from carewire_dispatcher.domain.delivery import Delivery
from carewire_dispatcher.domain.endpoint import Endpoint
from carewire_dispatcher.domain.exchange import SentRequest
from carewire_dispatcher.domain.log_entry import LogEntry, Tried
from carewire_runtime.telemetry.tracing import span


@record()
class Prepared:
    """An attempt that is about to be made: the delivery with it counted, and what goes out.

    `span` is None where nobody records it: there is only the `traceparent` then, which receivers get in any case.
    """

    lane: Lane
    delivery: Delivery
    endpoint: Endpoint
    started_at: int
    call: Call
    sent: SentRequest
    traceparent: str
    span: span | None


@record()
class Trial:
    """An attempt that is over: what was made, what it means, its line for the log, and the word for how it ended."""

    prepared: Prepared
    verdict: Verdict
    entry: LogEntry
    tried: Tried
    outcome: str
