"""The state folder, without any server."""

import os
from pathlib import Path

import pytest

from carewire_local.clean import clean
from carewire_local.errors import StateHeld
from carewire_local.state import StateFolder


def test_a_second_holder_is_told_who_holds_the_folder(tmp_path: Path) -> None:
    first, second = StateFolder(tmp_path / "s"), StateFolder(tmp_path / "s")
    first.hold()
    with pytest.raises(StateHeld, match=f"in use by process {os.getpid()} "):
        second.hold()
    first.release()
    second.hold()
    second.release()


def test_a_secret_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "s")
    state.hold()
    made = state.secret("password")
    assert StateFolder(tmp_path / "s").secret("password") == made
    assert (tmp_path / "s" / "state.json").stat().st_mode & 0o777 == 0o600
    state.release()


def test_what_is_remembered_does_not_push_out_the_rest(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    state.remember("a", 1)
    state.remember("b", 2)
    assert (state.remembered("a"), state.remembered("b"), state.remembered("c")) == (1, 2, None)


def test_a_recorded_pid_that_belongs_to_somebody_else_by_now_is_left_alone(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "s")
    state.hold()
    state.release()
    # This very process, with another start time: as if the recorded one had died and its number had come round.
    (tmp_path / "s" / "children" / "kafka").write_text(f"{os.getpid()} 1000.0")
    state.hold()
    assert not (tmp_path / "s" / "children" / "kafka").exists()
    state.release()


def test_clean_removes_what_the_stack_made_and_nothing_else(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    state.hold()
    state.secret("password")
    state.release()
    (tmp_path / "mine.txt").write_text("keep")
    assert clean(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    assert not clean(tmp_path)


def test_clean_refuses_while_the_folder_is_held(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    state.hold()
    with pytest.raises(StateHeld):
        clean(tmp_path)
    state.release()
