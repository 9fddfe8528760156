"""Examples of events on their way to one endpoint, so that receivers can be tried without a journey for each type."""

from collections.abc import Callable
from typing import Final

from carewire_contracts.event_catalogue import EVENT_CATALOGUE
from carewire_contracts.topics import Topics
from carewire_dispatcher.adapters.endpoint_store import SUBJECT
from carewire_dispatcher.adapters.lone_delivery import in_fast_lane, lone_delivery
from carewire_dispatcher.domain.delivery import Delivery
from carewire_dispatcher.domain.endpoint import Endpoint
from carewire_runtime.audit import Audit, Deed
from carewire_runtime.auth import Principal
from carewire_runtime.clock import Clock
from carewire_runtime.postgres import outbox
from carewire_runtime.postgres.pool import Database

TEST: Final = "endpoint.test"


class SampleEvents:
    """Sends examples. `wake` is called after each commit, so that the relay publishes them."""

    def __init__(self, db: Database, topics: Topics, clock: Clock, wake: Callable[[], None]) -> None:
        self._db = db
        self._topics = topics
        self._clock = clock
        self._audit = Audit(clock)
        self._wake = wake

    async def send(self, endpoint: Endpoint, event_type: str, by: Principal) -> Delivery:
        """Send the catalogue's example of a type to one endpoint; returns its delivery."""
        body, now = EVENT_CATALOGUE[event_type].example, self._clock.now()
        delivery = lone_delivery(self._topics, endpoint, event_type, body, now, is_test=True)
        async with self._db.transaction() as connection:
            await outbox.add(connection, [in_fast_lane(self._topics, delivery)])
            await self._audit.add(connection, by, [Deed(TEST, SUBJECT, endpoint.id)])
        self._wake()
        return delivery
