"""The one decision of ingress: whether a call may start a care flow.

`admit` is pure and total: whatever the bytes, it answers, and a refusal says everything that is wrong at once.
Who called, how fast, and whether Kafka takes the record are decided elsewhere.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, TypeAlias

from carewire_contracts.identifiers import Identifier
from carewire_contracts.record import record
from carewire_contracts.redaction import redacted
from carewire_contracts.requests import DataPointValue, Reason, ReasonCode
from carewire_ingress.domain.call import Call
from carewire_ingress.domain.filtering import Filter, explained, hidden_references, judge
from carewire_ingress.domain.identifiers import IdentifierSystems, read_identifiers
from carewire_ingress.domain.mapping import AdmissionPlan
from carewire_ingress.domain.patient_profile import read_profile
from carewire_ingress.domain.payload import read_payload
from carewire_ingress.domain.start_key import start_key
from carewire_ingress.domain.webhook import IncomingWebhook

Explanation: TypeAlias = tuple[Mapping[str, Any], ...]
"""A filter condition by condition, as `filtering.explained` tells them."""

_NO_PROFILE: Final[Mapping[str, str]] = {}
_NOTHING_HIDDEN: Final[frozenset[str]] = frozenset()


@record()
class Accepted:
    """The call starts one care flow of this release for its start key. No identifiers: an anonymous patient.

    `profile` is for a patient who gets created. `explanation` is None where the webhook has no filter.
    """

    reasons: ClassVar[tuple[Reason, ...]] = ()

    release_id: str
    start_key: str
    body_digest: str
    identifiers: tuple[Identifier, ...]
    data_points: tuple[DataPointValue, ...]
    profile: Mapping[str, str] = field(default_factory=dict, repr=False)
    explanation: Explanation | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Filtered:
    """The call is not meant for the care flow, which is nobody's error: nothing more was read of it."""

    reasons: ClassVar[tuple[Reason, ...]] = (
        Reason(ReasonCode.FILTERED, "The filter of this incoming webhook does not hold for the payload."),
    )
    data_points: ClassVar[tuple[DataPointValue, ...]] = ()

    explanation: Explanation = field(repr=False)


@dataclass(frozen=True, slots=True)
class Rejected:
    """The call starts nothing; `data_points` are those that could be read all the same."""

    reasons: tuple[Reason, ...]
    data_points: tuple[DataPointValue, ...] = field(default=())
    explanation: Explanation | None = field(default=None, repr=False)

    @property
    def is_unauthenticated(self) -> bool:
        """Whether nobody knows who called: a stranger's payload is not kept."""
        return self.reasons[0].code is ReasonCode.UNAUTHENTICATED

    @property
    def is_disabled(self) -> bool:
        """Whether the webhook was off: the sender's payload is not at fault."""
        return self.reasons[0].code is ReasonCode.DISABLED


Admission: TypeAlias = Accepted | Filtered | Rejected


@record(repr=False)
class Meant:
    """A call halfway: its payload can be read, and the filter, if there is any, lets it through."""

    payload: object
    explanation: Explanation | None = None


_DISABLED = Rejected(
    (Reason(ReasonCode.DISABLED, "This incoming webhook is disabled; enable it to start care flows."),)
)


def admit(plan: AdmissionPlan, systems: IdentifierSystems, call: Call) -> Admission:
    """Decide about one call. A test is judged as if the webhook were enabled."""
    sifted = sift(plan, call)
    return accept(plan, systems, call, sifted) if isinstance(sifted, Meant) else sifted


def sift(plan: AdmissionPlan, call: Call) -> Meant | Filtered | Rejected:
    """The first half of `admit`: what is left is meant for the care flow.

    Whoever decides about many calls at once does so half by half, which keeps the code of each half at hand.
    """
    webhook = plan.webhook
    if not webhook.enabled and not call.is_test:
        return _DISABLED
    payload = read_payload(call.content_type, call.body)
    if isinstance(payload, Reason):
        return Rejected((*plan.obstacles, payload))
    if webhook.filter is None:
        return Meant(payload)
    passes, explanation = _filtered(webhook, webhook.filter, call, payload)
    return Meant(payload, explanation) if passes else Filtered(explanation)


def _filtered(webhook: IncomingWebhook, chosen: Filter, call: Call, payload: object) -> tuple[bool, Explanation]:
    evaluation = judge(chosen, payload, call.received_at)
    queries = webhook.redacted
    hidden = hidden_references(chosen, payload, redacted(payload, queries)) if queries else _NOTHING_HIDDEN
    return evaluation.satisfied, tuple(explained(chosen, evaluation, hidden))


def accept(plan: AdmissionPlan, systems: IdentifierSystems, call: Call, meant: Meant) -> Accepted | Rejected:
    """The other half: read all that the care flow starts with, so that everything wrong with it is said at once."""
    webhook, payload = plan.webhook, meant.payload
    reasons = list(plan.obstacles)
    data_points = _read_data_points(plan, payload, reasons)
    identifiers, faults = read_identifiers(webhook, systems, payload)
    reasons += faults
    profile = _read_profile(webhook, call, payload, reasons) if webhook.profile else _NO_PROFILE
    key = start_key(webhook, call, payload)
    if isinstance(key, Reason):
        reasons.append(key)
    elif plan.release_id is not None and not reasons:
        digest = hashlib.sha256(call.body).hexdigest()
        return Accepted(plan.release_id, key, digest, identifiers, data_points, profile, meant.explanation)
    return Rejected(tuple(reasons), data_points, meant.explanation)


def _read_data_points(plan: AdmissionPlan, payload: object, reasons: list[Reason]) -> tuple[DataPointValue, ...]:
    values = list(plan.constants)
    for read in plan.readers:
        found = read(payload)
        if isinstance(found, DataPointValue):
            values.append(found)
        elif found is not None:
            reasons.append(found)
    return tuple(values)


def _read_profile(webhook: IncomingWebhook, call: Call, payload: object, reasons: list[Reason]) -> Mapping[str, str]:
    profile, faults = read_profile(webhook.profile, payload, call.received_at.date())
    reasons += faults
    return {field.value: text for field, text in profile.items()}
