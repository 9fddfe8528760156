"""The processes that share the tests of a run share its servers too."""

import threading
from pathlib import Path

import pytest

from carewire_local.progress import silent
from carewire_testing import shared_stack as sharing
from carewire_testing.shared_stack import shared_stack

PATIENCE_S = 20.0


class FakeStack:
    """Servers that only say when they are started and stopped."""

    kafka_bootstrap = "127.0.0.1:9092"
    postgres_dsn = "postgresql://127.0.0.1/carewire"
    happened: list[str]

    def __init__(self, _folder: Path, **_: object) -> None:
        pass

    def up(self) -> None:
        self.happened.append("up")

    def down(self) -> None:
        self.happened.append("down")


@pytest.fixture
def happened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was done to the servers."""
    FakeStack.happened = []
    monkeypatch.setattr(sharing, "Stack", FakeStack)
    return FakeStack.happened


def test_who_comes_later_is_given_the_same_servers(happened: list[str], tmp_path: Path) -> None:
    with shared_stack(tmp_path, silent) as first, shared_stack(tmp_path, silent) as second:
        assert (second.kafka_bootstrap, second.postgres_dsn) == (first.kafka_bootstrap, first.postgres_dsn)
    assert happened == ["up", "down"]


def test_the_servers_run_until_the_last_has_left(happened: list[str], tmp_path: Path) -> None:
    started, left = threading.Event(), threading.Event()

    def owner() -> None:
        with shared_stack(tmp_path, silent):
            started.set()
            left.wait(PATIENCE_S)

    owning = threading.Thread(target=owner, daemon=True)
    owning.start()
    assert started.wait(PATIENCE_S)
    with shared_stack(tmp_path, silent):
        left.set()
        owning.join(timeout=0.2)
        assert happened == ["up"]
    owning.join(PATIENCE_S)
    assert happened == ["up", "down"]


def test_who_comes_after_the_last_has_left_is_given_new_ones(happened: list[str], tmp_path: Path) -> None:
    for _ in range(2):
        with shared_stack(tmp_path, silent):
            pass
    assert happened == ["up", "down"] * 2


def test_servers_that_do_not_start_are_tried_again_by_the_next(
    happened: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(FakeStack, "up", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError), shared_stack(tmp_path, silent):
            pass
    with shared_stack(tmp_path, silent):
        assert happened == ["up"]
