"""Waiting between two looks at something, for no longer than until it is known to be over."""

import asyncio

from carewire_runtime.clock import Clock


async def sleep_unless(event: asyncio.Event, seconds: float, clock: Clock) -> None:
    """Sleep so many seconds, or until the event is set: whoever is asked to stop, or woken, does not sleep on."""
    setting = asyncio.create_task(event.wait())
    sleeping = asyncio.create_task(clock.sleep(seconds))
    try:
        await asyncio.wait({setting, sleeping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        setting.cancel()
        sleeping.cancel()
        await asyncio.gather(setting, sleeping, return_exceptions=True)
