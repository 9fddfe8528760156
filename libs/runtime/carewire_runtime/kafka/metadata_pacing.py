"""Keeps a producer from spinning while no broker answers.

When a broker stops in order its partitions lose their leader first. aiokafka's sender then asks for new metadata
again as soon as the last try has failed, without a pause: measured at 2,000 tries a second and client, a core
burnt by each service just when the machine is needed for a recovery. A failed update takes a moment here.
"""

import asyncio
from typing import Any, Final

PAUSE_S: Final = 0.1
"""aiokafka's own `retry_backoff_ms`, which it keeps everywhere else."""


def pace_metadata(client: Any) -> None:
    """Let each failed metadata update of an AIOKafkaClient end only after a pause."""
    update = client._metadata_update  # noqa: SLF001 (the driver offers no place for a pause)

    async def paced(*arguments: Any) -> bool:
        updated = bool(await update(*arguments))
        if not updated:
            await asyncio.sleep(PAUSE_S)
        return updated

    client._metadata_update = paced  # noqa: SLF001
