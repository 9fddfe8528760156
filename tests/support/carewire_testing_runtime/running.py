"""Running a component for the length of a block."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from carewire_runtime.process import Component


@asynccontextmanager
async def running(component: Component) -> AsyncIterator[asyncio.Task[None]]:
    """Run a component beside the block, and stop it in order at the end. Raises what the component raises."""
    stop = asyncio.Event()
    task = asyncio.create_task(component.run(stop))
    try:
        yield task
    finally:
        stop.set()
        await asyncio.wait([task], timeout=20)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    if not task.cancelled() and task.exception() is None:
        return
    await task
