"""Whatever the extent of a campaign, there are subscribers of all kinds, and schedules that an endpoint may have."""

import pytest

from carewire_dispatcher.domain.schedule import OFFSETS_S, schedule_fault
from carewire_testing_chaos.extent import FULL, SMALL, Extent
from carewire_testing_chaos.history import Behaviour

EXTENTS = pytest.mark.parametrize("extent", [FULL, SMALL], ids=["full", "small"])


@EXTENTS
def test_there_are_subscribers_of_all_kinds_and_one_alone_never_answers(extent: Extent) -> None:
    assert set(extent.names().values()) == set(Behaviour)
    assert extent.subscribers[Behaviour.DEAD] == 1
    assert len(extent.names()) == sum(extent.subscribers.values())


@EXTENTS
def test_schedules_are_such_as_an_endpoint_may_have(extent: Extent) -> None:
    assert schedule_fault(extent.given_up_after) is None
    assert extent.retried_after is None or schedule_fault(extent.retried_after) is None


def test_a_short_campaign_tries_for_as_long_as_a_long_one_but_waits_for_less_at_a_time() -> None:
    assert SMALL.retried_after is not None
    assert SMALL.retried_after[-1] == OFFSETS_S[-1]
    assert max(SMALL.retried_after[n + 1] - SMALL.retried_after[n] for n in range(len(SMALL.retried_after) - 2)) <= 4000
