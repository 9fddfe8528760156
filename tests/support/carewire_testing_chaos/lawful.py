"""A small history in which every promise was kept: what is changed in it has to be found."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from carewire_testing_chaos.history import (
    Attempt,
    Began,
    Behaviour,
    Called,
    CareFlow,
    Delivery,
    Entry,
    Heard,
    History,
    Kind,
    Leaked,
    Left,
    Logged,
    Received,
    Rested,
    Searched,
    Status,
    Story,
    Struck,
    Subscriber,
    Told,
)

STORY: Final = ("pathway.started", "activity.created", "pathway.completed")
HEALTHY, DEAD, GONE = "s-healthy", "s-dead", "s-gone"
QUIET_AT, STRUCK_AT = 1000.0, 2000.0
"""When the first care flow goes its way, and when the second one's worker is killed."""

Change = Callable[[Entry], Iterable[Entry]]


def lawful() -> list[Entry]:
    """Two care flows, one of them while a worker is killed, calls of each kind, and three subscribers."""
    return [
        Began(QUIET_AT - 10, 1, 1, "abc", 8.0, 1000.0),
        Story("d", STORY),
        Struck(0, "kill", "worker-1", STRUCK_AT, STRUCK_AT + 1),
        Struck(1, "kill", "ingress-1", QUIET_AT - 3, QUIET_AT - 2),
        Subscriber(HEALTHY, "healthy-0", Behaviour.HEALTHY, ("pathway.completed",), "d"),
        Subscriber(DEAD, "dead-0", Behaviour.DEAD, ("pathway.completed",), "d"),
        Subscriber(GONE, "gone-0", Behaviour.GONE, ("pathway.completed",), "d"),
        *_accepted(1, Kind.NEW, "k1", "b1", "p1", "cf1", QUIET_AT),
        *_accepted(2, Kind.DUPLICATE, "k1", "b1", "p1", "cf1", QUIET_AT),
        *_accepted(3, Kind.REUSED, "k1", "b2", "p1", None, QUIET_AT, "idempotency_key_reused"),
        *_accepted(4, Kind.CONFLICT, "k4", "b4", "one+other", None, QUIET_AT, "identity_conflict"),
        *_accepted(5, Kind.NEW, "k5", "b5", "p5", "cf5", STRUCK_AT),
        *_refused(6, Kind.REJECTED, 422, None, "REJECTED"),
        *_refused(7, Kind.FILTERED, 202, "REJECTED", "REJECTED"),
        *_refused(8, Kind.TEST, 200, "TEST", "TEST"),
        *_care_flow("cf1", "patient-p1", QUIET_AT),
        *_care_flow("cf5", "patient-p5", STRUCK_AT),
        Left("records in retry topics", 0),
        Searched("file worker-1.log", 1),
        Searched("metrics of worker-1", 1),
        Searched("keys of carewire.events", 1),
        Searched("headers of carewire.events", 1),
        Searched("column dispatcher.delivery.id", 1),
        Rested(STRUCK_AT + 200, is_quiet=True),
    ]


def _accepted(
    call: int,
    kind: Kind,
    key: str,
    body: str,
    patient: str,
    care_flow: str | None,
    at: float,
    reason: str | None = None,
) -> Iterator[Entry]:
    request, end = f"r{call}", "SUCCESS" if reason is None else "FAILED"
    yield Called(call, kind, key, body, tuple(patient.split("+")))
    yield Heard(call, at - 2, at - 1.5, None)
    yield Heard(call, at - 1.2, at - 1.1, 503)
    yield Heard(call, at - 1, at, 202, "SCHEDULED", request)
    owner = None if care_flow is None else f"patient-{patient}"
    yield Status(f"{request}-1", request, "SCHEDULED", "T1", None, None, None, None)
    yield Status(f"{request}-2", request, "PROCESSING", "T2", None, None, None, None)
    yield Status(f"{request}-3", request, end, "T3", reason, care_flow, owner, None)
    yield Logged(request, end, care_flow, reason, ("SCHEDULED", "PROCESSING", end))


def _refused(call: int, kind: Kind, status: int, word: str | None, end: str) -> Iterator[Entry]:
    request = f"r{call}"
    yield Called(call, kind, f"k{call}", f"b{call}", (f"p{call}",))
    yield Heard(call, QUIET_AT, QUIET_AT + 1, status, word, request)
    yield Status(f"{request}-1", request, end, "T1", None, None, None, None)
    yield Logged(request, end, None, None, (end,))


def _care_flow(care_flow: str, patient: str, at: float) -> Iterator[Entry]:
    yield CareFlow(care_flow, patient, "d", "completed")
    yield Told(f"{patient}-created", "patient.created", patient, None, "x", None, 0, 0, at)
    for number, event_type in enumerate(STORY, 1):
        event = f"{care_flow}-{number}"
        yield Told(event, event_type, care_flow, number, f"bytes of {event}", "d", 0, int(at) + number, at)
    last = f"{care_flow}-{len(STORY)}"
    yield Received(HEALTHY, at + 1, last, f"bytes of {last}", True, int(at) + 1, 200)
    yield Attempt(HEALTHY, last, 0, 1, at + 1, 200, None)
    yield Delivery(HEALTHY, last, "delivered", None, 1)
    for number in range(1, 4):
        yield Received(DEAD, at + number, last, f"bytes of {last}", True, int(at) + number, None)
        yield Attempt(DEAD, last, 0, number, at + number, None, "timeout")
    yield Delivery(DEAD, last, "failed", "exhausted", 3)
    yield Received(GONE, at + 1, last, f"bytes of {last}", True, int(at) + 1, 410)
    yield Attempt(GONE, last, 0, 1, at + 1, 410, None)
    yield Delivery(GONE, last, "failed", "endpoint_gone", 1)


def history(*changes: Change, added: Iterable[Entry] = ()) -> History:
    """The lawful history, changed."""
    entries = lawful()
    for change in changes:
        changed = [list(change(entry)) for entry in entries]
        assert any(new != [old] for old, new in zip(entries, changed, strict=True)), "nothing was changed"
        entries = [entry for those in changed for entry in those]
    return History.of([*entries, *added])


def without(kind: type[Any], **fields: Any) -> Change:
    """Leave out each entry of a kind whose fields are these."""
    return lambda entry: [] if _is(entry, kind, fields) else [entry]


def with_(kind: type[Any], changed: dict[str, Any], **fields: Any) -> Change:
    """Change each entry of a kind whose fields are these."""
    return lambda entry: [dataclasses.replace(entry, **changed)] if _is(entry, kind, fields) else [entry]


def again(kind: type[Any], changed: dict[str, Any], **fields: Any) -> Change:
    """Add a changed copy of each entry of a kind whose fields are these."""
    return lambda entry: [entry, dataclasses.replace(entry, **changed)] if _is(entry, kind, fields) else [entry]


def _is(entry: Entry, kind: type[Any], fields: dict[str, Any]) -> bool:
    return isinstance(entry, kind) and all(getattr(entry, name) == value for name, value in fields.items())


LEAK: Final = Leaked("identifiers as it is in file worker-1.log", "value=canary")
