"""What a repair may claim to have made anew, in the form that workers know."""

from typing import Final

from carewire_dispatcher.adapters.repair_record import Repair
from carewire_dispatcher.domain.endpoint import Endpoint
from carewire_dispatcher.domain.matching import SUBSCRIBABLE, wants_type
from carewire_dispatcher.domain.repair import Which
from carewire_dispatcher.domain.supersession import Claim, Written

_FOR_EVER: Final = 2**62


def claim_of(repair: Repair, endpoint: Endpoint | None) -> Claim | None:
    """Say what a repair has made anew by now; None where that cannot be told by an event's place and type.

    So it is where bodies decide which events the endpoint wants, or where some could not be read again: nobody may drop
    what was not made anew. What ended is in no tier, so who takes only that needs no claim.
    """
    if repair.endpoint_id is None or repair.unreadable:
        return None
    if repair.delivery_id is not None:
        return Claim(repair.epoch, repair.endpoint_id, repair.delivery_id)
    event_types = [] if endpoint is None else types_made_anew(repair, endpoint)
    if not event_types:
        return None
    written: Written = {}
    for topic, partition, first, following, _ in repair.progress["places"]:
        written.setdefault(topic, {})[partition] = (first, following)
    return Claim(
        repair.epoch,
        repair.endpoint_id,
        begin=0 if repair.event_from is None else round(repair.event_from.timestamp() * 1000),
        end=_FOR_EVER if repair.event_to is None else round(repair.event_to.timestamp() * 1000),
        event_types=frozenset(event_types),
        untried_alone=repair.which is Which.MISSING,
        written=written,
    )


def types_made_anew(repair: Repair, endpoint: Endpoint) -> list[str]:
    """List the types of which all events were made anew, in each step up to one with the endpoint as it is now.

    What an endpoint wants may be changed in the middle of a repair, and changed back.
    """
    if endpoint.definition_ids is not None or endpoint.filter is not None:
        return []
    wanted, before = {name for name in SUBSCRIBABLE if wants_type(endpoint, name)}, repair.progress.get("types")
    return sorted(wanted if before is None else wanted.intersection(before))
