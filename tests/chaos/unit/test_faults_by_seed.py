"""The schedule of faults: always the same of a seed, and everybody has a turn."""

import dataclasses

import pytest

from carewire_testing_chaos.blame import KNOWN, Part, Windows, concerns, felt, windows, wrong_clocks
from carewire_testing_chaos.history import Struck
from carewire_testing_chaos.house import ROLES
from carewire_testing_chaos.schedule import LINES, SERVERS, SERVICES, SHORT, Action, drawn


def test_a_seed_draws_the_same_faults_always() -> None:
    assert drawn(7, 50) == drawn(7, 50)
    assert drawn(7, 50) != drawn(8, 50)


def test_a_longer_campaign_begins_as_a_shorter_one() -> None:
    assert drawn(7, 50)[:20] == drawn(7, 20)


def test_in_a_long_campaign_everybody_is_struck_in_every_way() -> None:
    struck = {(fault.action, fault.target) for fault in drawn(1, 1000)}
    assert {target for action, target in struck if action is Action.KILL} == {*SERVICES, *SERVERS}
    assert {target for action, target in struck if action is Action.FREEZE} == {*SERVICES, *SERVERS}
    assert {target for action, target in struck if action is Action.CUT} == set(LINES)
    assert {target for action, target in struck if action is Action.DELAY} == set(LINES)
    assert {target for action, target in struck if action is Action.RESTART} == {
        "ingress",
        "orchestrator",
        "dispatcher",
    }


def test_nobody_sleeps_for_longer_than_forty_seconds_and_kills_take_no_time() -> None:
    faults = drawn(1, 1000)
    frozen = [fault.lasts_s for fault in faults if fault.action is Action.FREEZE]
    assert 1 <= min(frozen) < 2
    assert 30 < max(frozen) <= 40
    assert {fault.lasts_s for fault in faults if fault.action in (Action.KILL, Action.RESTART)} == {0.0}


def test_clocks_are_set_ahead_and_back_and_those_of_retries_by_little() -> None:
    steps = [fault for fault in drawn(1, 2000) if fault.action is Action.STEP]
    assert {fault.target for fault in steps} == set(SERVICES)
    assert min(fault.by_s for fault in steps) < -60
    assert max(fault.by_s for fault in steps) > 60
    near = [abs(fault.by_s) for fault in steps if fault.target in ("fan-out", "worker-1", "worker-2")]
    assert 1 <= min(near) <= max(near) <= 8
    assert {fault.by_s for fault in drawn(1, 2000) if fault.action is not Action.STEP} == {0.0}


def test_a_short_campaign_has_no_long_fault() -> None:
    faults = drawn(1, 1000, SHORT)
    assert max(fault.lasts_s for fault in faults) <= 5
    assert max(fault.after_s for fault in faults) <= 1


def test_every_process_of_the_house_may_be_struck() -> None:
    assert set(ROLES) == set(SERVICES)


@pytest.mark.parametrize("target", sorted({fault.target for fault in drawn(1, 1000)}))
def test_of_every_target_it_is_known_whom_it_concerns(target: str) -> None:
    assert target in KNOWN | set(LINES)


@pytest.mark.parametrize(
    ("target", "telling", "delivering"),
    [
        ("kafka", True, True),
        ("postgres", True, False),
        ("kafka of orchestrator", True, False),
        ("kafka of dispatcher", False, True),
        ("postgres of dispatcher", False, False),
        ("orchestrator-2", True, False),
        ("orchestrator", True, False),
        ("worker-1", False, True),
        ("fan-out", False, True),
        ("dispatcher", False, True),
        ("api", False, False),
        ("attempt-log", False, False),
        ("ingress-1", False, False),
        ("request-log", False, False),
    ],
)
def test_a_fault_is_blamed_for_what_it_can_cause(target: str, telling: bool, delivering: bool) -> None:
    assert concerns(target, Part.TELLING) is telling
    assert concerns(target, Part.DELIVERING) is delivering


@pytest.mark.parametrize(
    ("moment", "inside"), [(0.9, False), (1, True), (2.5, True), (4, True), (4.1, False), (9, False), (10.5, True)]
)
def test_windows_are_joined_where_they_overlap(moment: float, inside: bool) -> None:
    assert (moment in Windows([(2, 4), (1, 3), (10, 11), (10.2, 10.4)])) is inside


def test_without_faults_nothing_may_be_blamed() -> None:
    assert 5 not in windows([], Part.DELIVERING)
    assert 5 not in felt([])


@pytest.mark.parametrize(
    ("moment", "process", "server"),
    [
        (97, False, False),
        (98.5, True, True),
        (105, True, True),
        (114, True, True),
        (116, False, True),
        (131, False, False),
    ],
)
def test_a_fault_may_be_blamed_from_shortly_before_it_until_what_was_struck_is_itself_again(
    moment: float, process: bool, server: bool
) -> None:
    frozen = Struck(0, "freeze", "worker-1", 100.0, 110.0)
    assert (moment in windows([frozen], Part.DELIVERING)) is process
    assert (moment in windows([dataclasses.replace(frozen, target="kafka")], Part.DELIVERING)) is server
    assert (moment in felt([frozen])) is server


def test_a_clock_that_is_set_makes_nobody_repeat_anything_but_is_felt() -> None:
    stepped = [Struck(0, "step", "worker-1", 500.0, 510.0, -7.0)]
    assert 505 not in windows(stepped, Part.DELIVERING)
    assert 505 in felt(stepped, Part.DELIVERING)


@pytest.mark.parametrize(("moment", "told"), [(1000.0, True), (993.0, True), (990.0, False)])
def test_a_process_tells_of_a_fault_by_its_own_clock(moment: float, told: bool) -> None:
    faults = [Struck(0, "kill", "worker-1", 1001.0, 1001.0), Struck(1, "step", "worker-1", 995.0, 1002.0, -7.0)]
    assert (moment in windows(faults, Part.DELIVERING, by_its_clocks=True)) is told
    assert 993 not in windows(faults, Part.DELIVERING)


@pytest.mark.parametrize(("moment", "wrong"), [(505.0, True), (565.0, True), (535.0, False)])
def test_what_a_wrong_clock_says_is_known_by_its_time_and_by_its_own(moment: float, wrong: bool) -> None:
    stepped = [Struck(0, "step", "orchestrator-2", 500.0, 510.0, 60.0)]
    assert (moment in wrong_clocks(stepped, Part.TELLING)) is wrong
    assert not wrong_clocks(stepped, Part.DELIVERING)


def test_nobody_is_blamed_for_what_others_repeat() -> None:
    killed = [Struck(0, "kill", "ingress-1", 500.0, 500.0)]
    assert 500 not in windows(killed, Part.DELIVERING)
    assert 500 not in felt(killed, Part.DELIVERING)
    assert 500 in felt(killed)
