"""Whether healthy subscribers notice what does not concern them: bad neighbours, and faults elsewhere."""

from collections.abc import Sequence
from typing import Final

from carewire_testing_chaos.blame import Part, felt
from carewire_testing_chaos.check import Found
from carewire_testing_chaos.history import Behaviour, History, Received, Struck, Subscriber, Told

RATIO_MAX: Final = 3.0
DIFFERENCE_MAX_S: Final = 3.0
"""A fault elsewhere makes a process start anew, which takes a core of a small machine for seconds."""
UNDISTURBED_MAX_S: Final = 2.0
"""Twenty times what a small machine takes; the bad neighbours are there all the time."""
_ENOUGH: Final = 200
"""Deliveries of which a hundredth says something."""


def unharmed(history: History) -> Found:
    """While only what does not concern deliveries is struck, healthy subscribers get them as when nothing is."""
    faults = history.all(Struck)
    concerned, struck = felt(faults, Part.DELIVERING), felt(faults)
    quiet: list[float] = []
    elsewhere: list[float] = []
    during: list[float] = []
    for appended_at, latency in _latencies(history):
        if appended_at in concerned:
            during.append(latency)
        else:
            (elsewhere if appended_at in struck else quiet).append(latency)
    figures = {
        f"p99 {name} (s)": round(p99(those), 3)
        for name, those in (("undisturbed", quiet), ("faults elsewhere", elsewhere), ("faults of deliveries", during))
        if those
    }
    figures |= {"undisturbed": len(quiet), "beside faults elsewhere": len(elsewhere)}
    wrong = []
    if len(quiet) >= _ENOUGH and p99(quiet) > UNDISTURBED_MAX_S:
        wrong.append(f"p99 is {p99(quiet):.2f} s beside nothing but bad neighbours, not {UNDISTURBED_MAX_S:g}")
    if min(len(quiet), len(elsewhere)) >= _ENOUGH:
        allowed = max(p99(quiet) * RATIO_MAX, p99(quiet) + DIFFERENCE_MAX_S)
        if p99(elsewhere) > allowed:
            wrong.append(
                f"p99 is {p99(elsewhere):.2f} s beside faults that don't concern deliveries, not {allowed:.2f}"
            )
    return Found(len(quiet) + len(elsewhere), wrong, figures)


def _latencies(history: History) -> list[tuple[float, float]]:
    """When each event was told, and how long it took to each healthy subscriber for the first time."""
    healthy = {one.id for one in history.all(Subscriber) if one.behaviour is Behaviour.HEALTHY}
    appended: dict[str, float] = {}
    for event in history.all(Told):
        appended[event.event_id] = min(event.at, appended.get(event.event_id, event.at))
    first: dict[tuple[str, str], float] = {}
    for one in history.all(Received):
        if one.subscriber_id in healthy and one.webhook_id in appended:
            pair = (one.subscriber_id, one.webhook_id)
            first[pair] = min(one.at, first.get(pair, one.at))
    return [(appended[event_id], max(0.0, at - appended[event_id])) for (_, event_id), at in first.items()]


def p99(values: Sequence[float]) -> float:
    """The hundredth that is longest begins here."""
    return sorted(values)[min(len(values) - 1, len(values) * 99 // 100)]
