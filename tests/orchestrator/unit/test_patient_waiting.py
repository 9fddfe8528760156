"""What is done anew about patients, and when it is given up: erasures, changes that met others, deletions."""

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from carewire_orchestrator.adapters.store.patient_changes import Change, PatientChanges
from carewire_orchestrator.adapters.store.patient_erasure import BATCH, EVERY_S, PatientErasure
from carewire_orchestrator.adapters.store.patient_removal import ACTIVE_CARE_FLOWS, PatientRemoval
from carewire_orchestrator.adapters.store.patient_rows import ChangedWhileLocking
from carewire_orchestrator.domain.events import CareFlowEvent, Stopped
from carewire_orchestrator.domain.patient import Patient
from carewire_orchestrator.errors import NotAllowedNow, NotFound
from carewire_runtime.auth import Principal, Role
from carewire_runtime.clock import FakeClock
from carewire_runtime.errors import PostgresUnavailable, StatementFailed
from carewire_runtime.retry import pause_after

WHO = Principal("1", "tests", Role.ADMIN)


class Erasing(PatientErasure):
    """Erases what a script says."""

    def __init__(self, clock: FakeClock, script: list[int | Exception]) -> None:
        super().__init__(None, None, clock, "events")  # type: ignore[arg-type]
        self.script = script

    async def erase(self) -> int:
        step = self.script.pop(0) if self.script else 0
        if isinstance(step, Exception):
            raise step
        return step


async def test_erasing_goes_on_while_there_is_more_and_then_once_a_minute() -> None:
    clock, stop = FakeClock(), asyncio.Event()
    erasing = Erasing(clock, [BATCH, BATCH, 3, BATCH, 1, 0])
    life = asyncio.create_task(erasing.run(stop))
    await clock.run_for(0)
    assert erasing.script == [BATCH, 1, 0]
    await clock.run_for(EVERY_S - 1)
    assert erasing.script == [BATCH, 1, 0]
    await clock.run_for(1)
    assert erasing.script == [0]
    stop.set()
    await life


async def test_erasing_waits_for_a_database_that_is_away_and_ends_with_what_does_not_pass() -> None:
    clock, stop = FakeClock(), asyncio.Event()
    erasing = Erasing(clock, [PostgresUnavailable(), PostgresUnavailable(), 0, StatementFailed("42601")])
    life = asyncio.create_task(erasing.run(stop))
    await clock.run_for(pause_after(1))
    await clock.run_for(pause_after(2))
    assert len(erasing.script) == 1
    await clock.run_for(EVERY_S)
    with pytest.raises(StatementFailed):
        await life


class Quiet:
    """Database, audit and relay of nobody."""

    wakes = 0

    @asynccontextmanager
    async def transaction(self) -> Any:
        yield self

    async def add(self, *_: object) -> None:
        """Nothing is recorded."""

    def wake(self) -> None:
        self.wakes += 1


def changes(quiet: Quiet) -> PatientChanges:
    return PatientChanges(quiet, None, None, quiet, quiet, FakeClock())  # type: ignore[arg-type]


async def test_a_change_that_met_another_is_done_anew() -> None:
    quiet, attempts = Quiet(), list[Change]()

    async def work(change: Change) -> str:
        attempts.append(change)
        if len(attempts) < 3:
            raise ChangedWhileLocking
        return "done"

    assert await changes(quiet).make(WHO, work) == "done"
    assert len({id(one) for one in attempts}) == 3
    assert quiet.wakes == 1


async def test_a_change_that_meets_others_for_ever_is_told_to_come_back() -> None:
    quiet = Quiet()

    async def work(_: Change) -> None:
        raise ChangedWhileLocking

    with pytest.raises(PostgresUnavailable):
        await changes(quiet).make(WHO, work)
    assert quiet.wakes == 0


class Removing(PatientRemoval):
    """Deletes a patient as soon as nothing of theirs is active."""

    def __init__(self, active: list[list[str]]) -> None:
        super().__init__(self, self.let, timedelta(days=30))  # type: ignore[arg-type]
        self.active = active
        self.stopped: list[str] = []

    rows = None

    async def active_care_flows(self, _: str) -> list[str]:
        return self.active[0]

    async def delete(self, patient_id: str, by: Principal) -> Patient:  # noqa: ARG002
        if self.active:
            raise NotAllowedNow(ACTIVE_CARE_FLOWS, "stop them")
        return Patient(patient_id, FakeClock().now())

    async def let(self, care_flow_id: str, event: CareFlowEvent, by: Principal) -> None:
        assert event == Stopped("the patient was deleted")
        assert by == WHO
        self.stopped.append(care_flow_id)
        if care_flow_id in self.active[0][-1:]:
            self.active.pop(0)
        if care_flow_id == "ended meanwhile":
            raise NotAllowedNow("care_flow_ended", "it has")
        if care_flow_id == "deleted meanwhile":
            raise NotFound("there is no such care flow")


async def test_a_deletion_stops_what_is_active_and_what_starts_meanwhile() -> None:
    removing = Removing([["a", "ended meanwhile", "deleted meanwhile", "b"], ["started meanwhile"]])
    assert (await removing.stop_and_delete("p", WHO)).id == "p"
    assert removing.stopped == ["a", "ended meanwhile", "deleted meanwhile", "b", "started meanwhile"]


async def test_a_deletion_gives_up_where_care_flows_start_all_the_time() -> None:
    removing = Removing([[str(number)] for number in range(100)])
    with pytest.raises(NotAllowedNow) as refused:
        await removing.stop_and_delete("p", WHO)
    assert refused.value.code == ACTIVE_CARE_FLOWS


async def test_another_refusal_of_a_deletion_is_passed_on() -> None:
    class Merged(Removing):
        async def delete(self, patient_id: str, by: Principal) -> Patient:  # noqa: ARG002
            raise NotAllowedNow("patient_merged", "name the other")

    with pytest.raises(NotAllowedNow) as refused:
        await Merged([]).stop_and_delete("p", WHO)
    assert refused.value.code == "patient_merged"
