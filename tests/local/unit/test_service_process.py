"""One supervised service: kept running while it is wanted, restarted with growing pauses, left alone when stopped."""

import signal
from pathlib import Path

import pytest

from carewire_local import service_process
from carewire_local.backoff import BackOff
from carewire_local.service_process import Service, ServiceProcess
from carewire_local.state import StateFolder
from carewire_testing_local import HandTime
from carewire_testing_local.children import Children

POLICY = BackOff(first_s=1.0, factor=2.0, longest_s=4.0, healthy_after_s=20.0)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> HandTime:
    clock = HandTime()
    monkeypatch.setattr(service_process, "time", clock)
    return clock


@pytest.fixture
def world() -> Children:
    return Children()


@pytest.fixture
def process(tmp_path: Path, world: Children, time: HandTime) -> ServiceProcess:
    service = Service("ingress", ["carewire-ingress", "serve"], {"A": "1"}, stop_deadline_s=3.0)
    return ServiceProcess(service, StateFolder(tmp_path), POLICY, world.make)


def test_a_start_runs_the_command_with_its_whole_environment_in_the_state_folder(
    process: ServiceProcess, world: Children, tmp_path: Path
) -> None:
    process.start()
    (command,) = world["ingress"].commands
    assert (command.argv, command.env, command.folder) == (["carewire-ingress", "serve"], {"A": "1"}, tmp_path)
    assert process.alive
    assert process.pid == 40_001
    assert process.log == tmp_path / "logs" / "ingress.log"


def test_a_start_while_it_runs_is_harmless(process: ServiceProcess, world: Children) -> None:
    process.start()
    process.start()
    assert world.events == ["start ingress"]


def test_while_it_runs_there_is_nothing_to_tend(process: ServiceProcess) -> None:
    process.start()
    assert process.tend() is None


def test_before_its_start_there_is_nothing_to_tend(process: ServiceProcess, world: Children) -> None:
    assert process.tend() is None
    assert world.events == []


def test_a_death_is_told_once_with_code_pause_and_log(process: ServiceProcess, world: Children, time: HandTime) -> None:
    process.start()
    world["ingress"].end(70)
    assert process.tend() == f"ingress ended with exit code 70; starting it again in 1.0 s ({process.log})"
    assert process.tend() is None
    assert process.restarts == 0


def test_it_is_started_again_when_the_pause_is_over_and_not_before(
    process: ServiceProcess, world: Children, time: HandTime
) -> None:
    process.start()
    world["ingress"].end(70)
    process.tend()
    time.now += 0.9
    assert process.tend() is None
    assert not process.alive
    time.now += 0.2
    assert process.tend() == "ingress was started again (pid 40002)"
    assert process.restarts == 1
    assert process.exit_code is None


def deaths(process: ServiceProcess, world: Children, time: HandTime, lives: list[float]) -> list[str]:
    """Let it live so long each time, die, and come back; what is told of the pauses."""
    process.start()
    told = []
    for lived in lives:
        time.now += lived
        world["ingress"].end(70)
        told.append(process.tend() or "")
        time.now += 100
        process.tend()
    return [line.partition("again in ")[2].partition(" s")[0] for line in told]


@pytest.mark.parametrize(
    ("lives", "pauses"),
    [
        ([0, 0, 0, 0, 0], ["1.0", "2.0", "4.0", "4.0", "4.0"]),
        ([0, 0, 25, 0], ["1.0", "2.0", "1.0", "2.0"]),
        ([19.9, 19.9], ["1.0", "2.0"]),
        ([20, 20], ["1.0", "1.0"]),
    ],
    ids=["dies at once each time", "one good life forgives", "not quite good enough", "good enough each time"],
)
def test_pauses_grow_while_it_keeps_dying(
    process: ServiceProcess, world: Children, time: HandTime, lives: list[float], pauses: list[str]
) -> None:
    assert deaths(process, world, time, lives) == pauses


def test_a_killed_service_comes_back_by_the_same_policy(process: ServiceProcess, world: Children) -> None:
    process.start()
    process.kill()
    assert process.exit_code == -signal.SIGKILL
    told = process.tend()
    assert told is not None
    assert told.startswith("ingress ended with exit code -9; starting it again in 1.0 s")


def test_a_stop_gives_the_service_s_own_deadline_and_it_stays_stopped(
    process: ServiceProcess, world: Children, time: HandTime
) -> None:
    process.start()
    assert process.stop()
    assert world.events[-1] == "stop ingress by SIGTERM within 3 s"
    time.now += 1_000
    assert process.tend() is None
    assert not process.alive


def test_a_stop_says_when_force_was_needed(process: ServiceProcess, world: Children) -> None:
    process.start()
    world["ingress"].stops_in_time = False
    assert not process.stop()


def test_a_stop_between_death_and_restart_calls_the_restart_off(
    process: ServiceProcess, world: Children, time: HandTime
) -> None:
    process.start()
    world["ingress"].end(70)
    process.tend()
    process.stop()
    time.now += 1_000
    assert process.tend() is None
    assert process.restarts == 0


def test_after_a_stop_a_start_is_no_restart(process: ServiceProcess) -> None:
    process.start()
    process.stop()
    process.start()
    assert process.alive
    assert process.restarts == 0


def test_it_can_be_frozen_and_thawed(process: ServiceProcess, world: Children) -> None:
    process.start()
    process.pause()
    process.resume()
    assert world["ingress"].signals == [signal.SIGSTOP, signal.SIGCONT]


def test_a_dead_service_is_not_ready_and_its_last_words_say_why(process: ServiceProcess, world: Children) -> None:
    process.start()
    world["ingress"].end(78)
    assert process.why_not_ready() == (f"ended with exit code 78; the end of {process.log}:\nthe last words of ingress")


def test_a_running_service_without_an_address_is_ready(process: ServiceProcess) -> None:
    process.start()
    assert process.why_not_ready() is None


def test_a_running_service_with_an_address_is_asked(
    tmp_path: Path, world: Children, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_process, "why_not_ready", lambda url: f"{url} says no")
    process = ServiceProcess(Service("api", ["x"], {}, "http://127.0.0.1:1"), StateFolder(tmp_path), POLICY, world.make)
    process.start()
    assert process.why_not_ready() == "http://127.0.0.1:1 says no"
