"""Kafka or Postgres gone for a while: what third parties notice, and that whatever was accepted is done."""

import asyncio
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from carewire_contracts.requests import AcceptedRequest
from carewire_contracts.topics import Topics
from carewire_dispatcher.domain.breaker import FAILURES_IN_A_ROW
from carewire_local.kafka_server import KafkaServer
from carewire_local.platform import Platform
from carewire_local.postgres_server import PostgresServer
from carewire_local.stack import Stack
from carewire_testing import eventually
from carewire_testing.nursery import Nursery
from carewire_testing_dispatcher.receiver import Receiver, Reply
from carewire_testing_e2e.calling import Answered, Callers, calling
from carewire_testing_e2e.house import SYSTEM, House, ok
from carewire_testing_e2e.log_lines import said
from carewire_testing_e2e.outcomes import RECOVERED_WITHIN_S, all_delivered, all_succeed, ended, opened
from carewire_testing_e2e.own_house import own_house
from carewire_testing_orchestrator.running import read_topic

pytestmark = pytest.mark.timed

ANSWERED_WITHIN_S = 6.0
"""Ingress waits 5 s for Kafka; a second more for everything else."""
HANDED_OVER_S = 1.0
"""A refusal that took longer had been handed to the producer, and may be appended later."""
EXPIRED_AFTER_S = 10.0
ENOUGH = 24


@pytest.fixture(scope="module")
def own_stack_of_module(run_folder: Path) -> Iterator[Stack]:
    """Servers that this module may stop."""
    with Stack(run_folder / "failing-servers", durable=False) as running:
        if running.kafka is None or running.postgres is None:
            pytest.skip("the environment's own servers are not to be stopped")
        yield running


@pytest.fixture(scope="module")
def platform(own_stack_of_module: Stack, nursery: Nursery, run_folder: Path) -> Iterator[Platform]:
    """A house on these servers."""
    with own_house(own_stack_of_module, nursery, run_folder / "failing-servers-house") as running:
        yield running


@pytest.fixture
def kafka(platform: Platform) -> Iterator[KafkaServer]:
    """The broker, running again after each test."""
    assert platform.stack.kafka is not None
    yield platform.stack.kafka
    if not platform.stack.kafka.alive:
        platform.stack.kafka.start()


@pytest.fixture
def postgres(platform: Platform) -> Iterator[PostgresServer]:
    """The database server, running again after each test."""
    assert platform.stack.postgres is not None
    yield platform.stack.postgres
    if not platform.stack.postgres.alive:
        platform.stack.postgres.start()


async def configuration_travels(house: House, receiver: Receiver, path: str) -> None:
    """See that the relays of ingress and dispatcher work as well: what is new takes effect."""
    webhook = await opened(house)
    await house.subscribe(receiver.url(path), "pathway.completed")
    callers = Callers(house, webhook)

    async def told() -> bool:
        # Repeated: an event that was fanned out before its endpoint was known is not for that endpoint.
        await callers.call()
        return bool(receiver.at(path))

    await eventually(told, RECOVERED_WITHIN_S, pause=0.5)


async def see_promptly_answered(house: House, answers: list[Answered], since: int) -> None:
    """Every call got a 202 or an honest 503, in time.

    By the clock of ingress, whose log told less than so many bytes before: that of the callers tells as well how busy
    a broker that starts keeps this machine.
    """
    assert {answered.status for answered in answers} == {202, 503}
    assert all(int(answered.retry_after or 0) > 0 for answered in answers if not answered.accepted)

    def all_told() -> list[float]:
        lines = said(house.platform.supervisor["ingress"], "call_answered", since=since)
        took = [line["duration_ms"] / 1000 for line in lines if line["status_code"] in (202, 503)]
        assert len(took) >= len(answers)
        return took

    assert max(await eventually(all_told, RECOVERED_WITHIN_S)) < ANSWERED_WITHIN_S


async def see_refused_calls_start_nothing_late(house: House, callers: Callers, topics: Topics) -> int:
    """What was answered 503 and yet appended: after its expiry it failed and has no care flow. Returns how many."""
    platform, late = house.platform, 0
    refused = {answered.identifier for answered in callers.answers if not answered.accepted}
    for record in await read_topic(platform.stack.kafka_bootstrap, topics.requests):
        request = AcceptedRequest.decode(record.value)
        identifier = request.identifiers[0].value
        if identifier not in refused or record.timestamp / 1000 <= request.expires_at.timestamp():
            continue
        late += 1
        logged = await ended(house, request.request_id)
        assert (logged["status"], logged["failure_reason"]) == ("FAILED", "not_acknowledged")
        await eventually(lambda identifier=identifier: is_nobody(house, identifier), RECOVERED_WITHIN_S)  # type: ignore[misc]
    return late


async def is_nobody(house: House, identifier: str) -> bool:
    """Whether there is no patient of an identifier; the orchestrator may be starting anew: a dead producer ends it."""
    search = {"system": SYSTEM, "value": identifier}
    try:
        return (await house.orchestrator.post("/v1/patients/by-identifier", json=search)).status_code == 404
    except httpx.TransportError:
        return False


async def until_expired(callers: Callers) -> None:
    """Wait until nothing that was handed to a producer before the callers were turned away can be done in time."""

    def expired() -> bool:
        refused = [one for one in callers.answers if not one.accepted]
        handed_over = [one.began for one in refused if one.seconds > HANDED_OVER_S]
        # Where nobody was calling at that very moment, nothing was handed over: the first refusal is as late.
        last = max(handed_over, default=refused[0].began if refused else time.monotonic())
        return time.monotonic() > last + EXPIRED_AFTER_S

    await eventually(expired, RECOVERED_WITHIN_S)


async def no_wait(_: Callers) -> None:
    """Kafka is back before anything expires."""


@pytest.mark.parametrize(
    ("leave", "meanwhile"),
    [(KafkaServer.stop, no_wait), (KafkaServer.kill, until_expired)],
    ids=["stopped for a moment", "killed for longer than a call lives"],
)
async def test_while_kafka_is_away_calls_are_refused_in_time_and_then_all_goes_on_by_itself(
    house: House,
    receiver: Receiver,
    kafka: KafkaServer,
    topics: Topics,
    leave: Callable[[KafkaServer], None],
    meanwhile: Any,
) -> None:
    path = f"/kafka-{leave.__name__}"
    webhook = await opened(house)
    endpoint = await house.subscribe(receiver.url(path), "pathway.completed")

    told = house.platform.supervisor["ingress"].log.stat().st_size
    async with calling(house, webhook) as callers:
        await eventually(lambda: len(callers.accepted) >= ENOUGH, RECOVERED_WITHIN_S)
        await asyncio.to_thread(leave, kafka)
        gone = time.monotonic()
        await eventually(lambda: len(callers.since(gone)) >= ENOUGH, RECOVERED_WITHIN_S)
        await meanwhile(callers)
        assert not any(answered.accepted for answered in callers.since(gone))
        before = len(callers.accepted)
        await asyncio.to_thread(kafka.start)
        await eventually(lambda: len(callers.accepted) >= before + ENOUGH, RECOVERED_WITHIN_S)

    assert callers.unanswered == 0
    await see_promptly_answered(house, callers.answers, told)
    care_flows = await all_succeed(house, callers.accepted_ids)
    await all_delivered(house, receiver, endpoint, path, care_flows)
    await see_refused_calls_start_nothing_late(house, callers, topics)
    await configuration_travels(house, receiver, f"{path}-afterwards")
    await eventually(lambda: house.platform.supervisor.not_ready() == {}, RECOVERED_WITHIN_S)


async def test_while_postgres_is_away_calls_are_accepted_and_deliveries_go_on(
    house: House, receiver: Receiver, postgres: PostgresServer
) -> None:
    path, recovered = "/postgres", asyncio.Event()
    tries = count(1)

    def unwell(_: object) -> Reply:
        next(tries)
        return Reply(200 if recovered.is_set() else 503)

    webhook = await opened(house)
    endpoint = await house.subscribe(receiver.url(path, unwell), "pathway.completed")
    callers = Callers(house, webhook)
    # One more that fails, and the subscriber is left alone for a while.
    before = [await callers.call() for _ in range(FAILURES_IN_A_ROW - 1)]
    await eventually(lambda: len({one.webhook_id for one in receiver.at(path)}) == len(before), RECOVERED_WITHIN_S)

    await asyncio.to_thread(postgres.stop)
    recovered.set()
    ids = {one.webhook_id for one in receiver.at(path)}
    gone = time.time()
    await eventually(lambda: ids <= {one.webhook_id for one in receiver.at(path) if one.at > gone}, RECOVERED_WITHIN_S)

    meanwhile = [await callers.call() for _ in range(ENOUGH // 2)]
    await restarted_ingress(house)
    after_restart = [await callers.call() for _ in range(ENOUGH // 2)]
    assert {answered.status for answered in (*before, *meanwhile, *after_restart)} == {202}
    assert not postgres.alive

    await asyncio.to_thread(postgres.start)
    care_flows = await all_succeed(house, callers.accepted_ids)
    await all_delivered(house, receiver, endpoint, path, care_flows)
    await configuration_travels(house, receiver, f"{path}-afterwards")
    await eventually(lambda: house.platform.supervisor.not_ready() == {}, RECOVERED_WITHIN_S)


async def restarted_ingress(house: House) -> None:
    """Stop ingress and start it; it is ready without its database."""
    ingress = house.platform.supervisor["ingress"]
    # What it still has to say to its database may keep it from ending by itself.
    await asyncio.to_thread(ingress.stop)
    ingress.start()
    await eventually(lambda: ingress.why_not_ready() is None, RECOVERED_WITHIN_S)
    await ok(house.ingress.get("/readyz"))
