"""The result of a campaign as a page for people: what was done, what was promised, what was seen of it."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from carewire_testing_chaos.check import Found
from carewire_testing_chaos.history import Began, Heard, History, Received, Rested, Struck, Subscriber, Told
from carewire_testing_chaos.verdict import CHECKS, Verdict

_WORDS: Final = {
    "kill": "kill -9",
    "freeze": "SIGSTOP for 1 to 40 s, then SIGCONT",
    "cut": "all connections of a service to a server cut, and refused for up to 8 s",
    "delay": "each way of these connections 100 ms longer, for up to 12 s",
    "step": "the clock of a process set ahead or back, by up to 5 minutes (fan-out and workers: 8 s), for up to 12 s",
    "restart": "all processes of a service stopped in order and started again, one after the other",
}


def proof(history: History, verdict: Verdict, planted: Iterable[tuple[History, Verdict]] = ()) -> str:
    """Write the page, with what was found of bugs that were planted."""
    parts = (_head(history, verdict), _faults(history), _promises(verdict), _planted(planted), _tail(history))
    return "".join(f"{line}\n" for part in parts for line in part)


def _tail(history: History) -> Iterator[str]:
    (began,) = history.all(Began)
    (rested,) = history.all(Rested)
    asked = f"SEED={began.seed} FAULTS={began.faults}"
    yield "## See it yourself"
    yield ""
    yield "```sh"
    yield f"make chaos {asked}   # this run: {(rested.at - began.at) / 60:.0f} minutes; any seed and any number"
    yield "make chaos-smoke      # twenty faults in about a minute, as each build makes them"
    yield "make chaos-planted    # bugs are planted, one after the other, and have to be found"
    yield "```"
    yield ""
    yield (
        "The faults are a function of the seed. What happens at which moment is not: another run of the same seed "
        "finds the house in another state, so more runs prove more. Each run leaves `history.jsonl`, all that was done "
        "and seen as lines of JSON, and the logs of all processes, under `.carewire/chaos/`. The verdict comes of that "
        "file alone:"
    )
    yield ""
    yield "```sh"
    folder = f".carewire/chaos/seed-{began.seed}-faults-{began.faults}"
    yield f"PYTHONPATH=tests/support .venv/bin/python -m tests.chaos.verdict {folder}/history.jsonl"
    yield "```"


def _head(history: History, verdict: Verdict) -> Iterator[str]:
    (began,) = history.all(Began)
    (rested,) = history.all(Rested)
    events = {event.event_id for event in history.all(Told)}
    subscribers = Counter(str(one.behaviour) for one in history.all(Subscriber))
    yield "# Proof: nothing lost, nothing multiplied, no neighbour hurt, nothing leaked"
    yield ""
    yield (
        "This page is written by a run (`make chaos PROOF=docs/proof.md`), not by hand. In it, "
        "every role of Carewire ran as a process of its own on real Kafka and real Postgres, and was called and "
        "struck at the same time; afterwards what callers were told, what receivers got, what is on the public topics "
        "and what is stored was compared, to the last call."
    )
    yield ""
    yield f"**{_conclusion(verdict)}**"
    yield ""
    yield "| | |"
    yield "|---|---|"
    day = time.strftime("%Y-%m-%d", time.gmtime(began.at))
    yield f"| run | {day}, commit `{began.commit}`, seed {began.seed}, {(rested.at - began.at) / 60:.0f} minutes |"
    yield "| processes | 2 ingress, 2 orchestrators, fan-out, 2 workers, API, 2 log writers; 1 Kafka, 1 Postgres |"
    answered, tries = len({heard.call for heard in history.all(Heard)}), len(history.all(Heard))
    yield f"| calls | {answered:,}, {began.rate:g} a second, tried {tries:,} times in all |"
    yield f"| events | {len(events):,} |"
    yield f"| subscribers | {', '.join(f'{count} {behaviour}' for behaviour, count in subscribers.items())} |"
    yield f"| calls that they got | {len(history.all(Received)):,} |"
    yield f"| scale | retries {began.time_scale:g} times as quick as in production; all else as it is |"
    yield ""


def _conclusion(verdict: Verdict) -> str:
    if verdict.holds:
        return "Every promise was kept."
    return f"Broken: {', '.join(sorted(verdict.broken))}."


def _faults(history: History) -> Iterator[str]:
    struck = history.all(Struck)
    targets: dict[str, Counter[str]] = {}
    for one in struck:
        targets.setdefault(one.action, Counter())[one.target] += 1
    yield f"## What was struck: {len(struck)} faults"
    yield ""
    yield "| times | what | whom |"
    yield "|---|---|---|"
    for action, words in _WORDS.items():
        if action in targets:
            whom = ", ".join(f"{target} {count}" for target, count in sorted(targets[action].items()))
            yield f"| {targets[action].total()} | {words} | {whom} |"
    yield ""


def _promises(verdict: Verdict) -> Iterator[str]:
    yield "## What was promised, and what was seen"
    yield ""
    yield "| promise | looked at | kept | figures |"
    yield "|---|---|---|---|"
    for check in CHECKS:
        found = verdict.found[check.name]
        kept = "yes" if found.holds else f"**no**, {len(found.wrong):,} times"
        yield f"| {check.promise} | {found.looked_at:,} | {kept} | {_figures(found)} |"
    yield ""


def _figures(found: Found) -> str:
    figures: Mapping[str, float] = found.figures
    return "; ".join(f"{name}: {value:,}" for name, value in figures.items())


def _planted(planted: Iterable[tuple[History, Verdict]]) -> Iterator[str]:
    rows = list(planted)
    if not rows:
        return
    yield "## Would it have noticed?"
    yield ""
    yield (
        "Bugs were planted into the services, one after the other (`carewire_testing_chaos.bugs`; they are test code), "
        "and a short run was made with each:"
    )
    yield ""
    yield "| planted | found by |"
    yield "|---|---|"
    promises = {check.name: check.promise for check in CHECKS}
    for history, verdict in rows:
        (began,) = history.all(Began)
        broken = "; ".join(
            f"{promises[name]}: {len(verdict.found[name].wrong):,}" for name in promises if name in verdict.broken
        )
        yield f"| {began.planted} | {broken or '**nothing**'} |"
    yield ""
