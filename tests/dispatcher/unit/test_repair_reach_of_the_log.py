"""How far back the log can be read does not change from call to call."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from carewire_contracts.topics import Topic, Topics
from carewire_dispatcher.adapters.repair_reach import RepairReach
from carewire_runtime.clock import FakeClock

EVENING = datetime(2026, 3, 31, 20, 15, tzinfo=UTC)


class Reach(RepairReach):
    """Kafka is played: all events are there, and the log has read everything."""

    async def log_ends(self) -> dict[int, int]:
        return {}

    async def log_has_read(self, ends: dict[int, int]) -> bool:
        return not ends

    async def _events_from(self, events: Sequence[Topic]) -> int:
        return len(events)


async def test_who_begins_where_they_were_told_is_not_refused_a_moment_later() -> None:
    clock = FakeClock(EVENING)
    reach = Reach("", Topics(), timedelta(days=30), clock)
    told = (await reach.reach([])).readable_from
    assert told == int(datetime(2026, 3, 1, tzinfo=UTC).timestamp() * 1000)
    clock.advance(3_600)
    assert told >= (await reach.reach([])).readable_from
