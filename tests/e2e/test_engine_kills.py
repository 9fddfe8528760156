"""The orchestrator killed by kill -9 at random points while it starts care flows, says timers and is worked with.

150 care flows and 3 kills, unless CAREWIRE_TESTING_CARE_FLOWS, CAREWIRE_TESTING_KILLS and CAREWIRE_TESTING_SEED say
otherwise; `make kill-engine` has 2,000 and 20.
"""

import asyncio
import os
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest

from carewire_local.platform import Platform
from carewire_local.stack import Stack
from carewire_testing import eventually
from carewire_testing_e2e.care_flow_campaign import EVENTS, CareFlowCampaign, kill_at_random
from carewire_testing_e2e.house import House
from carewire_testing_e2e.own_house import own_house
from carewire_testing_e2e.reckoning import statuses_of
from carewire_testing_e2e.told import patients_told, story, told_of

CARE_FLOWS = int(os.environ.get("CAREWIRE_TESTING_CARE_FLOWS", "150"))
KILLS = int(os.environ.get("CAREWIRE_TESTING_KILLS", "3"))
SEED = int(os.environ.get("CAREWIRE_TESTING_SEED", "1"))
ENDED_WITHIN_S = 60.0 + CARE_FLOWS / 20


@pytest.fixture(scope="module")
def platform(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A house of its own, so that all that its orchestrator stores is this campaign's."""
    with own_house(stack, tmp_path_factory.mktemp("house")) as running:
        yield running


async def only(house: House, query: str, *values: Any) -> list[tuple[Any, ...]]:
    """Look into the orchestrator's tables."""
    settings = {"search_path": "orchestrator"}
    connection = await asyncpg.connect(house.platform.env["CAREWIRE_POSTGRES_DSN"], server_settings=settings)
    try:
        return [tuple(row) for row in await connection.fetch(query, *values)]
    finally:
        await connection.close()


async def wage(campaign: CareFlowCampaign) -> tuple[Any, list[int]]:
    """Start, kill and work side by side until every care flow has ended; answers the webhook, and the kills."""
    ended = asyncio.Event()

    async def all_ended() -> bool:
        found = await only(campaign.house, "SELECT status, count(*) FROM care_flow GROUP BY status")
        assert found == [("completed", campaign.total)]
        return True

    async with asyncio.TaskGroup() as group:
        working = group.create_task(campaign.work(ended.is_set))
        starting = group.create_task(campaign.start_all())
        counts = await kill_at_random(campaign, KILLS)
        webhook = await starting
        await eventually(all_ended, ENDED_WITHIN_S, pause=0.2)
        ended.set()
        await working
    return webhook, counts


async def test_whatever_moment_it_dies_at_each_care_flow_is_started_once_and_told_of_in_full(house: House) -> None:
    campaign = CareFlowCampaign(house, CARE_FLOWS, random.Random(SEED))
    webhook, counts = await wage(campaign)
    assert len(counts) == KILLS
    assert len(campaign.keys) == CARE_FLOWS

    async def even() -> bool:
        statuses = await statuses_of(house, webhook)
        del statuses["REJECTED"]  # that the webhook is open is seen by calls that are refused
        assert statuses == {"SUCCESS": len(campaign.accepted)}
        for table in ("outbox", "outbox_set_aside", "timer"):
            assert await only(house, f"SELECT count(*) FROM {table}") == [(0,)], f"something is left in {table}"  # noqa: S608
        return True

    await eventually(even, ENDED_WITHIN_S, pause=0.2)
    started = await only(house, "SELECT care_flow_id, count(*) FROM start GROUP BY care_flow_id")
    assert len(started) == CARE_FLOWS
    assert {count for _, count in started} == {1}, "two start keys share a care flow"

    patients = -(-CARE_FLOWS // 2)
    identified = await only(house, "SELECT patient_id, count(*) FROM patient_identifier GROUP BY patient_id")
    assert (len(identified), {count for _, count in identified}) == (patients, {1})
    assert {patient for (patient,) in await only(house, "SELECT id FROM patient")} == {one for one, _ in identified}
    assert await patients_told(house.platform) == {one for one, _ in identified}

    told = await told_of(house.platform)
    assert told.keys() == {care_flow_id for care_flow_id, _ in started}
    assert {care_flow_id: Counter(story(events)) for care_flow_id, events in told.items()} == {
        care_flow_id: Counter(EVENTS) for care_flow_id in told
    }
