"""The large campaign: `make campaign`, or `python -m tests.chaos --calls 20000 --kills 10 --seed 7`.

100,000 calls of all kinds at full speed, once undisturbed and once with kills of ingress and of the log writer
meanwhile; then every answer that a caller got is compared with the log and with the care flows that exist.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from tests.bench.surroundings import running_platform

from carewire_local.platform import Platform
from carewire_local.progress import say
from carewire_testing_e2e.campaign import ALL_LOGGED, Campaign, calls_of, wage
from carewire_testing_e2e.house import House, visit
from carewire_testing_e2e.killing import killing
from carewire_testing_e2e.outcomes import opened
from carewire_testing_e2e.reckoning import Reckoning, reckon, statuses_of

_TELL_EVERY_S: Final = 3.0
_ENDED_WITHIN_S: Final = 600.0
"""From the last answer on: what is behind then has to catch up, on whatever machine this is."""


def main() -> int:
    """Wage both campaigns. Returns 1 if anything did not come out even."""
    parser = argparse.ArgumentParser(prog="campaign", description="Many calls at full speed, reckoned to the last one.")
    parser.add_argument("--calls", type=int, default=100_000, help="calls of each campaign (%(default)s)")
    parser.add_argument("--kills", type=int, default=10, help="kills in the second campaign (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="draws the calls (%(default)s)")
    asked = parser.parse_args()
    try:
        with running_platform(**ALL_LOGGED) as platform:
            asyncio.run(_both(platform, asked.calls, asked.kills, asked.seed))
    except AssertionError as error:
        say(f"\nNOT EVEN: {error}")
        return 1
    say("\nEverything came out even: accepted is done once, refused started nothing, and the log says what was told.")
    return 0


async def _both(platform: Platform, calls: int, kills: int, seed: int) -> None:
    async with visit(platform) as house:
        await house.register_identifier_system()
        await _one(house, f"{calls:,} calls at full speed", calls, 0, seed)
        if kills:
            await _one(house, f"{calls:,} calls, and {kills} kills meanwhile", calls, kills, seed + 1)


async def _one(house: House, title: str, calls: int, kills: int, seed: int) -> None:
    say(f"\n{title} (seed {seed})")
    webhook, campaign, began = await opened(house), Campaign(), time.monotonic()
    async with _telling(house, webhook, campaign, calls):
        async with killing(house.platform, campaign, calls, kills) as killed:
            await wage(campaign, webhook, calls_of(webhook, calls, seed))
            answered = time.monotonic() - began
        reckoning = await reckon(house, webhook, campaign, within_s=_ENDED_WITHIN_S)
    if not kills and not campaign.undisturbed:
        raise AssertionError(f"{campaign.unanswered} calls got no answer and {campaign.unavailable} a 503")
    _conclude(campaign, reckoning, killed, answered, time.monotonic() - began)


@asynccontextmanager
async def _telling(house: House, webhook: Any, campaign: Campaign, calls: int) -> AsyncIterator[None]:
    """Print how far it is, every few seconds."""

    async def tell() -> None:
        before, began = 0, time.monotonic()
        while True:
            await asyncio.sleep(_TELL_EVERY_S)
            now, took = campaign.answered, time.monotonic() - began
            say(
                f"  {took:4.0f} s: {now:,} of {calls:,} answered ({(now - before) / _TELL_EVERY_S:,.0f} a second); "
                f"in the log: {_shown(await statuses_of(house, webhook))}"
            )
            before = now

    telling = asyncio.create_task(tell())
    try:
        yield
    finally:
        telling.cancel()


def _conclude(campaign: Campaign, reckoning: Reckoning, killed: list[str], answered: float, took: float) -> None:
    say(
        f"  Told: {len(campaign.accepted):,} accepted under {len(campaign.keys):,} keys, {len(campaign.refused):,} "
        f"refused, {len(campaign.tests):,} tests, in {answered:.0f} s; everything had ended after {took:.0f} s."
    )
    if killed:
        say(
            f"  Killed: {', '.join(killed)}. Repeated: {campaign.unanswered:,} calls without an answer, "
            f"{campaign.unavailable:,} with 503. Logged, and told to nobody: {_shown(reckoning.untold) or 'none'}."
        )
    say(f"  In the log: {_shown(reckoning.logged)}. Care flows: {reckoning.care_flows:,}, one for each key.")


def _shown(statuses: Mapping[str, int]) -> str:
    return ", ".join(f"{status} {count:,}" for status, count in sorted(statuses.items()))


if __name__ == "__main__":
    sys.exit(main())
