"""The receiver of the journey: a process whose lines are read, and which ends with the journey."""

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from carewire_local import sample_receiver
from carewire_local.errors import JourneyStalled
from carewire_local.examples import FOLDER, RECEIVER
from carewire_local.sample_receiver import SampleReceiver, receiver_url
from carewire_local.spawner import Command


class Process:
    """A receiver that has already said all it says."""

    def __init__(self, says: bytes) -> None:
        self.stdout: io.BytesIO | None = io.BytesIO(says)
        self.ends = 0

    def terminate(self) -> None:
        self.ends += 1

    def wait(self, _timeout: float) -> int:
        assert self.ends
        return 0


LISTENING = b'{"listening": 5000}\n'


@pytest.fixture
def spawned(monkeypatch: pytest.MonkeyPatch) -> list[Command]:
    commands: list[Command] = []
    monkeypatch.setattr(sample_receiver, "spawn", lambda command, _: _remember(commands, command, LISTENING))
    return commands


def _remember(commands: list[Command], command: Command, says: bytes) -> Process:
    commands.append(command)
    return Process(says)


def saying(monkeypatch: pytest.MonkeyPatch, says: bytes) -> Process:
    process = Process(says)
    monkeypatch.setattr(sample_receiver, "spawn", lambda *_: process)
    return process


def anything(_told: dict[str, Any]) -> bool:
    return True


def test_its_address_has_the_path_that_it_listens_on() -> None:
    assert receiver_url(5_000) == "http://127.0.0.1:5000/carewire-webhooks"


def test_the_example_is_run_as_a_user_would_run_it(spawned: list[Command]) -> None:
    with SampleReceiver(5_000, "whsec_x"):
        pass
    (command,) = spawned
    assert command.argv == [sys.executable, str(RECEIVER), "--port", "5000"]
    assert command.folder == FOLDER


def test_the_secret_goes_by_the_environment_and_not_by_the_command_line(spawned: list[Command]) -> None:
    with SampleReceiver(5_000, "whsec_x"):
        pass
    (command,) = spawned
    assert command.env["WEBHOOK_SECRET"] == "whsec_x"
    assert not any("whsec" in word for word in command.argv)


def test_what_is_told_is_found_by_what_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    saying(monkeypatch, LISTENING + b'{"care_flow_id": "a"}\n{"care_flow_id": "b"}\n')
    with SampleReceiver(5_000, "s") as receiver:
        assert receiver.next(lambda told: told["care_flow_id"] == "b", 5.0, "b") == {"care_flow_id": "b"}


def test_lines_that_are_no_json_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    saying(monkeypatch, b"a warning of Python\n" + LISTENING + b"\nnoise\n" + b'{"received": "x"}\n')
    with SampleReceiver(5_000, "s") as receiver:
        assert receiver.next(anything, 5.0, "x") == {"received": "x"}


def test_what_does_not_come_is_named_with_the_time_that_it_was_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    saying(monkeypatch, LISTENING)
    with (
        SampleReceiver(5_000, "s") as receiver,
        pytest.raises(JourneyStalled, match=r"waited 0\.01 s for the delivery; the log files say more"),
    ):
        receiver.next(anything, 0.01, "the delivery")


def test_at_the_end_it_is_asked_to_stop_and_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    process = saying(monkeypatch, LISTENING)
    output = process.stdout
    assert output is not None
    with SampleReceiver(5_000, "s"):
        assert process.ends == 0
    assert process.ends == 1
    assert output.closed


def test_a_receiver_without_output_is_ended_too(monkeypatch: pytest.MonkeyPatch) -> None:
    process = saying(monkeypatch, b"")
    process.stdout = None
    receiver = SampleReceiver(5_000, "s")
    receiver.__exit__(None, None, None)
    assert process.ends == 1


def test_the_example_it_runs_is_there() -> None:
    assert Path(RECEIVER).is_file()
    assert subprocess.run([sys.executable, RECEIVER, "--help"], capture_output=True, check=False).returncode == 0
