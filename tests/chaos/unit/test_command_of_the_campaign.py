"""`make chaos`: what it hands on of what was asked, and how it ends."""

from pathlib import Path

import pytest
from tests.chaos import whole_house

from carewire_local.errors import NotReady
from carewire_testing_chaos.campaign import Plan
from carewire_testing_chaos.history import Began, Entry, line_of
from carewire_testing_chaos.lawful import LEAK, lawful
from carewire_testing_chaos.schedule import drawn


def ended(folder: Path, *added: Entry) -> Path:
    file = folder / "history.jsonl"
    file.write_bytes(b"".join(map(line_of, [*lawful(), *added])))
    return file


@pytest.mark.parametrize(("added", "code"), [((), 0), ((LEAK,), 1)], ids=["kept", "broken"])
def test_it_ends_as_the_verdict_says(
    added: tuple[Entry, ...], code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Plan] = []

    def waged(plan: Plan, folder: Path, report: object) -> Path:
        asked.append(plan)
        assert folder == tmp_path
        return ended(folder, *added)

    monkeypatch.setattr(whole_house, "run", waged)
    monkeypatch.setattr("sys.argv", ["chaos", "--seed", "7", "--faults", "3", "--rate", "2", "--out", str(tmp_path)])
    assert whole_house.main() == code
    assert [(plan.seed, plan.faults, plan.rate, plan.planted) for plan in asked] == [(7, drawn(7, 3), 2.0, None)]


def test_it_writes_the_page_of_the_run_and_of_the_planted_bugs_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("planted-bug", "planted-other", "mine"):
        (tmp_path / name).mkdir()
    file = ended(tmp_path / "planted-bug", Began(0.0, 1, 0, "", 1.0, 1.0, "found"))
    file.write_bytes(file.read_bytes().split(b"\n", 1)[1] + line_of(LEAK))
    (tmp_path / "planted-other" / "history.jsonl").write_bytes(line_of(Began(0.0, 1, 0, "", 1.0, 1.0, "broken off")))
    monkeypatch.setattr(whole_house, "run", lambda _plan, folder, _report: ended(folder))
    page = tmp_path / "proof.md"
    monkeypatch.setattr("sys.argv", ["chaos", "--out", str(tmp_path / "mine"), "--proof", str(page)])
    assert whole_house.main() == 0
    assert "**Every promise was kept.**" in page.read_text()
    assert "| found | nothing personal and no secret leaks: 1 |" in page.read_text()
    assert "broken off" not in page.read_text()


def test_what_could_not_be_finished_is_no_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stuck(plan: Plan, folder: Path, report: object) -> Path:
        raise NotReady("worker-1 is not joined yet")

    monkeypatch.setattr(whole_house, "run", stuck)
    monkeypatch.setattr("sys.argv", ["chaos", "--out", str(tmp_path)])
    assert whole_house.main() == whole_house.NOT_FINISHED
    assert "worker-1 is not joined yet" in capsys.readouterr().out
