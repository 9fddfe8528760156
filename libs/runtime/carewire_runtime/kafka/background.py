"""The background tasks of an aiokafka consumer.

When one of them dies of an unexpected error, the consumer is left behind alive and deaf: polls return nothing,
or the same error for ever. Whoever holds a consumer looks at them.
"""

import asyncio
from typing import Any

from aiokafka import AIOKafkaConsumer

from carewire_runtime.errors import KafkaUnavailable


def background_tasks(consumer: AIOKafkaConsumer) -> set[asyncio.Future[Any]]:
    """Return the tasks that fetch and, in a group, coordinate. None of them ends while all is well."""
    coordination = getattr(consumer._coordinator, "_coordination_task", None)  # noqa: SLF001 (nothing public tells)
    tasks = {consumer._fetcher.error_future, coordination}  # noqa: SLF001
    return {task for task in tasks if task is not None}


def raise_if_deaf(consumer: AIOKafkaConsumer) -> None:
    """Raise KafkaUnavailable if a background task ended: the consumer must be made anew."""
    if any(task.done() for task in background_tasks(consumer)):
        raise KafkaUnavailable("the consumer's background work ended")
