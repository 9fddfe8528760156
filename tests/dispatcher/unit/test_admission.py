"""Which of an endpoint's deliveries go to the fast lane."""

import pytest

from carewire_contracts.topics import Lane
from carewire_dispatcher.domain.admission import BURST_MS, QUOTA_PER_S, admit
from carewire_dispatcher.domain.endpoint import Endpoint
from carewire_testing_dispatcher.deliveries import an_endpoint

NOW = 1_000_000


def lanes(endpoint: Endpoint, moments: list[int]) -> list[Lane]:
    used_until, found = 0.0, []
    for at in moments:
        admitted = admit(at, endpoint, used_until)
        used_until = admitted.used_until
        found.append(admitted.lane)
    return found


def admitted(endpoint: Endpoint, moments: list[int]) -> int:
    return lanes(endpoint, moments).count("fast")


@pytest.mark.parametrize(("rate_per_s", "at_once"), [(None, 1_000), (10_000, 1_000), (200, 1_000), (2, 10), (0.01, 1)])
def test_five_seconds_worth_of_the_quota_go_to_the_fast_lane_at_once(rate_per_s: float | None, at_once: int) -> None:
    found = lanes(an_endpoint(rate_per_s=rate_per_s), [NOW] * 1_500)
    assert found == ["fast"] * at_once + ["bulk"] * (1_500 - at_once)


def test_a_flood_keeps_its_endpoint_s_share_of_the_fast_lane() -> None:
    flood = [NOW + number // 10 for number in range(100_001)]
    assert admitted(an_endpoint(rate_per_s=20), flood) == 20 * 10 + 20 * BURST_MS // 1000
    assert admitted(an_endpoint(), flood) == QUOTA_PER_S * 10 + QUOTA_PER_S * BURST_MS // 1000


def test_within_its_quota_all_of_it_is_fast() -> None:
    steady = [NOW + number * 5 for number in range(10_000)]
    assert admitted(an_endpoint(), steady) == 10_000


def test_after_a_flood_the_next_one_within_the_quota_is_fast_again() -> None:
    assert lanes(an_endpoint(rate_per_s=1), [*[NOW] * 1_000, NOW + 1_000, NOW + 1_000])[-2:] == ["fast", "bulk"]
