"""What receivers got: everything they are meant to get, little of it twice, and nothing that the log does not know."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Final, TypeAlias

from carewire_testing_chaos.blame import Part, Windows, windows
from carewire_testing_chaos.check import Found
from carewire_testing_chaos.history import Attempt, Behaviour, Delivery, History, Received, Struck, Subscriber, Told

Pair: TypeAlias = tuple[str, str]
"""A subscriber and an event."""

_LAWFUL: Final[dict[Behaviour, frozenset[tuple[str, str | None]]]] = {
    Behaviour.DEAD: frozenset({("failed", "exhausted"), ("held", "endpoint_disabled")}),
    Behaviour.GONE: frozenset({("failed", "endpoint_gone"), ("held", "endpoint_disabled")}),
}
"""How a delivery may end without success; nobody else's may."""


def _is_good(status: int | None) -> bool:
    return status is not None and 200 <= status < 300


def meant(history: History) -> set[Pair]:
    """Each event with each subscriber who asked for it."""
    by_type = defaultdict[str, list[Subscriber]](list)
    for subscriber in history.all(Subscriber):
        for event_type in subscriber.event_types:
            by_type[event_type].append(subscriber)
    return {
        (subscriber.id, event.event_id)
        for event in history.all(Told)
        for subscriber in by_type[event.event_type]
        if subscriber.definition_id in (None, event.definition_id)
    }


def delivered(history: History) -> Found:
    """Each event reaches each subscriber who asked for it, or its delivery ends as that subscriber's may."""
    behaviours = {subscriber.id: subscriber.behaviour for subscriber in history.all(Subscriber)}
    reached = {(one.subscriber_id, one.webhook_id) for one in history.all(Received) if _is_good(one.answered)}
    logged = {(one.subscriber_id, one.event_id): one for one in history.all(Delivery)}
    wanted, wrong, unsuccessful = meant(history), list[str](), Counter[str]()
    for pair in wanted:
        delivery = logged.get(pair)
        if delivery is None:
            wrong.append(f"{_named(history, pair)} is in no log; reached: {pair in reached}")
        elif delivery.status == "delivered":
            if pair not in reached:
                wrong.append(f"{_named(history, pair)} is logged as delivered, and never was")
        elif (delivery.status, delivery.reason) not in _LAWFUL.get(behaviours[pair[0]], frozenset()):
            wrong.append(f"{_named(history, pair)} ended {delivery.status} {delivery.reason or ''}")
        else:
            unsuccessful[f"{delivery.status} {delivery.reason}"] += 1
    extra = {(one.subscriber_id, one.webhook_id) for one in history.all(Received)} - wanted
    wrong += [f"{_named(history, pair)} was sent to who had not asked for it" for pair in extra]
    return Found(len(wanted), wrong, {"deliveries": len(wanted), **unsuccessful})


def _named(history: History, pair: Pair) -> str:
    name = next((one.name for one in history.all(Subscriber) if one.id == pair[0]), pair[0])
    return f"event {pair[1]} for {name}"


def same_bytes(history: History) -> Found:
    """Each call is signed, and brings the bytes of the event whose id it has."""
    digests = {event.event_id: event.digest for event in history.all(Told)}
    received = history.all(Received)
    wrong = [f"a call for event {one.webhook_id} is not signed rightly" for one in received if not one.is_signed]
    wrong += [
        f"a call for event {one.webhook_id} has other bytes than the event"
        for one in received
        if digests.get(one.webhook_id) != one.digest
    ]
    return Found(len(received), wrong, {"calls": len(received)})


def repeats(history: History) -> Found:
    """Who has accepted an event gets it again only if his answer was not heard, or something was struck just then."""
    unheard = Counter(
        (one.subscriber_id, one.event_id, int(one.began))
        for one in history.all(Attempt)
        if not _is_good(one.status_code)
    )
    accepted = defaultdict[Pair, list[Received]](list)
    for one in history.all(Received):
        if _is_good(one.answered):
            accepted[one.subscriber_id, one.webhook_id].append(one)
    may_repeat, wrong, counted = windows(history.all(Struck), Part.DELIVERING), list[str](), Counter[str]()
    for pair, calls in accepted.items():
        calls.sort(key=lambda one: one.at)
        for before in calls[:-1]:
            if unheard[*pair, before.attempt_second]:
                counted["repeated: the answer was not heard in time"] += 1
            elif before.at in may_repeat:
                counted["repeated: struck"] += 1
            else:
                wrong.append(f"{_named(history, pair)} was sent again after it was accepted, and nothing was struck")
    return Found(len(accepted), wrong, dict(counted))


def forks(history: History) -> Found:
    """No attempt of a delivery is made twice but right where something was struck: copies don't live on."""
    made = defaultdict[tuple[str, str, int, int], list[float]](list)
    for one in history.all(Attempt):
        made[one.subscriber_id, one.event_id, one.epoch, one.number].append(one.began)
    may_repeat = windows(history.all(Struck), Part.DELIVERING, by_its_clocks=True)
    wrong, count = list[str](), 0
    for (subscriber_id, event_id, _, number), moments in made.items():
        moments.sort()
        for moment in moments[:-1]:
            count += 1
            if moment not in may_repeat:
                name = _named(history, (subscriber_id, event_id))
                wrong.append(f"attempt {number} of {name} was made twice, and nothing was struck")
    return Found(len(made), wrong, {"attempts made twice": count})


def logged(history: History) -> Found:
    """Each call that a receiver got is in the log of attempts, but for those cut short by a fault."""
    known = Counter((one.subscriber_id, one.event_id, int(one.began)) for one in history.all(Attempt))
    may_miss, wrong, missing = windows(history.all(Struck), Part.DELIVERING), list[str](), 0
    for one in history.all(Received):
        mark = (one.subscriber_id, one.webhook_id, one.attempt_second)
        known[mark] -= 1
        if known[mark] < 0:
            missing += 1
            wrong += _unless_struck(history, one, may_miss)
    return Found(len(history.all(Received)), wrong, {"calls of which no log knows": missing})


def _unless_struck(history: History, one: Received, may_miss: Windows) -> Iterator[str]:
    if one.at not in may_miss and float(one.attempt_second) not in may_miss:
        yield f"a call for {_named(history, (one.subscriber_id, one.webhook_id))} is in no log, and nothing was struck"
