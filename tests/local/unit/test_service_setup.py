"""The setup of the services: side by side, and each that fails says why."""

from pathlib import Path

import pytest

from carewire_local.errors import SetupFailed
from carewire_local.service_process import Service
from carewire_local.service_setup import set_up
from carewire_local.state import StateFolder
from carewire_testing_local import FakeChild
from carewire_testing_local.children import Children

SERVICES = [Service(f"{name}-setup", [name, "setup"], {}) for name in ("ingress", "orchestrator")]


@pytest.fixture
def codes() -> dict[str, int | None]:
    return {service.name: 0 for service in SERVICES}


@pytest.fixture
def world(codes: dict[str, int | None], monkeypatch: pytest.MonkeyPatch) -> Children:
    def wait(child: FakeChild, _deadline_s: float) -> int | None:
        code = codes[child.name]
        if code is not None:
            child.end(code)
        return code

    monkeypatch.setattr(FakeChild, "wait", wait)
    return Children()


def test_when_all_succeed_nothing_is_said(tmp_path: Path, world: Children) -> None:
    set_up(SERVICES, StateFolder(tmp_path), world.make)
    assert {event for event in world.events if event.startswith("start")} == {
        "start ingress-setup",
        "start orchestrator-setup",
    }
    assert list(world["ingress-setup"].commands[0].argv) == ["ingress", "setup"]


def test_a_failure_is_named_with_its_exit_code_its_log_and_its_last_words(
    tmp_path: Path, world: Children, codes: dict[str, int | None]
) -> None:
    codes["ingress-setup"] = 78
    with pytest.raises(SetupFailed) as failed:
        set_up(SERVICES, StateFolder(tmp_path), world.make)
    log = tmp_path / "logs" / "ingress-setup.log"
    assert str(failed.value) == (
        f"ingress-setup ended with exit code 78. The end of {log}:\nthe last words of ingress-setup"
    )


def test_all_failures_are_told_at_once(tmp_path: Path, world: Children, codes: dict[str, int | None]) -> None:
    codes.update({"ingress-setup": 78, "orchestrator-setup": 70})
    with pytest.raises(SetupFailed) as failed:
        set_up(SERVICES, StateFolder(tmp_path), world.make)
    assert [line.partition(" ended")[0] for line in str(failed.value).splitlines()[::2]] == [
        "ingress-setup",
        "orchestrator-setup",
    ]


def test_one_that_does_not_end_is_stopped_and_said_so(
    tmp_path: Path, world: Children, codes: dict[str, int | None]
) -> None:
    codes["orchestrator-setup"] = None
    with pytest.raises(SetupFailed, match=r"^orchestrator-setup did not end within 120 s\."):
        set_up(SERVICES, StateFolder(tmp_path), world.make)
    assert not world["orchestrator-setup"].alive
