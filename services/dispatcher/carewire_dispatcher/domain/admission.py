"""Which lane a fresh delivery takes: fast, as long as its endpoint stays within its quota, else bulk.

The worker takes fast before bulk, so what one endpoint gets beyond its quota keeps nobody else waiting.
"""

from typing import Final

from carewire_contracts.record import record
from carewire_contracts.topics import Lane
from carewire_dispatcher.domain import rate
from carewire_dispatcher.domain.endpoint import Endpoint

QUOTA_PER_S: Final = 200
"""A twentieth of the 4,000 deliveries a second that one worker makes. Less, where the endpoint bears less;
as much for each of its shards."""
BURST_MS: Final = 5_000
"""How much of the quota may come at once: 1,000 deliveries keep others waiting for a quarter of a second."""


@record()
class Admitted:
    """A delivery's lane, and until when its endpoint's quota is used up with it."""

    lane: Lane
    used_until: float


def admit(now: int, endpoint: Endpoint, used_until: float) -> Admitted:
    """Choose the lane of a delivery. What goes to the bulk lane uses nothing up."""
    quota: float = QUOTA_PER_S * endpoint.shards
    if endpoint.rate_per_s is not None:
        quota = min(quota, endpoint.rate_per_s)
    if rate.free_at(used_until, quota, BURST_MS) > now:
        return Admitted("bulk", used_until)
    return Admitted("fast", rate.used(used_until, now, quota))
