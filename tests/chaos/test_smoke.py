"""Twenty faults of all kinds, always the same, in about a minute: `make chaos-smoke`, and a part of `make test`.

It runs beside other tests, on machines that are busy or slow. So it says nothing of how long anything takes, and does
not ask whether what was repeated was repeated too long after a fault: the campaign does, which has a machine to itself.
"""

import dataclasses
from pathlib import Path

import pytest

from carewire_local.progress import Report
from carewire_testing_chaos.campaign import Plan, run
from carewire_testing_chaos.extent import SMALL
from carewire_testing_chaos.history import History, Rested, Struck, read
from carewire_testing_chaos.schedule import SHORT, drawn
from carewire_testing_chaos.verdict import judge, lines

SEED, FAULTS, RATE, LEAD_S = 15813, 20, 5.0, 1.0
TIMED = frozenset({"neighbours"})

# It has all processes of the house to itself, and is no part of the tests that lie in the folder for those.
pytestmark = pytest.mark.e2e


def test_twenty_faults_break_no_promise(tmp_path: Path, report: Report) -> None:
    plan = Plan(SEED, drawn(SEED, FAULTS, SHORT), RATE, LEAD_S, extent=SMALL)
    history = read(run(plan, tmp_path, report))
    verdict = judge(at_any_speed(history))
    assert len(history.all(Struck)) == FAULTS
    assert verdict.broken <= TIMED, "\n".join(lines(history, verdict))


def at_any_speed(history: History) -> History:
    """The same, but that each fault may be blamed for whatever came before the end."""
    (rested,) = history.all(Rested)
    struck = [dataclasses.replace(one, began=0.0, ended=rested.at) for one in history.all(Struck)]
    return History({**history.entries, Struck: struck})
