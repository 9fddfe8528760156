"""Topics of one test module: recognized by their prefix, deleted afterwards."""

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from aiokafka.admin import AIOKafkaAdminClient


@contextmanager
def fresh_topics(bootstrap: str) -> Iterator[str]:
    """Yield a prefix that no topic has yet; delete all topics that have it afterwards."""
    prefix = f"t{secrets.token_hex(4)}-"
    try:
        yield prefix
    finally:
        asyncio.run(_delete_topics(bootstrap, prefix))


async def _delete_topics(bootstrap: str, prefix: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        names = [name for name in await admin.list_topics() if name.startswith(prefix)]
        if names:
            await admin.delete_topics(names)
    finally:
        await admin.close()
