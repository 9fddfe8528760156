from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_dispatcher.domain.classify import Answer, Failure, Retry, classify, retry_after_at
from carewire_dispatcher.domain.ending import End, EndReason, EndStatus
from carewire_dispatcher.domain.schedule import LAST_SLOT, RetrySchedule
from carewire_testing_dispatcher.deliveries import a_delivery

NOW = 1_700_000_000_000
SCHEDULE = RetrySchedule()
TRIED = a_delivery(first_attempt_at=NOW - 100, attempt=1)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_every_2xx_is_a_success(status: int) -> None:
    assert classify(Answer(status), NOW, TRIED, SCHEDULE) == End(EndStatus.DELIVERED)


def test_410_says_that_the_endpoint_is_gone() -> None:
    assert classify(Answer(410), NOW, TRIED, SCHEDULE) == End(EndStatus.FAILED, EndReason.ENDPOINT_GONE)


@pytest.mark.parametrize("status", [302, 400, 422, 429, 503])
def test_a_status_that_the_endpoint_named_as_final_ends_the_delivery_at_once(status: int) -> None:
    terminal = frozenset({302, 400, 422, 429, 503})
    assert classify(Answer(status, "60"), NOW, TRIED, SCHEDULE, terminal) == End(
        EndStatus.FAILED, EndReason.TERMINAL_STATUS
    )
    assert isinstance(classify(Answer(status), NOW, TRIED, SCHEDULE, terminal - {status}), Retry)


def test_no_status_is_as_final_as_410_and_a_success_stays_one() -> None:
    terminal = frozenset({200, 410})
    assert classify(Answer(410), NOW, TRIED, SCHEDULE, terminal) == End(EndStatus.FAILED, EndReason.ENDPOINT_GONE)
    assert classify(Answer(200), NOW, TRIED, SCHEDULE, terminal) == End(EndStatus.DELIVERED)


def test_an_endpoint_s_own_schedule_decides_when_it_is_over() -> None:
    short = SCHEDULE.of((0, 60))
    verdict = classify(Answer(500), NOW, TRIED, short)
    assert isinstance(verdict, Retry)
    assert verdict.slot.due_at == NOW - 100 + 60_000
    last = a_delivery(first_attempt_at=NOW - 60_000, attempt=2, slot=1)
    assert classify(Answer(500), NOW, last, short) == End(EndStatus.FAILED, EndReason.EXHAUSTED)


@pytest.mark.parametrize("result", [*map(Answer, (199, 301, 304, 400, 401, 404, 429, 500, 503)), *Failure])
def test_all_else_is_tried_again_at_the_next_slot(result: Answer | Failure) -> None:
    verdict = classify(result, NOW, TRIED, SCHEDULE)
    assert isinstance(verdict, Retry)
    assert verdict.slot.index == 1


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_in_seconds_is_honoured(status: int) -> None:
    verdict = classify(Answer(status, "60"), NOW, TRIED, SCHEDULE)
    assert isinstance(verdict, Retry)
    assert verdict.slot.due_at == NOW + 60_000


def test_retry_after_as_a_date_is_honoured() -> None:
    date = format_datetime(datetime.fromtimestamp(NOW / 1000 + 120, UTC), usegmt=True)
    verdict = classify(Answer(503, date), NOW, TRIED, SCHEDULE)
    assert isinstance(verdict, Retry)
    assert verdict.slot.due_at == NOW + 120_000


def test_retry_after_of_other_answers_is_not_read() -> None:
    verdict = classify(Answer(500, "3600"), NOW, TRIED, SCHEDULE)
    assert isinstance(verdict, Retry)
    assert verdict.slot.due_at < NOW + 2_000


@pytest.mark.parametrize("text", [None, "", "soon", "-5", "1e9", "Mon, 99 Foo 2026 00:00:00 GMT"])
def test_an_unreadable_retry_after_is_ignored(text: str | None) -> None:
    assert retry_after_at(text, NOW) is None


def test_the_failure_of_the_last_slot_is_the_end() -> None:
    last = a_delivery(first_attempt_at=NOW - 86_400_000, attempt=17, slot=LAST_SLOT)
    assert classify(Failure.TIMEOUT, NOW, last, SCHEDULE) == End(EndStatus.FAILED, EndReason.EXHAUSTED)


@given(
    st.sampled_from(Failure) | st.builds(Answer, st.integers(100, 999), st.none() | st.text()),
    st.integers(0, LAST_SLOT),
    st.integers(0, 200_000_000),
)
def test_every_answer_has_a_verdict_within_the_horizon(result: Answer | Failure, slot: int, ago: int) -> None:
    delivery = a_delivery(first_attempt_at=NOW - ago, attempt=1, slot=slot)
    verdict = classify(result, NOW, delivery, SCHEDULE)
    if isinstance(verdict, Retry):
        assert NOW < verdict.slot.due_at <= NOW - ago + 86_400_000
