"""How the health of an endpoint is shown."""

from datetime import UTC, datetime

import pytest

from carewire_dispatcher.adapters.endpoint_health_api import BreakerView, FailingView, LatelyView
from carewire_dispatcher.adapters.endpoint_health_store import Lately
from carewire_dispatcher.domain.breaker import CLOSED, Breaker
from carewire_dispatcher.domain.failing import Failing, FailingPolicy

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
AT = int(NOON.timestamp() * 1000)


def opened(since: int) -> Breaker:
    return Breaker(is_open=True, since=since, pause=4_000)


@pytest.mark.parametrize(
    ("breakers", "shown"),
    [
        ([None], BreakerView(open=False, open_shards=0, next_attempt_at=None)),
        ([CLOSED], BreakerView(open=False, open_shards=0, next_attempt_at=None)),
        ([opened(AT)], BreakerView(open=True, open_shards=1, next_attempt_at=NOON)),
        ([opened(AT + 9), None, opened(AT)], BreakerView(open=True, open_shards=2, next_attempt_at=NOON)),
    ],
    ids=["nothing known", "closed", "open", "two of three shards"],
)
def test_breakers_of_all_shards_are_one(breakers: list[Breaker | None], shown: BreakerView) -> None:
    assert BreakerView.of(breakers) == shown


def test_failing_is_shown_with_its_end() -> None:
    shown = FailingView.of(Failing(AT, AT + 5, 12, 1), FailingPolicy(24.0))
    assert (shown.since, shown.attempts, shown.warnings) == (NOON, 12, 1)
    assert (shown.disables_at - shown.since).total_seconds() == 3 * 3_600


@pytest.mark.parametrize(("attempts", "delivered", "rate"), [(0, 0, None), (3, 2, 0.6667), (5, 5, 1.0), (5, 0, 0.0)])
def test_a_rate_needs_attempts(attempts: int, delivered: int, rate: float | None) -> None:
    shown = LatelyView.of(Lately(NOON, attempts, delivered, None, None, None))
    assert shown.success_rate == rate
