"""A child that dies with its parent: what is done before the command takes over."""

import ctypes
import os
import signal
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from carewire_local import parent_death


class Machine:
    """Notes what would be done to this process."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.done: list[tuple[object, ...]] = []
        self.refuses = False
        for name in ("setgroups", "setgid", "setuid", "execvp"):
            patch.setattr(os, name, self._note(name))
        libc = SimpleNamespace(prctl=self._prctl)
        patch.setattr(ctypes, "CDLL", lambda *_, **__: libc)
        patch.setattr(sys, "platform", "linux")

    def _note(self, name: str) -> object:
        return lambda *arguments: self.done.append((name, *arguments))

    def _prctl(self, *arguments: int) -> int:
        self.done.append(("prctl", *arguments[:2]))
        return -1 if self.refuses else 0


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


PARENT = str(os.getppid())
KILL = str(int(signal.SIGKILL))


def test_the_kernel_is_told_and_then_the_command_takes_over(machine: Machine) -> None:
    parent_death.main([KILL, PARENT, "-", "java", "-version"])
    assert machine.done == [("prctl", 1, signal.SIGKILL), ("execvp", "java", ["java", "-version"])]


def test_the_user_is_changed_first_because_that_resets_the_death_signal(machine: Machine) -> None:
    parent_death.main([str(int(signal.SIGQUIT)), PARENT, "70:71", "postgres"])
    assert machine.done == [
        ("setgroups", []),
        ("setgid", 71),
        ("setuid", 70),
        ("prctl", 1, signal.SIGQUIT),
        ("execvp", "postgres", ["postgres"]),
    ]


def test_a_parent_that_is_gone_already_gets_no_child(machine: Machine) -> None:
    with pytest.raises(SystemExit, match="the parent is gone"):
        parent_death.main([KILL, "1", "-", "java"])
    assert ("execvp", "java", ["java"]) not in machine.done


def test_a_kernel_that_refuses_gets_no_child(machine: Machine) -> None:
    machine.refuses = True
    with pytest.raises(OSError, match="PR_SET_PDEATHSIG"):
        parent_death.main([KILL, PARENT, "-", "java"])
    assert not any(step[0] == "execvp" for step in machine.done)


def test_elsewhere_than_on_linux_the_command_runs_untied(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    parent_death.main([KILL, "1", "-", "java"])
    assert machine.done == [("execvp", "java", ["java"])]


def test_it_needs_nothing_but_the_standard_library() -> None:
    """It runs before every server by `python -I -S`, where no package can be found."""
    assert parent_death.__file__ is not None
    source = Path(parent_death.__file__).read_text("utf-8").splitlines()
    imports = {line.split()[1] for line in source if line.startswith(("import ", "from "))}
    assert imports <= set(sys.stdlib_module_names)
