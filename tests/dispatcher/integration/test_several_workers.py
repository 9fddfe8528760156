"""`--workers 2`: two processes share the partitions, and none of them outlives the parent."""

from collections.abc import Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from carewire_dispatcher.settings import DispatcherSettings
from carewire_testing import eventually
from carewire_testing.free_ports import free_ports_in_a_row
from carewire_testing_dispatcher.receiver import Receiver
from carewire_testing_dispatcher.service import Client, Process

WORKERS = 2


@pytest.fixture
def settings(settings: DispatcherSettings) -> DispatcherSettings:
    return settings.model_copy(update={"workers": WORKERS, "http_port": free_ports_in_a_row(1 + WORKERS)})


@pytest.fixture
def parent(settings: DispatcherSettings, tmp_path: Path) -> Iterator[Process]:
    with Process(settings, tmp_path / "dispatcher.log") as started:
        yield started


def _children(parent: Process) -> list["psutil.Process"]:
    return list(psutil.Process(parent.pid).children())


def _none_runs(children: list["psutil.Process"]) -> bool:
    return not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children)


async def test_they_share_the_partitions_and_stop_with_the_parent(
    client: Client, hooks: Receiver, parent: Process, tmp_path: Path
) -> None:
    await client.ready()
    children = _children(parent)
    assert len(children) == WORKERS

    def shared() -> bool:
        lines = [
            line for line in (tmp_path / "dispatcher.log").read_text().splitlines() if "partitions_assigned" in line
        ]
        return len(lines) >= WORKERS and all('"partitions":1' in line for line in lines[-WORKERS:])

    await eventually(shared, timeout=30)
    await client.create_endpoint(hooks.url("/shared"), event_types=["track.completed"])
    sent = {(await client.publish("track.completed"))[0] for _ in range(20)}
    await eventually(lambda: {call.webhook_id for call in hooks.at("/shared")} == sent, timeout=30)
    assert parent.stop() == 0
    assert _none_runs(children)


async def test_a_parent_that_is_killed_leaves_none_behind(client: Client, parent: Process) -> None:
    await client.ready()
    children = _children(parent)
    parent.kill()
    await eventually(lambda: _none_runs(children), timeout=30)
