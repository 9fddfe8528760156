"""One house for all end-to-end tests but those that harm it; these have another `platform` in their module."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from carewire_contracts.topics import Topics
from carewire_local.platform import Platform
from carewire_local.stack import Stack
from carewire_testing.nursery import Nursery
from carewire_testing_dispatcher.receiver import Receiver
from carewire_testing_dispatcher.receiver import receiver as serving
from carewire_testing_e2e.house import House, visit
from carewire_testing_e2e.own_house import PARTITIONS, own_house


@pytest.fixture(scope="session")
def spans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all services write their finished spans."""
    return tmp_path_factory.mktemp("traces") / "spans.jsonl"


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """Where the services of all houses are born: to import what they need takes each longer than to be set up."""
    with Nursery() as made:
        yield made


@pytest.fixture(scope="session")
def platform(
    stack: Stack, nursery: Nursery, tmp_path_factory: pytest.TempPathFactory, spans: Path
) -> Iterator[Platform]:
    """The running house, which tells of every call what became of it."""
    traced = {"CAREWIRE_TRACE_SAMPLE_RATIO": "1", "CAREWIRE_TRACE_EXPORT": f"file:{spans}"}
    with own_house(stack, nursery, tmp_path_factory.mktemp("house"), **traced) as running:
        yield running


@pytest.fixture
def topics(platform: Platform) -> Topics:
    """The names of its topics."""
    return Topics(platform.env["CAREWIRE_TOPIC_PREFIX"], PARTITIONS)


@pytest.fixture
async def house(platform: Platform) -> AsyncIterator[House]:
    """The house with all its services ready, whatever the test before did to them."""
    platform.supervisor.wait_ready()
    async with visit(platform) as visited:
        await visited.register_identifier_system()
        yield visited


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A subscriber's HTTP server."""
    async with serving() as served:
        yield served
