"""Each fault is done to whom it is meant for, and undone where it lasts."""

import signal
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from carewire_contracts.topics import Topics
from carewire_local.errors import NotReady
from carewire_testing_chaos import striking
from carewire_testing_chaos.history import Struck
from carewire_testing_chaos.house import ROLES, House
from carewire_testing_chaos.proxy import Line
from carewire_testing_chaos.schedule import LINES, Action, Fault


class Target:
    """A process, or a server, that writes down what is done to it."""

    def __init__(self, name: str, done: list[str]) -> None:
        self.name = name
        self.done = done
        self.reason: str | None = None
        self._child = SimpleNamespace(send=lambda sent: self.done.append(f"{signal.Signals(sent).name} {name}"))

    def kill(self) -> None:
        self.done.append(f"kill {self.name}")

    def start(self) -> None:
        self.done.append(f"start {self.name}")

    def stop(self) -> None:
        self.done.append(f"stop {self.name}")

    def why_not_ready(self) -> str | None:
        return self.reason


class Lines(Line):
    """A line that writes down when it is cut and healed."""

    def __init__(self, name: str, done: list[str]) -> None:
        super().__init__(0)
        self._name = name
        self._done = done

    def cut(self) -> None:
        super().cut()
        self._done.append(f"cut {self._name}")

    def heal(self) -> None:
        slow = " slow" if self.delay_s else ""
        super().heal()
        self._done.append(f"heal{slow} {self._name}")


@pytest.fixture
def done() -> list[str]:
    return []


@pytest.fixture
def house(done: list[str], tmp_path: Path) -> House:
    stack: Any = SimpleNamespace(kafka=Target("kafka", done), postgres=Target("postgres", done))
    supervisor: Any = {name: Target(name, done) for name in ROLES}
    lines = {name: (0, Lines(name, done)) for name in LINES}
    return House(stack, supervisor, lines, {}, Topics(), Any, Path(), tmp_path)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("action", "target", "expected"),
    [
        (Action.KILL, "worker-1", ["kill worker-1"]),
        (Action.KILL, "kafka", ["kill kafka", "start kafka"]),
        (Action.KILL, "postgres", ["kill postgres", "start postgres"]),
        (Action.FREEZE, "api", ["SIGSTOP api", "SIGCONT api"]),
        (Action.FREEZE, "kafka", ["SIGSTOP kafka", "SIGCONT kafka"]),
        (Action.CUT, "kafka of ingress", ["cut kafka of ingress", "heal kafka of ingress"]),
        (Action.DELAY, "postgres of dispatcher", ["heal slow postgres of dispatcher"]),
        (
            Action.RESTART,
            "orchestrator",
            ["stop orchestrator-1", "start orchestrator-1", "stop orchestrator-2", "start orchestrator-2"],
        ),
    ],
    ids=str,
)
async def test_a_fault_is_done_and_undone(
    action: Action, target: str, expected: list[str], house: House, done: list[str]
) -> None:
    await striking.strike(house, Fault(0, 0.0, action, target))
    assert done == expected
    assert not any(line.is_cut or line.delay_s for _, line in house.lines.values())


async def test_a_clock_is_set_for_a_while(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[tuple[Path, float]] = []
    monkeypatch.setattr("carewire_testing_chaos.clocks.step", lambda clock, by_s: steps.append((clock, by_s)))
    await striking.strike(house, Fault(0, 0.0, Action.STEP, "worker-1", by_s=-7.5))
    assert steps == [(house.clock("worker-1"), -7.5), (house.clock("worker-1"), 0.0)]


async def test_all_faults_are_done_in_their_order_and_told_of_with_their_times(house: House, done: list[str]) -> None:
    told: list[Struck] = []
    before = time.time()
    faults = [Fault(0, 0.0, Action.KILL, "worker-1"), Fault(1, 0.0, Action.KILL, "kafka")]
    await striking.strike_all(house, faults, told.append)
    assert done == ["kill worker-1", "kill kafka", "start kafka"]
    assert [(one.number, one.action, one.target) for one in told] == [(0, "kill", "worker-1"), (1, "kill", "kafka")]
    assert before <= told[0].began <= told[0].ended <= told[1].began <= told[1].ended


async def test_a_process_that_does_not_come_back_is_named(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(striking, "_BACK_WITHIN_S", 0.0)
    process: Any = house.service("ingress-2")
    process.reason = "is not joined yet"
    with pytest.raises(NotReady, match="ingress-2 is not joined yet"):
        await striking.strike(house, Fault(0, 0.0, Action.RESTART, "ingress"))
