"""Twenty faults of all kinds, always the same: `make chaos-smoke`. `make test` has no five minutes for it."""

from pathlib import Path

import pytest

from carewire_local.progress import Report
from carewire_testing_chaos.campaign import Plan, run
from carewire_testing_chaos.history import read
from carewire_testing_chaos.schedule import drawn
from carewire_testing_chaos.verdict import judge, lines

SEED, FAULTS, RATE, LEAD_S = 349, 20, 6.0, 5.0

# It has all processes of the house to itself, and is no part of the tests that lie in the folder for those.
pytestmark = pytest.mark.e2e


def test_twenty_faults_break_no_promise(tmp_path: Path, report: Report) -> None:
    history = read(run(Plan(SEED, drawn(SEED, FAULTS), RATE, LEAD_S), tmp_path, report))
    verdict = judge(history)
    assert verdict.holds, "\n".join(lines(history, verdict))
