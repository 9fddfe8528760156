"""Worker processes under a parent: they live together and end together. Played by the shell."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from carewire_dispatcher.adapters import worker_processes
from carewire_dispatcher.adapters.worker_processes import WorkerProcesses
from carewire_dispatcher.errors import WorkerProcessEnded
from carewire_testing import eventually

ANSWERS = b"HTTP/1.1 %b\r\nconnection: close\r\n\r\n"
LIVES = "touch $0/$CAREWIRE_HTTP_PORT; exec sleep 600"
DEAF = "trap '' TERM; touch $0/$CAREWIRE_HTTP_PORT; while :; do sleep 0.05; done"


def children() -> list["psutil.Process"]:
    return [child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]


def begun(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def played_by(script: str, folder: Path, count: int = 2) -> WorkerProcesses:
    return WorkerProcesses(count, "127.0.0.1", 9_000, ("sh", "-c", script, str(folder)))


async def test_each_has_a_port_after_the_parents_and_all_stop_when_they_are_asked_to(tmp_path: Path) -> None:
    stop, before = asyncio.Event(), len(children())
    running = asyncio.create_task(played_by(LIVES, tmp_path, count=3).run(stop))
    await eventually(lambda: len(begun(tmp_path)) == 3)
    assert begun(tmp_path) == ["9001", "9002", "9003"]
    stop.set()
    await running
    assert len(children()) == before


async def test_one_that_ends_ends_all(tmp_path: Path) -> None:
    before = len(children())
    script = f'if [ "$CAREWIRE_HTTP_PORT" = 9002 ]; then exit 70; fi; {LIVES}'
    with pytest.raises(WorkerProcessEnded, match="exit code 70"):
        await played_by(script, tmp_path).run(asyncio.Event())
    assert len(children()) == before


async def test_one_that_does_not_stop_is_killed_at_the_deadline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_processes, "_STOP_DEADLINE_S", 0.05)
    stop, before = asyncio.Event(), len(children())
    running = asyncio.create_task(played_by(DEAF, tmp_path).run(stop))
    await eventually(lambda: len(begun(tmp_path)) == 2)
    stop.set()
    await running
    assert len(children()) == before


async def test_their_standard_input_ends_with_the_parent(tmp_path: Path) -> None:
    # Whatever ends the parent closes its end of the pipe; here the test does.
    script = f"exec 3<&0; {{ cat <&3; touch $0/ended; }} & {LIVES}"
    running = asyncio.create_task(played_by(script, tmp_path).run(asyncio.Event()))
    await eventually(lambda: len(begun(tmp_path)) == 2)
    assert not (tmp_path / "ended").exists()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await eventually((tmp_path / "ended").exists)


@asynccontextmanager
async def answering(status: bytes) -> AsyncIterator[int]:
    """A server that answers every call alike; yields its port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert (await reader.readline()).startswith(b"GET /readyz ")
        writer.write(ANSWERS % status)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
async def test_the_parent_is_ready_when_all_workers_are(host: str) -> None:
    async with answering(b"200 OK") as ready, answering(b"503 Service Unavailable") as starting:
        assert await WorkerProcesses(1, host, ready - 1).not_ready() is None
        assert (
            await WorkerProcesses(1, host, starting - 1).not_ready()
            == f"not ready yet: the workers on ports {starting}"
        )
    assert await WorkerProcesses(1, host, ready - 1).not_ready() is not None, "nobody listens any more"
