"""Services killed, or put to sleep, while a campaign goes on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from carewire_local.platform import Platform
from carewire_local.service_process import ServiceProcess
from carewire_testing import eventually
from carewire_testing_e2e.campaign import Campaign
from carewire_testing_e2e.more_processes import one_more
from carewire_testing_e2e.outcomes import RECOVERED_WITHIN_S

API_CALL_TIMEOUT_S: Final = 3
"""What an API call may take where services are put to sleep."""
ASLEEP_S: Final = 14.0
"""Longer than a consumer's session (6 s) and than the lease of such a call (13 s)."""


@asynccontextmanager
async def killing(platform: Platform, campaign: Campaign, total: int, kills: int) -> AsyncIterator[list[str]]:
    """Kill by kill -9 inside the block: in turn ingress with all its roles, and a second process that only logs.

    Yields the names of those killed so far; each is killed when its share of the calls has been answered.
    """
    if not kills:
        yield []
        return
    async with AsyncExitStack() as stack:
        more = one_more(platform, "ingress", "log-writer")
        second, _ = await asyncio.to_thread(more.__enter__)
        stack.push_async_callback(asyncio.to_thread, more.__exit__, None, None, None)
        names: list[str] = []
        victims = [platform.supervisor["ingress"], second]

        async def kill_all() -> None:
            for number in range(kills):
                due = total * (number + 1) // (kills + 1)
                await eventually(lambda due=due: campaign.answered >= due, 600.0, pause=0.005)  # type: ignore[misc]
                await killed(victims[number % 2])
                names.append(victims[number % 2].name)

        task = asyncio.create_task(kill_all())
        try:
            yield names
            await task
        finally:
            task.cancel()


async def killed(process: ServiceProcess) -> None:
    """Kill a service, and see the supervisor start it again."""
    restarts = process.restarts
    process.kill()
    await eventually(lambda: process.restarts > restarts, RECOVERED_WITHIN_S)


async def put_to_sleep(process: ServiceProcess) -> None:
    """Freeze a service until all that it holds for a time is anybody's again, and let it go on as if nothing was."""
    process.pause()
    try:
        await asyncio.sleep(ASLEEP_S)
    finally:
        process.resume()
