"""A subscriber as a process of its own: prints its URL, and serves until its standard input ends."""

import asyncio
import sys

from tests.bench.subscriber import Subscriber


async def serve() -> None:
    """Serve."""
    async with Subscriber(lambda _body, _at: None) as subscriber:
        print(subscriber.url, flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve())
