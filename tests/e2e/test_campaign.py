"""Thousands of calls at full speed: accepted means done once, refused means nothing, and the log says the same."""

from collections import Counter
from collections.abc import Iterator

import pytest

from carewire_local.platform import Platform
from carewire_local.stack import Stack
from carewire_testing.nursery import Nursery
from carewire_testing_e2e.campaign import ALL_LOGGED, Campaign, calls_of, wage
from carewire_testing_e2e.house import House
from carewire_testing_e2e.killing import killing
from carewire_testing_e2e.outcomes import opened
from carewire_testing_e2e.own_house import own_house
from carewire_testing_e2e.reckoning import reckon

CALLS = 5_000
KILLS = 3
ENDED_WITHIN_S = 60.0


@pytest.fixture(scope="module")
def platform(stack: Stack, nursery: Nursery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A house that does not trace every call: it is to be fast."""
    with own_house(stack, nursery, tmp_path_factory.mktemp("house"), **ALL_LOGGED) as running:
        yield running


async def test_at_full_speed_everything_comes_out_even(house: House) -> None:
    webhook, campaign = await opened(house), Campaign()
    await wage(campaign, webhook, calls_of(webhook, CALLS, seed=1))
    reckoning = await reckon(house, webhook, campaign, within_s=ENDED_WITHIN_S)
    # A call that Kafka did not acknowledge in time was told so and repeated; it may be in the log all the same.
    assert Counter(reckoning.logged) - Counter(reckoning.untold) == {
        "SUCCESS": len(campaign.accepted),
        "REJECTED": len(campaign.refused),
        "TEST": len(campaign.tests),
    }
    assert reckoning.care_flows == len(campaign.keys)


async def test_nothing_is_lost_or_doubled_when_ingress_and_log_writer_are_killed_meanwhile(house: House) -> None:
    webhook, campaign = await opened(house), Campaign()
    async with killing(house.platform, campaign, CALLS, KILLS) as kills:
        await wage(campaign, webhook, calls_of(webhook, CALLS, seed=2))
    assert len(kills) == KILLS
    assert campaign.unanswered
    reckoning = await reckon(house, webhook, campaign, within_s=ENDED_WITHIN_S)
    assert reckoning.care_flows == len(campaign.keys)
