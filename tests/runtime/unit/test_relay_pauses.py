"""How the relay waits for what is away. Postgres is played."""

import asyncio
from typing import Any, cast

import pytest

from carewire_runtime.clock import FakeClock
from carewire_runtime.errors import PostgresUnavailable
from carewire_runtime.postgres.relay import Relay
from carewire_testing_runtime.log import logged


class Away:
    """A database that is away, and when it was asked for."""

    schema = "away"

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.asked_at: list[float] = []

    def session(self) -> None:
        self.asked_at.append(self._clock.monotonic())
        raise PostgresUnavailable


@pytest.mark.parametrize("woken", [False, True], ids=["nobody committed", "somebody had committed"])
async def test_while_postgres_is_away_it_tries_ever_more_rarely_and_a_stop_is_not_kept_waiting(woken: bool) -> None:
    clock, stop = FakeClock(), asyncio.Event()
    db = Away(clock)
    relay = Relay(cast("Any", db), cast("Any", None), clock=clock)
    if woken:
        relay.wake()
    with logged():
        running = asyncio.create_task(relay.run(stop))
        await clock.run_for(1)
        assert db.asked_at == pytest.approx([0, 0.1, 0.3, 0.7])
        stop.set()
        await running
