"""Where Postgres and the cache lie."""

from pathlib import Path

import pytest

from carewire_local import postgres_place
from carewire_local.cache import cache_folder
from carewire_local.errors import PlaceUnusable
from carewire_local.spawner import User
from carewire_local.state import StateFolder


def test_an_ordinary_user_runs_the_packaged_programs_on_data_in_the_state_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    place = postgres_place.find_place(StateFolder(tmp_path))
    assert place.user is None
    assert place.data == tmp_path / "postgres"
    assert (place.programs / "postgres").exists()


def test_data_moves_out_of_a_folder_that_the_postgres_user_cannot_reach(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(postgres_place, "_unprivileged_user", lambda: User("nobody", 65534, 65534))
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(postgres_place, "_can_run", lambda *_: True)
    monkeypatch.setattr(postgres_place, "_can_pass", lambda *_: False)
    state = StateFolder(tmp_path)
    assert postgres_place.find_place(state).data == postgres_place.outside_folder(state)


def test_a_missing_package_is_named_with_its_cure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(postgres_place, "find_spec", lambda _: None)
    with pytest.raises(PlaceUnusable, match="CAREWIRE_POSTGRES_DSN"):
        postgres_place.find_place(StateFolder(tmp_path))


@pytest.mark.parametrize(
    ("chosen", "xdg", "folder"),
    [
        ("/own", "/xdg", Path("/own")),
        (None, "/xdg", Path("/xdg/carewire")),
        (None, None, Path("~/.cache/carewire").expanduser()),
    ],
)
def test_the_cache_lies_where_the_user_keeps_caches(
    monkeypatch: pytest.MonkeyPatch, chosen: str | None, xdg: str | None, folder: Path
) -> None:
    for name, value in (("CAREWIRE_CACHE", chosen), ("XDG_CACHE_HOME", xdg)):
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name, raising=False)
    assert cache_folder() == folder
