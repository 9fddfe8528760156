"""How far back the log can be read does not change from call to call."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from carewire_contracts.topics import Topic, Topics
from carewire_dispatcher.adapters.repair_reach import RepairReach, all_since
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


HOUR, DAY = 3_600_000, 86_400_000
NOW = 60 * DAY + HOUR // 2


@pytest.mark.parametrize(
    ("kept", "oldest", "expected"),
    [
        pytest.param(30 * DAY, 31 * DAY, 30 * DAY + HOUR, id="quiet since it was cut: nothing younger was deleted"),
        pytest.param(30 * DAY, 20 * DAY, 20 * DAY, id="an old segment that still has a young record"),
        pytest.param(30 * DAY, None, 30 * DAY + HOUR, id="nothing is left: nothing came in thirty days"),
        pytest.param(30 * DAY, NOW - HOUR, 30 * DAY + HOUR, id="nothing came until just now"),
        pytest.param(-1, 31 * DAY, 31 * DAY, id="Kafka deletes nothing by itself, so somebody did"),
        pytest.param(-1, None, NOW, id="somebody deleted everything"),
    ],
)
def test_a_partition_that_was_cut_has_all_that_kafka_does_not_delete_by_itself(
    kept: int, oldest: int | None, expected: int
) -> None:
    assert all_since(NOW, kept, oldest) == expected


@pytest.mark.parametrize("seconds", [0, 1, 1_000])
def test_what_was_told_of_a_partition_is_still_right_a_while_later(seconds: int) -> None:
    assert all_since(NOW + seconds * 1000, 30 * DAY, None) <= all_since(NOW, 30 * DAY, None)
