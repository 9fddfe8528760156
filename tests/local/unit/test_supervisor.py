"""The supervisor: starts in order, reports every death, stops all, and tells who isn't ready and why."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from carewire_local import service_process, supervisor
from carewire_local.errors import NotReady
from carewire_local.service_process import Service
from carewire_local.state import StateFolder
from carewire_local.supervisor import Supervisor
from carewire_testing_local import HandTime
from carewire_testing_local.children import Children

NAMES = ("ingress", "orchestrator", "dispatcher")


@pytest.fixture
def world() -> Children:
    return Children()


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> HandTime:
    clock = HandTime()
    monkeypatch.setattr(supervisor, "time", clock)
    return clock


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def watched(tmp_path: Path, world: Children, time: HandTime, told: list[str]) -> Iterator[Supervisor]:
    services = [Service(name, [name], {}) for name in NAMES]
    with Supervisor(services, StateFolder(tmp_path), report=told.append, child=world.make) as running:
        yield running


def test_services_are_started_in_their_order_and_found_by_name(watched: Supervisor, world: Children) -> None:
    assert world.events == [f"start {name}" for name in NAMES]
    assert [process.name for process in watched] == list(NAMES)
    assert watched["dispatcher"].alive
    with pytest.raises(KeyError):
        watched["console"]


def test_when_all_are_ready_there_is_nothing_to_wait_for(watched: Supervisor, time: HandTime) -> None:
    watched.wait_ready()
    assert time.sleeps == []
    assert watched.not_ready() == {}


def test_a_stop_asks_every_service_and_is_harmless_when_repeated(watched: Supervisor, world: Children) -> None:
    watched.stop()
    watched.stop()
    asked = sorted(event for event in world.events if event.startswith("stop"))
    assert asked == sorted(2 * [f"stop {name} by SIGTERM within 25 s" for name in NAMES])
    assert not any(process.alive for process in watched)


def test_who_had_to_be_killed_is_named(watched: Supervisor, world: Children, told: list[str]) -> None:
    world["orchestrator"].stops_in_time = False
    watched.stop()
    assert told == ["orchestrator did not stop in time and was killed"]


def refusing(reasons: dict[str, list[str | None]]) -> object:
    """Answers of readiness, one after another; the last one stays."""

    def why_not_ready(url: str) -> str | None:
        left = reasons[url]
        return left.pop(0) if len(left) > 1 else left[0]

    return why_not_ready


@pytest.fixture
def slow(
    tmp_path: Path, world: Children, time: HandTime, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Supervisor, dict[str, list[str | None]]]]:
    reasons: dict[str, list[str | None]] = {name: [None] for name in NAMES}
    monkeypatch.setattr(service_process, "why_not_ready", refusing(reasons))
    services = [Service(name, [name], {}, url=name) for name in NAMES]
    with Supervisor(services, StateFolder(tmp_path), report=told.append, child=world.make) as running:
        yield running, reasons


Slow = tuple[Supervisor, dict[str, list[str | None]]]


def test_it_waits_until_the_last_one_is_ready(slow: Slow, time: HandTime) -> None:
    running, reasons = slow
    reasons["ingress"] = ["answers 503: kafka"] * 3 + [None]
    reasons["dispatcher"] = ["does not answer"] * 7 + [None]
    running.wait_ready()
    assert len(time.sleeps) == 7


def test_at_the_deadline_each_one_that_is_not_ready_gives_its_reason(slow: Slow, time: HandTime) -> None:
    running, reasons = slow
    reasons["ingress"] = ["answers 503: kafka"]
    reasons["dispatcher"] = ["does not answer on http://x"]
    with pytest.raises(NotReady) as not_ready:
        running.wait_ready(2.0)
    assert str(not_ready.value) == "ingress answers 503: kafka\ndispatcher does not answer on http://x"
    assert 2.0 <= sum(time.sleeps) < 2.2


def test_who_is_still_waited_for_is_told_every_five_seconds(slow: Slow, told: list[str]) -> None:
    running, reasons = slow
    reasons["orchestrator"] = ["answers 503: postgres"]
    with pytest.raises(NotReady):
        running.wait_ready(12.0)
    assert told == ["waiting for orchestrator", "waiting for orchestrator"]


def test_a_wrong_configuration_is_not_waited_for(slow: Slow, world: Children, time: HandTime) -> None:
    running, _ = slow
    world["ingress"].words = "CAREWIRE_ENCRYPTION_KEYS is missing: set it"
    world["ingress"].end(78)
    with pytest.raises(NotReady, match=r"^ingress ended with exit code 78; .*\nCAREWIRE_ENCRYPTION_KEYS is missing"):
        running.wait_ready()
    assert time.sleeps == []


def test_any_other_death_may_pass_and_is_waited_out(slow: Slow, world: Children, time: HandTime) -> None:
    running, _ = slow
    world["ingress"].end(70)
    time.on_sleep = running["ingress"].start
    running.wait_ready()
    assert len(time.sleeps) == 1


def test_with_echo_what_services_print_is_told_at_the_stop_at_the_latest(
    tmp_path: Path, world: Children, told: list[str]
) -> None:
    state = StateFolder(tmp_path)
    state.logs.mkdir()
    running = Supervisor([Service("ingress", ["ingress"], {})], state, report=told.append, echo=True, child=world.make)
    running.start()
    (state.logs / "ingress.log").write_text("hello\n")
    running.stop()
    assert told == ["ingress | hello"]


def test_a_supervisor_without_services_stops_at_once(tmp_path: Path) -> None:
    with Supervisor([], StateFolder(tmp_path)) as running:
        running.wait_ready()
    assert list(running) == []
