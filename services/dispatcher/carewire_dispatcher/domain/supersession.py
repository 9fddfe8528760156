"""Which records in lanes and tiers are superseded by a repair.

A worker remembers how far each delivery has come, but not for ever, and not beyond its own life. A record may wait in
a tier for hours; what was made anew meanwhile must not be sent by it too. So each repair that takes deliveries that
are still tried says so in a claim, after it has written them: what is claimed is on its way already.
"""

from collections import defaultdict
from dataclasses import field
from typing import Any, Final

import orjson

from carewire_contracts.record import record
from carewire_dispatcher.domain.delivery import Delivery

Written = dict[str, dict[int, tuple[int, int]]]
"""By topic and partition of the events: the first offset that was looked at, and the one after the last."""

_EMPTY: Final = (0, 0)


@record()
class Claim:
    """What a repair has written so far.

    One delivery, or those of the events that lie where `written` says, came between `begin` and `end`, and are of one
    of the `event_types`. With `untried_alone` only what was never tried, nor made anew: of all else the log has a row,
    by which the repair may have left it alone. Examples stand at no place of an event, and are of no repair.
    """

    epoch: int
    endpoint_id: str
    delivery_id: str | None = None
    begin: int = 0
    end: int = 0
    event_types: frozenset[str] = frozenset()
    untried_alone: bool = False
    written: Written = field(default_factory=dict)

    def covers(self, delivery: Delivery) -> bool:
        """Whether the delivery was made anew."""
        if delivery.endpoint_id != self.endpoint_id or delivery.epoch >= self.epoch:
            return False
        if self.delivery_id is not None:
            return delivery.id == self.delivery_id
        if delivery.is_test or (self.untried_alone and not _is_unknown(delivery)):
            return False
        first, behind = self.written.get(delivery.event.topic, {}).get(delivery.event.partition, _EMPTY)
        return (
            first <= delivery.event.offset < behind
            and self.begin <= delivery.event_at < self.end
            and delivery.event_type in self.event_types
        )

    def encode(self) -> bytes:
        """Write it as JSON."""
        fields = {name: getattr(self, name) for name in _FIELDS}
        fields["event_types"] = sorted(self.event_types)
        return orjson.dumps(fields, option=orjson.OPT_NON_STR_KEYS)


def _is_unknown(delivery: Delivery) -> bool:
    """Whether the log has no row of it as long as it is on its way."""
    return delivery.epoch == 0 and delivery.first_attempt_at is None


_FIELDS: Final = tuple(Claim.__dataclass_fields__)


def decode_claim(key: str, value: bytes) -> Claim:
    """Read a claim. Raises ValueError where the bytes are none."""
    try:
        fields: dict[str, Any] = orjson.loads(value)
        written: Written = {
            topic: {int(number): (int(first), int(behind)) for number, (first, behind) in places.items()}
            for topic, places in fields["written"].items()
        }
        known = {name: fields[name] for name in _FIELDS}
        return Claim(**known | {"event_types": frozenset(fields["event_types"]), "written": written})
    except (TypeError, KeyError, AttributeError):
        raise ValueError(f"the repair {key} cannot be read") from None


class Claims:
    """All claims, found by endpoint, or by the one delivery that they are of: nearly none has any."""

    def __init__(self) -> None:
        self._of: dict[str, dict[str, Claim]] = defaultdict(dict)
        self._subject_of: dict[str, str] = {}

    def put(self, repair_id: str, claim: Claim | None) -> None:
        """Note what a repair claims now; None is nothing any more."""
        before = self._subject_of.pop(repair_id, None)
        if before is not None:
            del self._of[before][repair_id]
            if not self._of[before]:
                del self._of[before]
        if claim is not None:
            # A script may retry thousands one by one, and each record of the endpoint is compared with what is of it.
            subject = claim.delivery_id or claim.endpoint_id
            self._of[subject][repair_id] = claim
            self._subject_of[repair_id] = subject

    def supersede(self, delivery: Delivery) -> bool:
        """Whether the delivery was made anew, and this record of it must go."""
        if not self._of:
            return False
        return self._covered(delivery.id, delivery) or self._covered(delivery.endpoint_id, delivery)

    def _covered(self, subject: str, delivery: Delivery) -> bool:
        claims = self._of.get(subject)
        return claims is not None and any(claim.covers(delivery) for claim in claims.values())
