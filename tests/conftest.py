"""Fixtures of all packages: one real stack per run, and a database and topics of its own for each module."""

import gc
import os
import secrets
import shutil
import signal
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from carewire_local.progress import Report, say
from carewire_local.stack import Stack
from carewire_testing.databases import fresh_database
from carewire_testing.leftovers import left_behind
from carewire_testing.shared_stack import shared_stack
from carewire_testing.sharing_out import spread
from carewire_testing.topics import fresh_topics

_ROOMS = ("dispatcher", "e2e", "ingress", "local", "orchestrator", "runtime")

# What these assert is to be shown in full where it fails, as if it stood in the test.
pytest.register_assert_rewrite(*(f"carewire_testing_{room}" for room in _ROOMS))

# Properties hold at any speed: a machine that is busy elsewhere must not fail them. Each run of a developer draws other
# examples, so that a hundred of each every time would make all runs longer and find nothing that a few more runs don't.
_AT_ANY_SPEED = hypothesis.settings(
    deadline=None, max_examples=30, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.register_profile("exploring", _AT_ANY_SPEED)
# What says whether a change may be merged draws the same each time: what it finds is then the doing of the change.
hypothesis.settings.register_profile("judging", _AT_ANY_SPEED, derandomize=True, database=None)
hypothesis.settings.load_profile("judging" if "CI" in os.environ else "exploring")

_KINDS = ("unit", "integration", "e2e", "chaos")
_ROOT = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    """Make the folder of this run: all stacks of the run live in it, so what they leave behind is found."""
    _heed_interrupts()
    workerinput: dict[str, str] = getattr(config, "workerinput", {})
    if workerinput:
        root = Path(workerinput["carewire_root"]) / workerinput["workerid"]
        root.mkdir()
    else:
        root = Path(tempfile.mkdtemp(prefix="carewire-test-")).resolve()
    root.chmod(0o711)  # for root, Postgres runs as another user, who has to pass through
    config.stash[_ROOT] = root


def _heed_interrupts() -> None:
    """A shell has what it starts in the background ignore Ctrl-C, and so would commands that a test interrupts."""
    for each, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(each) is signal.SIG_IGN:
            signal.signal(each, handler)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a process that takes a share of the tests (pytest-xdist) where the folder of this run is."""
    node.workerinput["carewire_root"] = str(node.config.stash[_ROOT])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark each test by the folder that it lies in; where several processes share the tests, mix the kinds."""
    for item in items:
        if not _is_run(item.path):
            raise pytest.UsageError(f"{item.path} lies in no folder that `make test` runs")
        for kind in _KINDS:
            if kind in item.path.parts:
                item.add_marker(kind)
    if hasattr(config, "workerinput"):
        items[:] = _mixed(items)


def _is_run(path: Path) -> bool:
    room, kind, *_ = path.relative_to(Path(__file__).parent).parts
    return kind in ("unit", "integration") or room == "e2e" or (room == "chaos" and kind == path.name)


def pytest_collection_finish() -> None:
    """Leave the fifteen thousand tests out of garbage collections: they stay until the end."""
    gc.freeze()


def _mixed(items: list[pytest.Item]) -> list[pytest.Item]:
    files = defaultdict[Path, list[pytest.Item]](list)
    for item in items:
        files[item.path].append(item)
    computing = [path for path in files if "unit" in path.parts]
    waiting = [path for path in files if "unit" not in path.parts]
    return [item for path in spread(waiting, computing) for item in files[path]]


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session: pytest.Session) -> Iterator[None]:
    """Fail a run that leaves processes behind."""
    yield
    if hasattr(session.config, "workerinput"):
        return  # whoever shared the tests out looks, when all its workers are gone
    root = session.config.stash[_ROOT]
    remaining = left_behind(root)
    shutil.rmtree(root, ignore_errors=True)
    if remaining:
        say("\nprocesses were left behind:\n" + "\n".join(remaining))
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def report(pytestconfig: pytest.Config) -> Report:
    """Show progress although pytest captures the output: a first run fetches Kafka."""
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")

    def show(text: str) -> None:
        with capture.global_and_fixture_disabled():
            say(text)

    return show


@pytest.fixture(scope="session")
def stack(pytestconfig: pytest.Config, report: Report) -> Iterator[Stack]:
    """Real Kafka and Postgres, started once per run (or the ones that the environment points to)."""
    workerinput: dict[str, str] = getattr(pytestconfig, "workerinput", {})
    root = Path(workerinput.get("carewire_root", pytestconfig.stash[_ROOT]))
    with shared_stack(root / "shared", report) as running:
        yield running


@pytest.fixture(scope="session")
def run_folder(pytestconfig: pytest.Config) -> Path:
    """The folder of this run: stacks and platforms have their own folders in it."""
    return pytestconfig.stash[_ROOT]


@pytest.fixture
def stack_folder(run_folder: Path) -> Path:
    """A state folder that does not exist yet, for tests that run a stack of their own."""
    return run_folder / secrets.token_hex(4)


@pytest.fixture
def own_stack(stack_folder: Path) -> Iterator[Stack]:
    """A stack for this test alone, whose servers it may stop, start and kill."""
    with Stack(stack_folder, durable=False) as running:
        yield running


@pytest.fixture(scope="module")
def database_dsn(stack: Stack) -> Iterator[str]:
    """A fresh database for this module."""
    with fresh_database(stack.postgres_dsn) as dsn:
        yield dsn


@pytest.fixture(scope="module")
def topic_prefix(stack: Stack) -> Iterator[str]:
    """A prefix for the topics of this module."""
    with fresh_topics(stack.kafka_bootstrap) as prefix:
        yield prefix
