"""Every bug that can be planted has a trap, is planted into one service, and finds there what it changes."""

import ast
import inspect

import pytest
from tests.chaos.planted_bugs import TRAPS

from carewire_testing_chaos import bugs
from carewire_testing_chaos.house import KINDS
from carewire_testing_chaos.verdict import CHECKS


def test_each_bug_has_a_trap_and_a_place() -> None:
    assert TRAPS.keys() == bugs.BUGS.keys() == bugs.STRUCK_IN.keys()
    assert set(bugs.STRUCK_IN.values()) <= set(KINDS)


@pytest.mark.parametrize("bug", TRAPS)
def test_a_trap_waits_for_checks_that_there_are(bug: str) -> None:
    assert TRAPS[bug].checks
    assert TRAPS[bug].checks <= {check.name for check in CHECKS}


@pytest.mark.parametrize("bug", bugs.BUGS)
def test_a_bug_changes_something_that_is_there(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    changed: list[str] = []

    def note(owner: object, name: str, by: object) -> None:
        assert callable(getattr(owner, name))
        changed.append(name)

    monkeypatch.setattr(bugs, "_replace", note)
    bugs.BUGS[bug]()
    assert changed


def test_no_bug_is_planted_by_its_import() -> None:
    tree = ast.parse(inspect.getsource(bugs))
    assert all(
        isinstance(node, ast.Expr | ast.Import | ast.ImportFrom | ast.AnnAssign | ast.FunctionDef) for node in tree.body
    )
