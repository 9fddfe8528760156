"""An orchestrator that dies at one moment of its way: what it leaves behind, and what the next one makes of it."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import pytest

from carewire_orchestrator import app
from carewire_orchestrator.adapters.store.releases import Releases
from carewire_orchestrator.adapters.store.starts import Starts
from carewire_orchestrator.settings import OrchestratorSettings
from carewire_runtime.kafka.admin import committed
from carewire_runtime.kafka.producer import Producer
from carewire_runtime.postgres import outbox
from carewire_runtime.process import FAULT, run_components
from carewire_testing import eventually
from carewire_testing_orchestrator.calls import accepted, mrn
from carewire_testing_orchestrator.running import Running, running

REQUESTS = 4
PATIENTS = 2
EVENTS = 6


class Died(Exception):
    """What ends the process at the moment that is looked at."""


Step: TypeAlias = Callable[..., Awaitable[Any]]
Patch: TypeAlias = Callable[[pytest.MonkeyPatch, OrchestratorSettings], None]


@dataclass(frozen=True)
class Point:
    """A moment, and what is there when somebody dies at it.

    `events` is how often each event is told in the end; once, except where nobody could know that it was told.
    """

    name: str
    patch: Patch
    started: bool
    waiting: bool
    events: int = 1

    def __str__(self) -> str:
        return self.name


def dying_before(owner: Any, step: str) -> Patch:
    def patch(monkeypatch: pytest.MonkeyPatch, _: OrchestratorSettings) -> None:
        async def dies(*_: object) -> None:
            raise Died

        monkeypatch.setattr(owner, step, dies)

    return patch


def dying_after(owner: Any, step: str) -> Patch:
    def patch(monkeypatch: pytest.MonkeyPatch, _: OrchestratorSettings) -> None:
        done: Step = getattr(owner, step)

        async def dies(*given: object) -> None:
            await done(*given)
            raise Died

        monkeypatch.setattr(owner, step, dies)

    return patch


def relay_dying(*, acknowledged: bool) -> Patch:
    """Nobody but the relay sends domain events: it dies when all of them are acknowledged, or before it sends any."""

    def patch(monkeypatch: pytest.MonkeyPatch, settings: OrchestratorSettings) -> None:
        send = Producer.enqueue_all

        async def dies(producer: Producer, records: Sequence[Any]) -> Any:
            if all(one.topic != settings.topics.events.name for one in records):
                return await send(producer, records)
            if acknowledged:
                await asyncio.gather(*set(await send(producer, records)))
            raise Died

        monkeypatch.setattr(Producer, "enqueue_all", dies)

    return patch


POINTS = [
    Point("start keys are claimed", dying_before(Releases, "load"), started=False, waiting=False),
    Point("all is written but not committed", dying_after(outbox, "add"), started=False, waiting=False),
    Point("committed but its offsets are not", dying_after(Starts, "end"), started=True, waiting=False),
    Point("nothing is sent of the outbox", relay_dying(acknowledged=False), started=True, waiting=True),
    Point("sent but not deleted", relay_dying(acknowledged=True), started=True, waiting=True, events=2),
]


async def die(settings: OrchestratorSettings) -> None:
    """Run an orchestrator that is to die."""
    async with asyncio.timeout(30), app.serve(settings, frozenset({app.ENGINE})) as components:
        assert await run_components(app.NAME, components, asyncio.Event()) == FAULT


async def reached(settings: OrchestratorSettings) -> int:
    """How many requests the group says it has done with."""
    offsets = await committed(settings.kafka_bootstrap, settings.group)
    return sum(offset for offset, _ in offsets.values())


async def count(one: Running, query: str, *values: object) -> int:
    (row,) = await one.query(query, *values)
    return int(row["count"])


@pytest.mark.parametrize("point", POINTS, ids=str)
async def test_what_was_accepted_is_done_once_whenever_its_process_dies(
    settings: OrchestratorSettings, monkeypatch: pytest.MonkeyPatch, point: Point
) -> None:
    async with running(settings, frozenset({app.API})) as before:
        release = await before.publish()
        identifiers = [mrn(f"{release[0]} {number}") for number in range(PATIENTS)]
        requests = [accepted(*release, identifiers=(identifiers[number % PATIENTS],)) for number in range(REQUESTS)]
        await before.accept(requests, key=b"in one batch")
    keys = [one.start_key for one in requests]
    done = await reached(settings)

    with monkeypatch.context() as patched:
        point.patch(patched, settings)
        await die(settings)

    starts = "SELECT count(*) FROM start WHERE start_key = ANY ($1)"
    care_flows = "SELECT count(*) FROM care_flow WHERE definition_id = $1"
    there = REQUESTS if point.started else 0
    assert await count(before, starts, keys) == there, "all of it, or nothing"
    assert await count(before, care_flows, release[0]) == there
    assert bool(await count(before, "SELECT count(*) FROM outbox")) is point.waiting
    if not point.waiting:
        assert await reached(settings) == done, "what may have to be done again is read again"

    async with running(settings) as after:
        ended = await after.final_statuses(requests)
        assert {one["status"] for one in ended.values()} == {"SUCCESS"}
        assert len({one["care_flow_id"] for one in ended.values()}) == REQUESTS
        assert len({one["patient_id"] for one in ended.values()}) == PATIENTS

        async def all_told() -> Counter[str]:
            assert await count(after, "SELECT count(*) FROM outbox") == 0
            wanted = {one["care_flow_id"] for one in ended.values()}
            told = [one for one in await after.told(settings.topics.events) if one.headers["ce_subject"] in wanted]
            return Counter(one.headers["ce_id"] for one in told)

        told = await eventually(all_told, 20)
        assert await count(after, care_flows, release[0]) == REQUESTS
    assert (len(told), set(told.values())) == (REQUESTS * EVENTS, {point.events})

    async def all_read() -> bool:
        return await reached(settings) >= done + REQUESTS

    await eventually(all_read)
