"""The command `carewire`, as a person runs it."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from carewire_testing.leftovers import at_work_in

pytestmark = pytest.mark.skipif(
    bool(os.environ.get("CAREWIRE_KAFKA_BOOTSTRAP") or os.environ.get("CAREWIRE_POSTGRES_DSN")),
    reason="the environment points to servers that this stack does not start",
)
CAREWIRE = Path(sys.executable).with_name("carewire")


@contextmanager
def _up(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [CAREWIRE, "up", "--state", folder], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()  # a test that fails must not wait for it for ever


def _read_until(process: "subprocess.Popen[str]", wanted: str) -> str:
    assert process.stdout is not None
    read = ""
    for line in process.stdout:
        read += line
        if wanted in line:
            return read
    raise AssertionError(f"{wanted!r} was not printed:\n{read}")


@pytest.mark.parametrize("signals", [[signal.SIGTERM], [signal.SIGINT, signal.SIGINT]])
def test_up_prints_the_addresses_and_an_interrupt_stops_everything(
    stack_folder: Path, signals: list[signal.Signals]
) -> None:
    with _up(stack_folder) as process:
        printed = _read_until(process, "Ctrl-C stops both")
        assert re.search(r"export CAREWIRE_KAFKA_BOOTSTRAP=127\.0\.0\.1:\d+\n", printed)
        assert re.search(r"export CAREWIRE_POSTGRES_DSN=postgresql://carewire:\S+@127\.0\.0\.1:\d+/carewire\n", printed)
        for each in signals:
            process.send_signal(each)
        assert "nothing is left running" in process.communicate(timeout=30)[0]
    assert process.returncode == 0
    assert at_work_in(stack_folder) == []


def test_an_interrupt_during_the_start_leaves_nothing_running(stack_folder: Path) -> None:
    with _up(stack_folder) as process:
        _read_until(process, "starting")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == 0
    assert at_work_in(stack_folder) == []


def test_a_second_up_on_the_same_folder_says_who_holds_it_and_leaves_the_first_alone(stack_folder: Path) -> None:
    with _up(stack_folder) as first:
        _read_until(first, "Ctrl-C stops both")
        second = subprocess.run([CAREWIRE, "up", "--state", stack_folder], capture_output=True, text=True, check=False)
        assert second.returncode == 1
        assert f"in use by process {first.pid} " in second.stderr
        assert "--state" in second.stderr
        first.send_signal(signal.SIGINT)
        assert "nothing is left running" in first.communicate(timeout=30)[0]
    assert first.returncode == 0
    assert at_work_in(stack_folder) == []


def test_clean_says_what_it_removed_and_what_to_do_next(stack_folder: Path) -> None:
    for expected in ("Nothing to remove", "Removed the data"):
        done = subprocess.run([CAREWIRE, "clean", "--state", stack_folder], capture_output=True, text=True, check=True)
        assert expected in done.stdout
        assert "Next: `carewire up`" in done.stdout
        (stack_folder / "logs").mkdir(parents=True)
        (stack_folder / "lock").touch()
