"""Ctrl-C: the first begins an ordered stop, no later one disturbs it."""

import os
import signal
import sys
from collections.abc import Iterator
from typing import NoReturn

import pytest

from carewire_local.interrupts import Interrupts, leave

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
EACH = pytest.mark.parametrize("number", SIGNALS, ids=lambda each: each.name)


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@EACH
def test_the_first_one_interrupts_and_says_so(number: signal.Signals) -> None:
    told: list[str] = []
    Interrupts(told.append).install()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)
    assert told == ["stopping ..."]


@EACH
def test_a_later_one_changes_nothing(number: signal.Signals) -> None:
    told: list[str] = []
    Interrupts(told.append).install()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    signal.raise_signal(number)
    assert told == ["stopping ..."]


@EACH
def test_what_the_caller_ignores_stays_ignored(number: signal.Signals) -> None:
    signal.signal(number, signal.SIG_IGN)
    told: list[str] = []
    Interrupts(told.append).install()
    signal.raise_signal(number)
    assert told == []


def test_leaving_shows_what_was_printed_and_waits_for_nobody(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def end(code: int) -> NoReturn:
        raise SystemExit(code)

    monkeypatch.setattr(os, "_exit", end)
    sys.stdout.write("Stopped")
    with pytest.raises(SystemExit) as left:
        leave(3)
    assert left.value.code == 3
    assert capfd.readouterr().out == "Stopped"
