"""The verdict on a history: what was promised, what was seen of it, and what is wrong."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from carewire_testing_chaos import calls, deliveries, events, neighbours, rest
from carewire_testing_chaos.check import Check, Found
from carewire_testing_chaos.history import Began, History, Struck

CHECKS: Final = (
    Check("answered", "each call is answered, as calls of its kind are", calls.answered),
    Check("outcomes", "what was accepted ends once: a care flow, or a lawful reason", calls.outcomes),
    Check("care-flows", "one care flow for each key, none besides", calls.care_flows),
    Check("patients", "one patient for each identifier", calls.patients),
    Check("statuses", "statuses rise, end once, and stand in the log", calls.statuses),
    Check("sequences", "of each care flow all its events, in order, without a gap", events.sequences),
    Check("copies", "an event told again is the same, and had a cause", events.copies),
    Check("delivered", "each event reaches each subscriber, or ends lawfully", deliveries.delivered),
    Check("same-bytes", "each call is signed, with the event's id and bytes", deliveries.same_bytes),
    Check("repeats", "no delivery is repeated without a cause", deliveries.repeats),
    Check("forks", "no copy of a delivery lives on", deliveries.forks),
    Check("logged", "the log knows each call that a receiver got", deliveries.logged),
    Check("neighbours", "healthy subscribers don't notice faults elsewhere", neighbours.unharmed),
    Check("at-rest", "nothing is left: no lag, retry, outbox, dead letter", rest.at_rest),
    Check("silent", "nothing personal and no secret leaks", rest.silent),
)
_SHOWN: Final = 5


@dataclass(frozen=True)
class Verdict:
    """What each check found."""

    found: dict[str, Found]

    @property
    def holds(self) -> bool:
        """Whether every promise was kept."""
        return all(found.holds for found in self.found.values())

    @property
    def broken(self) -> set[str]:
        """The names of the checks that failed."""
        return {name for name, found in self.found.items() if not found.holds}


def judge(history: History) -> Verdict:
    """Ask all checks."""
    return Verdict({check.name: check.ask(history) for check in CHECKS})


def lines(history: History, verdict: Verdict) -> Iterator[str]:
    """The verdict for people."""
    for began in history.all(Began):
        struck = history.all(Struck)
        yield f"Seed {began.seed}, {len(struck)} faults, commit {began.commit}, {began.rate:g} calls a second"
    for check in CHECKS:
        found = verdict.found[check.name]
        yield f"  {'ok  ' if found.holds else 'FAIL'} {check.name:<11} {check.promise} ({found.looked_at:,} looked at)"
        if found.figures:
            yield "       " + ", ".join(f"{name} {value:,}" for name, value in found.figures.items())
        if not found.looked_at:
            yield "       ! there was nothing to look at, so nothing is shown"
        for wrong in found.wrong[:_SHOWN]:
            yield f"       ! {wrong}"
        if len(found.wrong) > _SHOWN:
            yield f"       ! and {len(found.wrong) - _SHOWN:,} more"
    yield "All promises were kept." if verdict.holds else f"BROKEN: {', '.join(sorted(verdict.broken))}"
