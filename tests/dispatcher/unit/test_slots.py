"""How many tasks run at a time, and who hears of it when one ends."""

import asyncio

import pytest

from carewire_dispatcher.adapters import slots
from carewire_dispatcher.adapters.slots import Slots


@pytest.fixture(autouse=True)
def four_slots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "SLOTS", 4)
    monkeypatch.setattr(slots, "CROWDED", 2)


class Called:
    """A call under way."""

    given_up = False

    def give_up(self) -> None:
        self.given_up = True


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_the_half_is_free_for_bulk_and_from_then_on_it_is_crowded() -> None:
    made, over = Slots(lambda: None), asyncio.Event()
    states = []
    for _ in range(5):
        states.append((made.free, made.free_for_bulk(beside_fast=False), made.is_crowded))
        made.start(_until(over))
    assert states == [(4, 2, False), (3, 1, False), (2, 0, True), (1, 0, True), (0, 0, True)]
    over.set()
    await settle()
    assert (made.free, made.free_for_bulk(beside_fast=False), made.is_crowded) == (4, 2, False)


async def test_room_that_is_made_is_told_once_for_all_and_once_for_bulk() -> None:
    woken: list[int] = []
    made = Slots(lambda: woken.append(made.free))
    ends = [asyncio.Event() for _ in range(4)]
    for end in ends:
        made.start(_until(end))
    for end in ends:
        end.set()
        await settle()
    assert woken == [1, 3]


async def test_what_is_only_moved_keeps_bulk_back_and_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "SLOTS", 10)
    monkeypatch.setattr(slots, "CROWDED", 8)
    monkeypatch.setattr(slots, "MOVED_AT_ONCE", 2)
    woken: list[int] = []
    made = Slots(lambda: woken.append(made.free_for_bulk(beside_fast=False)))
    for _ in range(3):
        made.take(moves=True)
    made.take()
    assert (made.free, made.free_for_bulk(beside_fast=False), made.is_crowded) == (6, 0, False)
    for _ in range(3):
        made.give_back(moves=True)
    made.give_back()
    assert woken == [1], "when there is room again, and only then"
    assert made.free_for_bulk(beside_fast=False) == 2


async def test_beside_the_fast_lane_less_is_moved_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, count in {"SLOTS": 20, "CROWDED": 18, "MOVED_AT_ONCE": 4, "MOVED_BESIDE_FAST": 2}.items():
        monkeypatch.setattr(slots, name, count)
    woken: list[int] = []
    made = Slots(lambda: woken.append(made.free_for_bulk(beside_fast=True)))
    free = []
    for _ in range(5):
        free.append((made.free_for_bulk(beside_fast=False), made.free_for_bulk(beside_fast=True)))
        made.take(moves=True)
    assert free == [(4, 2), (3, 1), (2, 0), (1, 0), (0, 0)]
    for _ in range(5):
        made.give_back(moves=True)
    assert woken == [0, 1], "at either limit: whether the fast lane has work may have changed"


async def test_what_waits_for_kafka_takes_a_slot_as_an_attempt_does() -> None:
    woken: list[int] = []
    made, over = Slots(lambda: woken.append(made.free)), asyncio.Event()
    made.start(_until(over))
    for _ in range(3):
        made.take()
    assert (made.free, made.is_crowded) == (0, True)
    made.give_back()
    over.set()
    await settle()
    made.give_back()
    assert woken == [1, 3]


async def test_a_call_takes_a_slot_until_it_is_over_and_is_given_up_at_the_end() -> None:
    woken: list[int] = []
    made = Slots(lambda: woken.append(made.free))
    calls = [Called() for _ in range(4)]
    for call in calls:
        made.begin(call)
    assert (made.calls, made.free, made.is_crowded) == (4, 0, True)
    made.end(calls[0])
    made.end(calls[1])
    made.end(calls[2])
    assert (made.calls, made.free, woken) == (1, 3, [1, 3])
    await made.drain(0)
    assert [call.given_up for call in calls] == [False, False, False, True]
    assert made.calls == 0


async def test_the_end_waits_for_what_is_written_but_not_for_ever() -> None:
    made = Slots(lambda: None)
    made.take()
    made.take()
    draining = asyncio.create_task(made.drain(60))
    await settle()
    made.give_back()
    await settle()
    assert not draining.done()
    made.give_back()
    await draining
    made.take()
    await made.drain(0)


async def test_the_first_error_is_kept_and_what_is_cut_off_is_none() -> None:
    made = Slots(lambda: None)
    made.start(_until(asyncio.Event()))
    await made.drain(0)
    assert not made.failed.done()
    for number in range(2):
        made.start(_failing(f"number {number}"))
    await settle()
    assert str(made.failed.result()) == "number 0"


async def test_at_the_end_tasks_get_their_time() -> None:
    made, over, ended = Slots(lambda: None), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        await over.wait()
        ended.set()

    made.start(work())
    draining = asyncio.create_task(made.drain(60))
    await settle()
    over.set()
    await draining
    assert ended.is_set()
    await made.drain(0)


async def _until(over: asyncio.Event) -> None:
    await over.wait()


async def _failing(text: str) -> None:
    raise RuntimeError(text)
