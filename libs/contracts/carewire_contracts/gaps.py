"""For teams downstream: tell from heartbeats what has not arrived.

gaps = unlisted(heartbeats)                     # numbers that no heartbeat listed: one of them is missing or late
lost = missing(heartbeat, received, before=...)  # listed, and not among the `webhook-id`s that you keep
"""

from collections.abc import Container, Iterable
from datetime import datetime

from carewire_contracts.events.endpoint import EndpointHeartbeat, HandedOut


def missing(heartbeat: EndpointHeartbeat, received: Container[str], *, before: datetime) -> list[HandedOut]:
    """List what a heartbeat names and was never received, as far as it was published before a moment.

    What came later than that may still be on its way: deliveries are retried for 24 hours.
    """
    return [event for event in heartbeat.events if event.id not in received and event.date < before]


def unlisted(heartbeats: Iterable[EndpointHeartbeat], through: int = 0) -> list[range]:
    """List the numbers that no heartbeat of an endpoint tells of, whatever order they came in.

    `through` is the number up to which all was told before; what comes after the last heartbeat isn't looked at.
    """
    gaps = []
    for heartbeat in sorted(heartbeats, key=lambda one: (one.after, one.through)):
        if heartbeat.after > through:
            gaps.append(range(through + 1, heartbeat.after + 1))
        through = max(through, heartbeat.through)
    return gaps
