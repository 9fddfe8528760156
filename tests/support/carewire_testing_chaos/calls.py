"""What became of calls: each answer, each outcome, each patient."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from carewire_contracts.timestamps import parse_timestamp
from carewire_testing_chaos.blame import Part, Windows, felt, wrong_clocks
from carewire_testing_chaos.check import Found
from carewire_testing_chaos.history import Called, CareFlow, Heard, History, Kind, Logged, Status, Struck, Told

_ANSWERS: Final = {
    Kind.NEW: (202, "SCHEDULED"),
    Kind.DUPLICATE: (202, "SCHEDULED"),
    Kind.REUSED: (202, "SCHEDULED"),
    Kind.CONFLICT: (202, "SCHEDULED"),
    Kind.FILTERED: (202, "REJECTED"),
    Kind.REJECTED: (422, None),
    Kind.TEST: (200, "TEST"),
}
SCHEDULED: Final = frozenset(kind for kind, answer in _ANSWERS.items() if answer[1] == "SCHEDULED")
_FINAL: Final = ("SUCCESS", "FAILED", "REJECTED", "TEST")
_WAY: Final = ("SCHEDULED", "PROCESSING")
_ENDS_OF_REFUSED: Final = {Kind.FILTERED: "REJECTED", Kind.REJECTED: "REJECTED", Kind.TEST: "TEST"}
_NOT_ACKNOWLEDGED: Final = "not_acknowledged"
_LAWFUL_UNTOLD: Final = frozenset({_NOT_ACKNOWLEDGED, "idempotency_key_reused", "identity_conflict"})
"""How a request may fail of which nobody was told that it was accepted."""
_AGAIN: Final = 503


def answered(history: History) -> Found:
    """Each call is answered in the end, as calls of its kind are; nothing, or 503, is heard while things are struck."""
    tries = defaultdict[int, list[Heard]](list)
    for heard in history.all(Heard):
        tries[heard.call].append(heard)
    calls = history.all(Called)
    wrong = [fault for called in calls if (fault := _fault_of_answer(called, tries[called.call])) is not None]
    every, struck = history.all(Heard), felt(history.all(Struck))
    wrong += [
        f"call {heard.call} was told {heard.status or 'nothing'}, and nothing was struck"
        for heard in every
        if heard.status in (None, _AGAIN) and heard.began not in struck and heard.ended not in struck
    ]
    return Found(
        len(calls),
        wrong,
        {
            "calls": len(calls),
            "tries": len(every),
            "unanswered tries": sum(heard.status is None for heard in every),
            "503": sum(heard.status == _AGAIN for heard in every),
        },
    )


def _fault_of_answer(called: Called, tries: list[Heard]) -> str | None:
    said = [(heard.status, heard.word) for heard in tries if heard.status not in (None, _AGAIN)]
    expected = _ANSWERS[called.kind]
    if said == [expected]:
        return None
    return f"call {called.call} ({called.kind}) was told {said or 'nothing'} instead of {expected} once"


def told_requests(history: History) -> dict[str, Called]:
    """The call of each request id that a caller was told."""
    calls = {called.call: called for called in history.all(Called)}
    return {heard.request_id: calls[heard.call] for heard in history.all(Heard) if heard.request_id is not None}


def ends(history: History) -> dict[str, set[Status]]:
    """Every different end that was told of each request."""
    found = defaultdict[str, set[Status]](set)
    for status in history.all(Status):
        if status.status in _FINAL:
            found[status.request_id].add(status)
    return found


def outcomes(history: History) -> Found:
    """Each request ends once: SUCCESS with a care flow that exists, or FAILED as its kind of call may."""
    requests, ended = told_requests(history), ends(history)
    care_flows = {care_flow.id for care_flow in history.all(CareFlow)}
    wrong: list[str] = []
    for request_id in requests.keys() | ended.keys():
        wrong += _faults_of_end(request_id, ended.get(request_id, set()), requests.get(request_id), care_flows)
    wrong += _faults_of_keys(requests, ended)
    told = [next(iter(ended[request_id])) for request_id in requests if request_id in ended]
    figures: dict[str, float] = {
        f"{end.status} {end.reason}" if end.reason else end.status: 0
        for end in sorted(told, key=lambda end: end.status)
    }
    for end in told:
        figures[f"{end.status} {end.reason}" if end.reason else end.status] += 1
    figures["told to nobody"] = len(ended.keys() - requests.keys())
    scheduled = sum(called.kind in SCHEDULED for called in requests.values())
    return Found(scheduled, wrong, figures)


def _faults_of_end(request_id: str, ended: set[Status], called: Called | None, care_flows: set[str]) -> Iterator[str]:
    who = f"request {request_id}" + (f" (call {called.call}, {called.kind})" if called else " (told to nobody)")
    if len({(end.status, end.reason, end.care_flow_id, end.event_id) for end in ended}) != 1:
        yield f"{who} ended {len(ended)} times: {sorted(end.status for end in ended)}"
        return
    (end,) = list(ended)[:1]
    if end.status == "SUCCESS" and end.care_flow_id not in care_flows:
        yield f"{who} ended SUCCESS with care flow {end.care_flow_id}, which does not exist"
    if called is None:
        if end.status == "FAILED" and end.reason not in _LAWFUL_UNTOLD:
            yield f"{who} ended FAILED {end.reason}"
    elif called.kind in _ENDS_OF_REFUSED:
        if end.status != _ENDS_OF_REFUSED[called.kind]:
            yield f"{who} ended {end.status}"
    elif called.kind is Kind.CONFLICT:
        if (end.status, end.reason) != ("FAILED", "identity_conflict"):
            yield f"{who} ended {end.status} {end.reason}"
    elif end.status != "SUCCESS" and end.reason != "idempotency_key_reused":
        yield f"{who} ended {end.status} {end.reason}"


def _faults_of_keys(requests: dict[str, Called], ended: dict[str, set[Status]]) -> Iterator[str]:
    """Of all bodies that came under a key one has it: its calls share a care flow, those of the others fail."""
    by_key = defaultdict[str, list[tuple[Called, Status]]](list)
    for request_id, called in requests.items():
        if called.kind in SCHEDULED and called.kind is not Kind.CONFLICT:
            by_key[called.key] += [(called, end) for end in ended.get(request_id, ())]
    owners: dict[str, str] = {}
    for key, told in by_key.items():
        winners = {called.body for called, end in told if end.status == "SUCCESS"}
        losers = {called.body for called, end in told if end.status != "SUCCESS"}
        care_flows = {end.care_flow_id or "none" for _, end in told if end.status == "SUCCESS"}
        if len(winners) != 1 or len(care_flows) != 1 or winners & losers:
            yield (
                f"the calls of key {key} ended with {len(care_flows)} care flows, for {len(winners)} bodies, "
                f"and {len(winners & losers)} bodies both succeeded and failed"
            )
        for care_flow in care_flows:
            if owners.setdefault(care_flow, key) != key:
                yield f"care flow {care_flow} belongs to the keys {owners[care_flow]} and {key}"


def care_flows(history: History) -> Found:
    """There are exactly the care flows that somebody's success names, and each has come to its end."""
    requests, ended = told_requests(history), ends(history)
    successes = [(request_id, end) for request_id, told in ended.items() for end in told if end.status == "SUCCESS"]
    named = {end.care_flow_id for _, end in successes}
    told = {end.care_flow_id for request_id, end in successes if request_id in requests}
    there = {care_flow.id: care_flow for care_flow in history.all(CareFlow)}
    wrong = [f"care flow {one} is of nobody's success" for one in there.keys() - named]
    wrong += [f"care flow {one} is of nobody who was told so" for one in (there.keys() & named) - told]
    wrong += [f"care flow {one.id} is {one.status}" for one in there.values() if one.status != "completed"]
    return Found(len(there), wrong, {"care flows": len(there)})


def patients(history: History) -> Found:
    """One patient for each identifier and one identifier for each patient; each told of once."""
    owner: dict[str, str] = {}
    of_patient: dict[str, str] = {}
    wrong: list[str] = []
    requests, ended = told_requests(history), ends(history)
    for request_id, called in requests.items():
        for end in ended.get(request_id, ()):
            if end.status != "SUCCESS" or end.patient_id is None:
                continue
            (value,) = called.patients
            if owner.setdefault(value, end.patient_id) != end.patient_id:
                wrong.append(f"{value} is the patients {owner[value]} and {end.patient_id}")
            if of_patient.setdefault(end.patient_id, value) != value:
                wrong.append(f"patient {end.patient_id} is {of_patient[end.patient_id]} and {value}")
    stored = {care_flow.patient_id for care_flow in history.all(CareFlow)}
    wrong += [f"a care flow has patient {one}, whom no success names" for one in stored - of_patient.keys()]
    created = defaultdict[str, set[str]](set)
    for told in history.all(Told):
        if told.event_type == "patient.created":
            created[told.subject].add(told.event_id)
    wrong += [
        f"patient {one} came into being {len(created[one])} times" for one in of_patient if len(created[one]) != 1
    ]
    return Found(len(owner), wrong, {"patients": len(of_patient)})


def statuses(history: History) -> Found:
    """Each accepted request is told to be scheduled, taken and ended, at rising times; its log says the same."""
    by_request = defaultdict[str, list[Status]](list)
    for status in history.all(Status):
        by_request[status.request_id].append(status)
    logged = {one.request_id: one for one in history.all(Logged)}
    wrong: list[str] = []
    wrong_clock = wrong_clocks(history.all(Struck), Part.TELLING)
    for request_id, called in told_requests(history).items():
        wrong += _faults_of_way(request_id, by_request[request_id], called, wrong_clock)
        wrong += _faults_of_log(request_id, by_request[request_id], logged.get(request_id))
    wrong += [
        f"request {request_id} is in the topic and not in the log" for request_id in by_request.keys() - logged.keys()
    ]
    repeated = sum(Counter(status.event_id for status in history.all(Status)).values()) - len(
        {status.event_id for status in history.all(Status)}
    )
    return Found(len(by_request), wrong, {"statuses": len(history.all(Status)), "of these repeated": repeated})


def _faults_of_way(request_id: str, told: list[Status], called: Called, wrong_clock: Windows) -> Iterator[str]:
    dates: dict[str, str] = {}
    for status in told:
        dates[status.status] = min(status.date, dates.get(status.status, status.date))
    ended = [word for word in _FINAL if word in dates]
    if called.kind in SCHEDULED:
        way = [*_WAY, *ended]
        if missing := [word for word in _WAY if word not in dates]:
            yield f"request {request_id} was never told to be {' or '.join(missing)}"
        elif any(dates[first] > dates[then] for first, then in pairwise(way)) and not _is_told_by(wrong_clock, dates):
            yield f"request {request_id} reached its statuses in another order than {way}"


def _is_told_by(wrong_clock: Windows, dates: dict[str, str]) -> bool:
    """Whether any of it was told while a clock was wrong."""
    return bool(wrong_clock) and any(parse_timestamp(date).timestamp() in wrong_clock for date in dates.values())


def _faults_of_log(request_id: str, told: list[Status], logged: Logged | None) -> Iterator[str]:
    if logged is None:
        yield f"request {request_id} is not in the log"
        return
    final = {(status.status, status.care_flow_id) for status in told if status.status in _FINAL}
    if (logged.status, logged.care_flow_id) not in final:
        yield f"request {request_id} is {logged.status} in the log, and the topic says {sorted(map(str, final))}"
    if missing := {status.status for status in told} - set(logged.statuses):
        yield f"request {request_id} reached {sorted(missing)}, and the log does not say so"
