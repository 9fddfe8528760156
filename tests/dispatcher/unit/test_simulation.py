"""A day of deliveries, and an endpoint that is dead with a backlog, in virtual time.

By default smaller than life. `CAREWIRE_SIMULATION=full` runs the full size: 200,000 events over 10,000 endpoints in
24 hours, and a backlog of a million.
"""

import os
import random
import statistics
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import pytest

from carewire_dispatcher.domain.classify import Answer, Failure
from carewire_dispatcher.domain.delivery import Delivery
from carewire_dispatcher.domain.ending import EndReason, EndStatus
from carewire_dispatcher.domain.endpoint import Endpoint
from carewire_dispatcher.domain.schedule import LAST_SLOT, RetrySchedule
from carewire_testing_dispatcher.deliveries import a_delivery, an_endpoint
from carewire_testing_dispatcher.simulation import Call, Receiver, Simulation

FULL = os.environ.get("CAREWIRE_SIMULATION") == "full"
DAY = 86_400_000
HOUR = 3_600_000
LATE = 2_000
"""How late an attempt may be that no breaker put off: it may have queued for a place."""


def event(number: int, endpoint_id: str, at: int) -> Delivery:
    return a_delivery(id=f"{number}", event_id=f"{number}", endpoint_id=endpoint_id, event_at=at, due_at=at)


def healthy(chance: random.Random) -> Receiver:
    return lambda _now, _delivery: (Answer(200), chance.randint(2, 40))


def hanging(_now: int, _delivery: Delivery) -> tuple[Failure, int]:
    return Failure.TIMEOUT, 10_000


def refusing(_now: int, _delivery: Delivery) -> tuple[Failure, int]:
    return Failure.CONNECT, 1


def flapping(chance: random.Random) -> Receiver:
    """Down for up to half of each period of ten minutes to six hours."""
    period = chance.randint(HOUR // 6, 6 * HOUR)
    down = chance.randint(period // 20, period // 2)

    def answer(now: int, _delivery: Delivery) -> tuple[Answer, int]:
        return (Answer(503), 5) if now % period < down else (Answer(200), chance.randint(2, 40))

    return answer


def moody(chance: random.Random) -> Receiver:
    return lambda _now, _delivery: (Answer(chance.choice([200, 500])), chance.randint(2, 40))


@dataclass(frozen=True)
class Day:
    """24 hours: what was sent to whom, and what came of it."""

    run: Simulation
    sent: dict[str, Delivery]
    kind: dict[str, str]

    def of_kind(self, *kinds: str) -> Iterator[Delivery]:
        return (delivery for delivery in self.sent.values() if self.kind[delivery.endpoint_id] in kinds)


@cache
def a_day(kills: int) -> Day:
    """Of the endpoints 1 % are dead and 5 % come and go. Kills of the worker come in the first half of the day."""
    endpoints, events = (10_000, 200_000) if FULL else (200, 4_000)
    chance = random.Random(7)
    kind: dict[str, str] = {}
    receivers: dict[str, tuple[Endpoint, Receiver]] = {}
    for number in range(endpoints):
        name = f"endpoint {number}"
        share = number / endpoints
        kind[name] = (
            "hanging" if share < 0.005 else "refusing" if share < 0.01 else "flapping" if share < 0.06 else "ok"
        )
        made = {"hanging": hanging, "refusing": refusing, "flapping": flapping(chance), "ok": healthy(chance)}[
            kind[name]
        ]
        receivers[name] = (an_endpoint(id=name), made)
    run = Simulation(receivers)
    sent = {}
    names = sorted(receivers)
    for number in range(events):
        delivery = event(number, chance.choice(names), chance.randrange(DAY))
        sent[delivery.id] = delivery
        run.publish(delivery.event_at, delivery)
    for _ in range(kills):
        run.kill(chance.randrange(DAY // 2))
    run.run()
    return Day(run, sent, kind)


KILLS = 20 if FULL else 8
EACH = 8_000
"""Milliseconds between two kills: six until another worker takes over, and two of work."""


@cache
def killed_at_work() -> Simulation:
    """100 events a second to 100 endpoints, of which ten refuse half of what they get; a kill each eight seconds."""
    chance = random.Random(11)
    receivers: dict[str, tuple[Endpoint, Receiver]] = {}
    for number in range(100):
        name = f"endpoint {number}"
        receivers[name] = (an_endpoint(id=name), moody(chance) if number < 10 else healthy(chance))
    run = Simulation(receivers)
    for number in range(KILLS * EACH // 10):
        run.publish(10 * number, event(number, f"endpoint {chance.randrange(100)}", 10 * number))
    for number in range(KILLS):
        run.kill(EACH * number + 3_000)
    run.run()
    return run


days = pytest.mark.parametrize("kills", [0, 20], ids=["undisturbed", "the worker killed twenty times"])


@days
def test_every_delivery_ends_and_only_those_to_dead_endpoints_fail(kills: int) -> None:
    day = a_day(kills)
    assert day.run.ends.keys() == day.sent.keys()
    for delivery in day.of_kind("ok", "flapping"):
        assert any(end.status is EndStatus.DELIVERED for _, end in day.run.ends[delivery.id])
    for delivery in day.of_kind("hanging", "refusing"):
        assert {end.reason for _, end in day.run.ends[delivery.id]} == {EndReason.EXHAUSTED}


@days
def test_no_attempt_is_early_and_none_comes_after_the_24_hours(kills: int) -> None:
    day = a_day(kills)
    for calls in day.run.calls.values():
        for call in calls:
            first = call.delivery.first_attempt_at
            # What was never tried has no schedule to keep: it goes once there is a place, a moment early if need be.
            early = 0 if first is not None else day.run.policy.wheel.shortest
            assert call.at >= call.delivery.due_at - early
            assert first is None or call.at <= first + DAY + LATE + (6_000 if kills else 0)


def test_no_delivery_has_a_second_chain_of_attempts() -> None:
    day = a_day(0)
    assert day.run.copies_dropped == 0
    for calls in day.run.calls.values():
        slots = [call.delivery.slot for call in calls]
        assert slots == sorted(set(slots))
        assert [call.delivery.attempt for call in calls] == list(range(len(calls)))
    assert {len(ends) for ends in day.run.ends.values()} == {1}


def test_kills_repeat_what_was_under_way_or_not_committed_and_nothing_multiplies() -> None:
    run = killed_at_work()
    assert len(run.ends) == KILLS * EACH // 10
    assert all(any(end.status is EndStatus.DELIVERED for _, end in ends) for ends in run.ends.values())
    assert run.copies_dropped > 0
    repeated = 0
    for calls in run.calls.values():
        times = Counter(call.delivery.hop for call in calls)
        repeats = sum(times.values()) - len(times)
        assert repeats <= 3, "what two lives wrote of a record ends at its next hop"
        repeated += repeats
    assert 0 < repeated <= KILLS * 150, "half a second of 100 events and their retries, and what was under way"


def _is_on_schedule(call: Call) -> bool:
    delivery = call.delivery
    assert delivery.first_attempt_at is not None
    return delivery.due_at == RetrySchedule().due(delivery.id, delivery.first_attempt_at, delivery.slot)


def test_attempts_that_no_breaker_put_off_are_made_at_the_offsets_exactly() -> None:
    day = a_day(0)
    lateness, put_off = [], 0
    for calls in day.run.calls.values():
        for call in calls[1:]:
            if _is_on_schedule(call):
                lateness.append(call.at - call.delivery.due_at)
            else:
                put_off += 1
    assert len(lateness) > put_off
    assert max(lateness) <= LATE
    assert statistics.quantiles(lateness, n=100)[98] <= 10


def test_dead_endpoints_are_tried_one_last_time_at_the_very_end() -> None:
    day = a_day(0)
    for delivery in day.of_kind("hanging", "refusing"):
        calls = day.run.calls[delivery.id]
        assert len(calls) <= LAST_SLOT + 1
        assert 0 <= calls[-1].at - calls[0].at - DAY <= LATE


def test_a_flapping_endpoint_gets_what_it_missed_soon_after_it_is_back() -> None:
    day = a_day(0)
    waits = []
    for delivery in day.of_kind("flapping"):
        [(ended_at, _)] = day.run.ends[delivery.id]
        waits.append(ended_at - delivery.event_at)
    assert statistics.median(waits) < 100
    assert max(waits) < 9 * HOUR, "half of its longest period down, and a wait that began when it was"


HEALTHY = 200
SECONDS = 90 if FULL else 20


@cache
def latencies(backlog: int, dead: Receiver) -> tuple[Simulation, list[int]]:
    """200 healthy endpoints get one event a second each; at 10 s a dead one gets a backlog all at once."""
    chance = random.Random(3)
    receivers = {
        f"healthy {number}": (an_endpoint(id=f"healthy {number}"), healthy(chance)) for number in range(HEALTHY)
    }
    receivers["dead"] = (an_endpoint(id="dead"), dead)
    run = Simulation(receivers)
    sent = {}
    for number in range(HEALTHY * SECONDS):
        at = chance.randrange(SECONDS * 1_000)
        delivery = sent[f"{number}"] = event(number, f"healthy {number % HEALTHY}", at)
        run.publish(at, delivery)
    for number in range(backlog):
        run.publish(10_000, event(HEALTHY * SECONDS + number, "dead", 10_000))
    run.at(SECONDS * 1_000 + 5_000, run.stop)
    run.run()
    return run, sorted(run.calls[delivery.id][0].at - delivery.event_at for delivery in sent.values())


@pytest.mark.parametrize("dead", [hanging, refusing])
def test_a_dead_endpoint_with_a_backlog_of_a_million_keeps_nobody_waiting(dead: Receiver) -> None:
    backlog = 1_000_000 if FULL else 8_000
    _, alone = latencies(0, hanging)
    run, beside = latencies(backlog, dead)
    assert run.records_taken > HEALTHY * SECONDS + 0.9 * min(backlog, 100_000)
    assert len(beside) == len(alone) == HEALTHY * SECONDS
    for share in (0.5, 0.99, 0.999):
        at = int(share * len(alone))
        assert beside[at] - alone[at] <= 15, f"a turn takes 15 ms; quantile {share}: {alone[at]} -> {beside[at]} ms"
