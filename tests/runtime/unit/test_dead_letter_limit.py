import pytest

from carewire_runtime.clock import FakeClock
from carewire_runtime.errors import TooManyPoison
from carewire_runtime.kafka.dead_letters import PoisonLimit


def test_a_fifth_of_two_hundred_may_be_poison_and_no_more() -> None:
    limit = PoisonLimit(FakeClock())
    limit.good(160)
    limit.poison(40)
    with pytest.raises(TooManyPoison, match="41 of 201"):
        limit.poison()


def test_few_records_say_nothing() -> None:
    limit = PoisonLimit(FakeClock())
    limit.poison(199)
    with pytest.raises(TooManyPoison):
        limit.poison()


def test_a_thousand_in_a_row_are_too_many_however_many_were_good() -> None:
    limit = PoisonLimit(FakeClock())
    limit.good(1_000_000)
    limit.poison(999)
    with pytest.raises(TooManyPoison):
        limit.poison()


def test_a_good_one_ends_the_row() -> None:
    limit = PoisonLimit(FakeClock())
    limit.good(1_000_000)
    limit.poison(999)
    limit.good()
    limit.good(0)
    limit.poison(999)


def test_only_the_last_five_minutes_count() -> None:
    clock = FakeClock()
    limit = PoisonLimit(clock)
    limit.poison(100)
    clock.advance(299)
    limit.poison(50)
    clock.advance(2)
    limit.good(300)
    limit.poison(25)
    with pytest.raises(TooManyPoison, match="76 of 376"):
        limit.poison()
