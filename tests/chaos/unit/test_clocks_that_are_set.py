"""A process that goes by a clock of a file is wrong about the time by what the file says, in all that it tells."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import uuid_utils

from carewire_runtime.clock import SystemClock
from carewire_runtime.ids import born_at, new_id
from carewire_testing_chaos import clocks

FAR = timedelta(days=30)


@pytest.fixture
def clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for owner, name in ((time, "time"), (time, "time_ns"), (uuid_utils, "uuid7"), (SystemClock, "now")):
        monkeypatch.setattr(owner, name, getattr(owner, name))
    file = tmp_path / "clock"
    clocks.step(file, 0.0)
    clocks.go_by(file)
    return file


def told() -> list[datetime]:
    seconds = (time.time(), time.time_ns() / 1e9)
    return [SystemClock().now(), born_at(new_id()), *(datetime.fromtimestamp(one, UTC) for one in seconds)]


@pytest.mark.parametrize("by", [FAR, -FAR], ids=["ahead", "back"])
def test_all_that_it_tells_is_wrong_by_as_much(by: timedelta, clock: Path) -> None:
    before = datetime.now(UTC)
    clocks.step(clock, by.total_seconds())
    assert all(abs(moment - before - by) < FAR / 2 for moment in told())


def test_a_clock_that_is_set_right_again_is_right(clock: Path) -> None:
    before = datetime.now(UTC)
    clocks.step(clock, FAR.total_seconds())
    clocks.step(clock, 0.0)
    assert all(abs(moment - before) < FAR / 2 for moment in told())


def test_what_is_measured_goes_on(clock: Path) -> None:
    before = SystemClock().monotonic()
    clocks.step(clock, FAR.total_seconds())
    assert SystemClock().monotonic() - before < FAR.total_seconds() / 2
