"""When an API call is made again, and when it is given up."""

from datetime import timedelta
from typing import Any

import pytest

from carewire_orchestrator.domain.api_call_attempts import Again, GivenUp, after_failure, is_success
from carewire_orchestrator.domain.care_flow import Reason
from carewire_orchestrator.domain.release import Release
from carewire_testing_orchestrator.definitions import checklist, designed, release, track

GIVEN_UP = GivenUp(Reason.CALL_FAILED)


def retrying(**settings: Any) -> Release:
    retries = {"api_call_retry_settings": settings} if settings else {}
    whole = designed(track("t", {"a": [checklist("c")]}, [("start", "a")]))
    return release({**whole, "settings": retries})


@pytest.mark.parametrize("status", [None, 408, 425, 429, 500, 502, 503, 504, 599])
def test_what_passes_by_itself_is_tried_again(status: int | None) -> None:
    assert after_failure(retrying(), 1, status) == Again(timedelta(seconds=2))


@pytest.mark.parametrize("status", [100, 301, 302, 400, 401, 403, 404, 409, 410, 422, 600])
def test_what_stays_the_same_is_given_up_at_once(status: int) -> None:
    assert after_failure(retrying(), 1, status) == GIVEN_UP


def test_pauses_double_from_the_first_to_the_longest_and_then_it_is_given_up() -> None:
    settings = {"initial_delay_ms": 1_000, "max_delay_ms": 5_000, "max_attempts": 6}
    pauses = [after_failure(retrying(**settings), attempts, 503) for attempts in range(1, 7)]
    assert pauses == [*(Again(timedelta(seconds=seconds)) for seconds in (1, 2, 4, 5, 5)), GIVEN_UP]


def test_without_retries_the_first_failure_is_the_last() -> None:
    assert after_failure(retrying(enabled=False, max_attempts=9), 1, 503) == GIVEN_UP


def test_a_hundredth_attempt_has_the_longest_pause() -> None:
    assert after_failure(retrying(max_attempts=100), 99, None) == Again(timedelta(hours=1))


@pytest.mark.parametrize(("status", "success"), [(199, False), (200, True), (204, True), (299, True), (300, False)])
def test_a_call_is_done_by_a_status_of_200_to_299(status: int, success: bool) -> None:
    assert is_success(status) is success
