"""The background tasks of an aiokafka consumer: whether they live, and how much they do.

When one of them dies of an unexpected error, the consumer is left behind alive and deaf: polls return nothing,
or the same error for ever. Whoever holds a consumer looks at them.
"""

import asyncio
from typing import Any, Final

from aiokafka import AIOKafkaConsumer
from aiokafka.client import ConnectionGroup

from carewire_runtime.errors import KafkaUnavailable

_LOOK_ANYWAY_S: Final = 10.0
TAKEN_WITHIN_S: Final = 0.1
"""The driver's own wait for records to be taken."""


def rest_while_idle(consumer: AIOKafkaConsumer) -> None:
    """Let a started consumer's fetcher sleep until something happens.

    By default it walks over all its partitions five times a second, whether anything happened or not. Whatever it
    acts upon wakes it: answers, seeks, resumptions, new assignments, metadata. It still looks around now and then.
    """
    consumer._fetcher._fetcher_timeout = _LOOK_ANYWAY_S  # noqa: SLF001 (no setting reaches it)


def fetch_within(consumer: AIOKafkaConsumer, wait_ms: int, least_bytes: int = 1) -> None:
    """Let the broker hold fetches from the next one on for at most so long while fewer bytes than these have come."""
    consumer._fetcher._fetch_max_wait_ms = wait_ms  # noqa: SLF001 (no setting of a running consumer)
    consumer._fetcher._fetch_min_bytes = least_bytes  # noqa: SLF001


def fetch_after_taking(consumer: AIOKafkaConsumer, within_s: float) -> None:
    """Let a started consumer fetch nothing while records of the broker are not taken, for so long after they came.

    By default that is `TAKEN_WITHIN_S`. Then it fetches without the partitions that these records are of; while the
    others stay quiet the broker holds that fetch, and what is appended to the first ones waits behind it.
    """
    consumer._fetcher._prefetch_backoff = within_s  # noqa: SLF001 (no setting reaches it)


def let_fetches_go(consumer: AIOKafkaConsumer) -> None:
    """Forget the fetches that brokers hold for a consumer: to be called when it was assigned other partitions.

    A broker answers the requests of a connection one after another, so the first fetch of the new partitions would wait
    until the last one of the old ones has ended, which an idle consumer lets take long. It gets a connection of its
    own. The group's coordinator has another one anyway.
    """
    for (_, group), connection in list(consumer._client._conns.items()):  # noqa: SLF001 (nothing public closes one)
        if group == ConnectionGroup.DEFAULT:
            connection.close()


def background_tasks(consumer: AIOKafkaConsumer) -> set[asyncio.Future[Any]]:
    """Return the tasks that fetch and, in a group, coordinate. None of them ends while all is well."""
    coordination = getattr(consumer._coordinator, "_coordination_task", None)  # noqa: SLF001 (nothing public tells)
    tasks = {consumer._fetcher.error_future, coordination}  # noqa: SLF001
    return {task for task in tasks if task is not None}


def raise_if_deaf(consumer: AIOKafkaConsumer) -> None:
    """Raise KafkaUnavailable if a background task ended: the consumer must be made anew."""
    if any(task.done() for task in background_tasks(consumer)):
        raise KafkaUnavailable("the consumer's background work ended")
