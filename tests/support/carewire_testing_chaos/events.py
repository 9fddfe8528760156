"""What was told of care flows: all of it, once, in order, and to the byte the same whenever it is told again."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from carewire_testing_chaos.blame import Part, Windows, windows
from carewire_testing_chaos.check import Found
from carewire_testing_chaos.history import CareFlow, History, Story, Struck, Told


def sequences(history: History) -> Found:
    """Of each care flow exactly its story is told, numbered from 1 without a gap, in the order of the numbers."""
    stories = {story.definition_id: Counter(story.event_types) for story in history.all(Story)}
    told = defaultdict[str, list[Told]](list)
    for event in history.all(Told):
        if event.sequence is not None:
            told[event.subject].append(event)
    there = {care_flow.id: care_flow for care_flow in history.all(CareFlow)}
    wrong = [f"something is told of care flow {one}, which does not exist" for one in told.keys() - there.keys()]
    for care_flow in there.values():
        events = _first_copies(told.get(care_flow.id, []))
        numbers = [event.sequence for event in events]
        if numbers != list(range(1, len(events) + 1)):
            wrong.append(f"the events of care flow {care_flow.id} come as {numbers}")
        missing = stories[care_flow.definition_id] - Counter(event.event_type for event in events)
        added = Counter(event.event_type for event in events) - stories[care_flow.definition_id]
        if missing or added:
            wrong.append(f"of care flow {care_flow.id} is missing {dict(missing)}, and too much {dict(added)}")
    return Found(len(there), wrong, {"events": len({event.event_id for event in history.all(Told)})})


def _first_copies(events: Sequence[Told]) -> list[Told]:
    seen: dict[str, Told] = {}
    for event in sorted(events, key=lambda event: (event.partition, event.offset)):
        seen.setdefault(event.event_id, event)
    return list(seen.values())


def copies(history: History) -> Found:
    """An event that is told again has the same number and bytes, and something was struck that tells again."""
    by_id = defaultdict[str, list[Told]](list)
    for event in history.all(Told):
        by_id[event.event_id].append(event)
    repeated = [sorted(events, key=lambda event: event.at) for events in by_id.values() if len(events) > 1]
    may_repeat = windows(history.all(Struck), Part.TELLING)
    wrong = [fault for events in repeated for fault in _faults_of_copies(events, may_repeat)]
    return Found(len(by_id), wrong, {"repeated": sum(len(events) - 1 for events in repeated)})


def _faults_of_copies(events: list[Told], may_repeat: Windows) -> Iterator[str]:
    first = events[0]
    for before, other in pairwise(events):
        if (other.sequence, other.digest, other.subject) != (first.sequence, first.digest, first.subject):
            yield f"event {first.event_id} was told again as something else"
        if before.at not in may_repeat:
            yield f"event {first.event_id} was told again although nothing was struck that tells"
