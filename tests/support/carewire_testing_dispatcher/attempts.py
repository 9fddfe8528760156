"""Attempts one by one, by whoever waits for each."""

import asyncio

from carewire_contracts.topics import Lane
from carewire_dispatcher.adapters.attempter import Attempter
from carewire_dispatcher.adapters.instants import millis
from carewire_dispatcher.adapters.trial import Trial
from carewire_dispatcher.domain.classify import Answer, Failure
from carewire_dispatcher.domain.delivery import Delivery
from carewire_dispatcher.domain.endpoint import Endpoint
from carewire_runtime.clock import Clock


class OneByOne:
    """Makes attempts with the steps that the mill goes with many."""

    def __init__(self, attempter: Attempter, clock: Clock) -> None:
        self._attempter = attempter
        self._clock = clock

    async def attempt(self, lane: Lane, delivery: Delivery, endpoint: Endpoint) -> Trial:
        """Make one, and wait for what comes of it."""
        [prepared] = self._attempter.prepare_all([(lane, delivery, endpoint)])
        answered: asyncio.Future[Answer | Failure] = asyncio.get_running_loop().create_future()

        def over(result: Answer | Failure | BaseException) -> None:
            if isinstance(result, BaseException):
                answered.set_exception(result)
            else:
                answered.set_result(result)

        self._attempter.begin(prepared, over)
        trial = self._attempter.judge(prepared, await answered, millis(self._clock))
        self._attempter.tell([trial])
        return trial
