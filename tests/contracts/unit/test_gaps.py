"""What a receiver concludes from heartbeats."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.events.endpoint import EndpointHeartbeat, HandedOut
from carewire_contracts.gaps import missing, unlisted

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def a_heartbeat(after: int, through: int) -> EndpointHeartbeat:
    """One that lists an event a minute."""
    events = [
        HandedOut(
            sequence=number,
            id=f"event-{number}",
            event_type="pathway.completed",
            date=NOON + timedelta(minutes=number),
        )
        for number in range(after + 1, through + 1)
    ]
    return EndpointHeartbeat(
        endpoint_id="e", tenant_id="t", date=NOON + DAY, after=after, through=through, events=events
    )


@pytest.mark.parametrize(
    ("received", "before", "expected"),
    [
        pytest.param({"event-1", "event-2", "event-3"}, NOON + DAY, [], id="all are there"),
        pytest.param({"event-1", "event-3"}, NOON + DAY, [2], id="one in the middle"),
        pytest.param({"event-1", "event-2"}, NOON + DAY, [3], id="the last one, that nothing follows"),
        pytest.param(set(), NOON + DAY, [1, 2, 3], id="all of them"),
        pytest.param(set(), NOON + timedelta(minutes=3), [1, 2], id="what is young may still be on its way"),
        pytest.param(set(), NOON, [], id="all are young"),
    ],
)
def test_what_is_listed_and_was_not_received_is_missing(
    received: set[str], before: datetime, expected: list[int]
) -> None:
    found = missing(a_heartbeat(0, 3), received, before=before)
    assert [event.sequence for event in found] == expected


@pytest.mark.parametrize(
    ("told", "through", "expected"),
    [
        pytest.param([], 0, [], id="nothing told"),
        pytest.param([(0, 0)], 0, [], id="nothing handed out"),
        pytest.param([(0, 3), (3, 3), (3, 5)], 0, [], id="one follows the other"),
        pytest.param([(3, 5), (0, 3)], 0, [], id="in another order"),
        pytest.param([(0, 3), (0, 3), (3, 5)], 0, [], id="one came twice"),
        pytest.param([(0, 3), (5, 7)], 0, [range(4, 6)], id="one is missing"),
        pytest.param([(2, 3), (5, 5)], 0, [range(1, 3), range(4, 6)], id="the first and another are missing"),
        pytest.param([(5, 7)], 5, [], id="what came before is known"),
        pytest.param([(5, 5)], 4, [range(5, 6)], id="an empty one tells of a gap too"),
    ],
)
def test_numbers_that_no_heartbeat_lists_are_a_gap(
    told: list[tuple[int, int]], through: int, expected: list[range]
) -> None:
    assert unlisted([a_heartbeat(*one) for one in told], through) == expected


@given(st.lists(st.integers(0, 4), min_size=1, max_size=8), st.data())
def test_a_gap_is_told_exactly_where_a_heartbeat_that_listed_something_is_missing(
    sizes: list[int], data: st.DataObject
) -> None:
    bounds = [sum(sizes[:number]) for number in range(len(sizes) + 1)]
    beats = [a_heartbeat(after, through) for after, through in pairwise(bounds)]
    # The last one arrives: what comes after it cannot be known.
    here = [*data.draw(st.lists(st.sampled_from(beats), unique_by=id)), beats[-1]]
    lost = {number for beat in beats if beat not in here for number in range(beat.after + 1, beat.through + 1)}
    assert {number for gap in unlisted(here) for number in gap} == lost
