"""How many bytes are at work, and who hears of it when there is room again."""

from carewire_dispatcher.adapters.byte_budget import BIGGEST, CROWDED_BYTES, WORK_BYTES, ByteBudget
from carewire_dispatcher.domain.rota import TURN


def test_small_bodies_leave_room_for_whole_turns() -> None:
    budget = ByteBudget(lambda: None)
    for _ in range(8_000):
        budget.take(bytes(1024))
    assert budget.room >= TURN
    assert not budget.is_crowded


def test_big_bodies_make_it_crowded_at_the_half_and_stop_it_at_the_end() -> None:
    budget, big = ByteBudget(lambda: None), bytes(BIGGEST)
    states = []
    for _ in range(WORK_BYTES // BIGGEST):
        states.append((budget.room > 0, budget.is_crowded))
        budget.take(big)
    assert states == [(True, False)] * (CROWDED_BYTES // BIGGEST) + [(True, True)] * (CROWDED_BYTES // BIGGEST)
    assert budget.room == 0


def test_room_never_is_less_than_none() -> None:
    budget = ByteBudget(lambda: None)
    budget.take(bytes(2 * WORK_BYTES))
    assert budget.room == 0


def test_whoever_waits_hears_of_what_is_given_back_and_nobody_is_woken_while_there_is_room() -> None:
    woken: list[int] = []
    budget = ByteBudget(lambda: woken.append(budget.room))
    big, small = bytes(WORK_BYTES), bytes(1024)
    budget.take(small)
    budget.give_back(small)
    assert woken == []
    budget.take(big)
    budget.give_back(big)
    assert woken == [WORK_BYTES // BIGGEST]
