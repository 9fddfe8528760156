"""The one decision of ingress: whether a call may start a care flow.

`admit` is pure and total: whatever the bytes, it answers, and a refusal says everything that is wrong at once.
Who called, how fast, and whether Kafka takes the record are decided elsewhere.
"""

import hashlib
from dataclasses import dataclass, field
from typing import TypeAlias

from carewire_contracts.identifiers import Identifier
from carewire_contracts.record import record
from carewire_contracts.requests import DataPointValue, Reason, ReasonCode
from carewire_ingress.domain.call import Call
from carewire_ingress.domain.identifiers import IdentifierSystems, read_identifiers
from carewire_ingress.domain.mapping import AdmissionPlan
from carewire_ingress.domain.payload import read_payload
from carewire_ingress.domain.start_key import start_key


@record()
class Accepted:
    """The call starts one care flow of this release for its start key. No identifiers: an anonymous patient."""

    release_id: str
    start_key: str
    body_digest: str
    identifiers: tuple[Identifier, ...]
    data_points: tuple[DataPointValue, ...]


@dataclass(frozen=True, slots=True)
class Rejected:
    """The call starts nothing; `data_points` are those that could be read all the same."""

    reasons: tuple[Reason, ...]
    data_points: tuple[DataPointValue, ...] = field(default=())

    @property
    def is_disabled(self) -> bool:
        """Whether the webhook was off: the sender's payload is not at fault."""
        return self.reasons[0].code is ReasonCode.DISABLED


Admission: TypeAlias = Accepted | Rejected

_DISABLED = Rejected(
    (Reason(ReasonCode.DISABLED, "This incoming webhook is disabled; enable it to start care flows."),)
)


def admit(plan: AdmissionPlan, systems: IdentifierSystems, call: Call) -> Admission:
    """Decide about one call. A test is judged as if the webhook were enabled."""
    webhook = plan.webhook
    if not webhook.enabled and not call.is_test:
        return _DISABLED
    payload = read_payload(call.content_type, call.body)
    if isinstance(payload, Reason):
        return Rejected((*plan.obstacles, payload))
    reasons = list(plan.obstacles)
    data_points = _read_data_points(plan, payload, reasons)
    identifiers, faults = read_identifiers(webhook, systems, payload)
    reasons += faults
    key = start_key(webhook, call, payload)
    if isinstance(key, Reason):
        reasons.append(key)
    elif plan.release_id is not None and not reasons:
        digest = hashlib.sha256(call.body).hexdigest()
        return Accepted(plan.release_id, key, digest, identifiers, data_points)
    return Rejected(tuple(reasons), data_points)


def _read_data_points(plan: AdmissionPlan, payload: object, reasons: list[Reason]) -> tuple[DataPointValue, ...]:
    values: list[DataPointValue] = []
    for data_point in plan.data_points:
        found = data_point.read(payload)
        if isinstance(found, DataPointValue):
            values.append(found)
        elif found is not None:
            reasons.append(found)
    return tuple(values)
