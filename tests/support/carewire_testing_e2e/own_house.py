"""A house for some tests alone: three services as processes of their own, under a supervisor."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from carewire_local.backoff import BackOff
from carewire_local.platform import Platform
from carewire_local.stack import Stack
from carewire_testing.databases import fresh_database
from carewire_testing.nursery import Nursery, NurseryChild
from carewire_testing.topics import fresh_topics

PARTITIONS: Final = 2
TIME_SCALE: Final = 10
"""Divides the 24 hours of retries: the first waits are 0.2, 0.4 and 0.8 s."""


@contextmanager
def own_house(stack: Stack, nursery: Nursery, folder: Path, **settings: str) -> Iterator[Platform]:
    """Run a house on servers, with a database and topics of its own, and further settings by their variables.

    Its processes are born in the nursery, whenever they are started.
    """
    child = partial(NurseryChild, nursery)
    quicker = {"CAREWIRE_TIME_SCALE": str(TIME_SCALE), **settings}
    backoff = BackOff(first_s=0.1)
    with (
        own_places(stack, **quicker) as env,
        Platform(folder, stack=stack, env=env, backoff=backoff, child=child) as running,
    ):
        yield running


@contextmanager
def own_places(stack: Stack, **settings: str) -> Iterator[dict[str, str]]:
    """The settings of a house by their variables: a database and topics of its own, and whatever else is given."""
    with fresh_database(stack.postgres_dsn) as dsn, fresh_topics(stack.kafka_bootstrap) as prefix:
        yield {
            "CAREWIRE_POSTGRES_DSN": dsn,
            "CAREWIRE_TOPIC_PREFIX": prefix,
            "CAREWIRE_PARTITIONS": str(PARTITIONS),
            **settings,
        }
