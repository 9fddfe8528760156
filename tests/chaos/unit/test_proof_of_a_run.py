"""The page that is written of a run says what was struck, what was promised, and whether it was kept."""

from pathlib import Path

import pytest
from tests.chaos import verdict as command

from carewire_testing_chaos.history import Began, line_of
from carewire_testing_chaos.lawful import LEAK, history, lawful, with_
from carewire_testing_chaos.proof import proof
from carewire_testing_chaos.verdict import CHECKS, judge


def test_it_says_what_was_struck_and_that_every_promise_was_kept() -> None:
    page = proof(history(), judge(history()))
    assert "**Every promise was kept.**" in page
    assert "## What was struck: 2 faults" in page
    assert "| 2 | kill -9 | ingress-1 1, worker-1 1 |" in page
    assert "commit `abc`, seed 1" in page
    assert "make chaos SEED=1 FAULTS=1 " in page
    for check in CHECKS:
        assert check.promise in page
    assert "Would it have noticed?" not in page


def test_it_hides_no_breach() -> None:
    broken = history(added=(LEAK,))
    page = proof(broken, judge(broken))
    assert "**Broken: silent.**" in page
    assert "**no**, 1 times" in page


def test_it_says_of_each_planted_bug_what_found_it() -> None:
    found = history(with_(Began, {"planted": "a-bug"}), added=(LEAK,))
    missed = history(with_(Began, {"planted": "another"}))
    page = proof(history(), judge(history()), [(found, judge(found)), (missed, judge(missed))])
    assert "| a-bug | nothing personal and no secret leaks: 1 |" in page
    assert "| another | **nothing** |" in page


@pytest.mark.parametrize(("leaks", "code"), [(0, 0), (1, 1)])
def test_the_command_answers_by_its_exit_code_and_says_what_to_do_next(
    leaks: int, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file, page = tmp_path / "history.jsonl", tmp_path / "proof.md"
    file.write_bytes(b"".join(map(line_of, [*lawful(), *[LEAK] * leaks])))
    monkeypatch.setattr("sys.argv", ["verdict", str(file), "--proof", str(page)])
    assert command.main() == code
    assert f"tests.chaos.verdict {file}" in capsys.readouterr().out
    assert ("Every promise was kept" in page.read_text()) is (code == 0)
