"""Sending a request again: which may be, and under which start key, so that a call starts one care flow for ever.

Staff may click twice, and resubmit a resubmission; a sender may repeat what was refused or failed, before that and
after. A call with a key of its sender's is first sent again under that one, unless it failed under it. Else all that
descends from one call shares its start keys: the key is derived from that call (or its sender's key) and the number of
keys that its line has used up. A key is used up by a request that the orchestrator ended FAILED under it; then no care
flow was started under it and none ever will be, so the next key is safe. Under one key, whatever else comes is a
duplicate.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from carewire_contracts.record import record
from carewire_contracts.statuses import FailureReason, RequestStatus
from carewire_ingress.domain.request_filter import RESUBMITTABLE
from carewire_runtime.ids import derived_id

_KEY_NOT_USED_UP: Final = frozenset({FailureReason.NOT_ACKNOWLEDGED, FailureReason.IDEMPOTENCY_KEY_REUSED})
"""The orchestrator ends an expired record before it looks at its key, and a reused key belongs to another request."""


@record()
class Sent:
    """One request of a line: a call or a resubmission. `status` is None where the log does not keep it any more.

    `start_key` is the one that its sender's own key gives a call that was rejected or failed.
    """

    request_id: str
    status: str | None
    failure_reason: str | None
    start_key: str | None = None


def resubmission_key(line: Sequence[Sent]) -> str:
    """The start key under which the first of a line is sent again; the last of it is the call of a third party."""
    *resubmissions, call = line
    # A call without a key of its sender's used up its request id, which nothing is sent again under.
    used_up = sum(_used_its_key_up(sent) for sent in (resubmissions if call.start_key is None else line))
    if used_up == 0 and call.start_key is not None:
        return call.start_key
    return derived_id("resubmission", call.start_key or call.request_id, str(used_up))


def _used_its_key_up(sent: Sent) -> bool:
    return sent.status == RequestStatus.FAILED and sent.failure_reason not in _KEY_NOT_USED_UP


class Obstacle(StrEnum):
    """Why a request can't be sent again, whatever its content. The list is closed: the API relies on it."""

    UNKNOWN_REQUEST = "unknown_request"
    NOT_RESUBMITTABLE = "not_resubmittable"
    PAYLOAD_NOT_KEPT = "payload_not_kept"
    WEBHOOK_DELETED = "webhook_deleted"
    TOO_LARGE = "too_large"

    @property
    def remedy(self) -> str:
        """What staff read: the cause and the cure."""
        return _REMEDIES[self]


_REMEDIES: Final = {
    Obstacle.UNKNOWN_REQUEST: "There is no such request; it may have been deleted for its age.",
    Obstacle.NOT_RESUBMITTABLE: "Only REJECTED and FAILED requests can be sent again; see how this one ends.",
    Obstacle.PAYLOAD_NOT_KEPT: "The payload was not kept, so the third party has to send it again.",
    Obstacle.WEBHOOK_DELETED: "The incoming webhook was deleted; have the third party call another one.",
    Obstacle.TOO_LARGE: "The payload is larger than what a call may have now; raise CAREWIRE_MAX_BODY_BYTES.",
}


def obstacle_of(status: str, payload_bytes: int | None, *, webhook_exists: bool, most_bytes: int) -> Obstacle | None:
    """Why a logged request can't be sent again; None where `admit` may judge it. `payload_bytes`: None if not kept."""
    if status not in RESUBMITTABLE:
        return Obstacle.NOT_RESUBMITTABLE
    if payload_bytes is None:
        return Obstacle.PAYLOAD_NOT_KEPT
    if not webhook_exists:
        return Obstacle.WEBHOOK_DELETED
    return Obstacle.TOO_LARGE if payload_bytes > most_bytes else None
