"""Orchestrators struck at random points while they start care flows, say timers, call APIs and are worked with.

One that is killed by kill -9, and then two side by side, of which in turn one is killed, or sleeps until its session
and its leases are over and goes on as if nothing was. `make kill-engine` has 2,000 care flows and 20 strikes for each;
CAREWIRE_TESTING_CARE_FLOWS, CAREWIRE_TESTING_KILLS and CAREWIRE_TESTING_SEED say how many and which.
"""

import os
import random
from collections import Counter
from collections.abc import Iterator
from functools import partial
from itertools import cycle, islice

import httpx
import pytest

from carewire_local.platform import Platform
from carewire_local.service_process import ServiceProcess
from carewire_local.stack import Stack
from carewire_testing.nursery import Nursery
from carewire_testing_dispatcher.receiver import Received, Receiver, Reply
from carewire_testing_e2e.care_flow_campaign import CALL_EVENTS, EVENTS, CareFlowCampaign, Strike
from carewire_testing_e2e.care_flow_reckoning import reckon, wage
from carewire_testing_e2e.house import House
from carewire_testing_e2e.killing import API_CALL_TIMEOUT_S, killed, put_to_sleep
from carewire_testing_e2e.more_processes import one_more
from carewire_testing_e2e.own_house import own_house

CARE_FLOWS = int(os.environ.get("CAREWIRE_TESTING_CARE_FLOWS", "100"))
KILLS = int(os.environ.get("CAREWIRE_TESTING_KILLS", "2"))
SEED = int(os.environ.get("CAREWIRE_TESTING_SEED", "1"))


@pytest.fixture(scope="module")
def platform(stack: Stack, nursery: Nursery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A house whose care flows may call this machine, and do not wait for long."""
    calls = {
        "CAREWIRE_ALLOW_HTTP_API_CALLS": "true",
        "CAREWIRE_ALLOW_PRIVATE_API_CALLS": "true",
        "CAREWIRE_API_CALL_TIMEOUT_S": str(API_CALL_TIMEOUT_S),
    }
    with own_house(stack, nursery, tmp_path_factory.mktemp("house"), **calls) as running:
        yield running


async def test_whatever_moment_it_dies_at_each_care_flow_is_started_once_and_told_of_in_full(house: House) -> None:
    campaign = CareFlowCampaign(house, CARE_FLOWS, random.Random(SEED), [house.orchestrator])
    kill = partial(killed, house.platform.supervisor["orchestrator"])
    webhook = await wage(campaign, [kill] * KILLS)
    await reckon(campaign, webhook, EVENTS)


class Register:
    """An API that is slow enough for a strike to meet calls under way, and fails each third of them at first."""

    def __init__(self) -> None:
        self.calls = Counter[str]()

    def script(self, received: Received) -> Reply:
        """Answer a call; the same call is answered the same, however often it comes."""
        key = received.headers["idempotency-key"]
        self.calls[key] += 1
        if len(self.calls) % 3 == 0 and self.calls[key] == 1:
            return Reply(503)
        return Reply(delay=0.2, body=b'{"found": 7}')


def in_turn(first: ServiceProcess, second: ServiceProcess) -> list[Strike]:
    """Each of the two is killed, and each sleeps."""
    turns = cycle([(killed, second), (put_to_sleep, first), (killed, first), (put_to_sleep, second)])
    return [partial(strike, process) for strike, process in islice(turns, KILLS)]


def requests_ended(process: ServiceProcess) -> int:
    """How many requests a process says that it has ended, in all its lives."""
    return process.log.read_text().count('"request_ended"')


async def test_of_two_side_by_side_whichever_is_struck_each_care_flow_timer_and_call_is_one(
    house: House, receiver: Receiver
) -> None:
    first, register = house.platform.supervisor["orchestrator"], Register()
    before = requests_ended(first)
    with one_more(house.platform, "orchestrator", "api", "engine") as (second, url):
        headers = house.orchestrator.headers
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=30, trust_env=False) as there:
            doors = [house.orchestrator, there]
            api = receiver.url("/register", register.script)
            campaign = CareFlowCampaign(house, CARE_FLOWS, random.Random(SEED), doors, api)
            webhook = await wage(campaign, in_turn(first, second))
            told = await reckon(campaign, webhook, EVENTS + CALL_EVENTS)
        assert requests_ended(first) > before, "both share the requests"
        assert requests_ended(second) > 0
    assert set(register.calls) == {
        event["activity"]["id"]
        for events in told.values()
        for event in events
        if event["event_type"] == "activity.created" and event["activity"]["object"]["type"] == "api_call"
    }
