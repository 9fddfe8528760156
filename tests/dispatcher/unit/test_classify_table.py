"""What every HTTP status means, with every form of Retry-After, in every place of the schedule."""

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from carewire_dispatcher.domain.classify import Answer, Failure, Retry, classify, retry_after_at
from carewire_dispatcher.domain.ending import End, EndReason, EndStatus
from carewire_dispatcher.domain.schedule import LAST_SLOT, OFFSETS_S, RetrySchedule
from carewire_testing_dispatcher.deliveries import a_delivery

NOW = 1_700_000_000_000
SCHEDULE = RetrySchedule()
HOUR = 3_600_000
RETRY_AFTERS = (None, "", "0", "3600", "99999999999999", "soon", "-1", "1.5", "Tue, 14 Nov 2023 23:13:20 GMT")
ONE_HOUR_ON = ("3600", "Tue, 14 Nov 2023 23:13:20 GMT")
STATUSES = range(100, 600)


def tried(slot: int) -> tuple[int, int]:
    """When the first attempt was, and the end of an attempt of `slot` that took a moment."""
    first = NOW - OFFSETS_S[slot] * 1000
    return first, NOW + 50


@pytest.mark.parametrize("slot", [0, 1, 9, 15])
def test_before_the_last_slot_a_status_delivers_or_ends_or_is_tried_again(slot: int) -> None:
    first, ended = tried(slot)
    delivery = a_delivery(first_attempt_at=first, attempt=slot + 1, slot=slot)
    for status in STATUSES:
        for retry_after in RETRY_AFTERS:
            verdict = classify(Answer(status, retry_after), ended, delivery, SCHEDULE)
            if 200 <= status <= 299:
                assert verdict == End(EndStatus.DELIVERED), status
            elif status == 410:
                assert verdict == End(EndStatus.FAILED, EndReason.ENDPOINT_GONE)
            else:
                assert isinstance(verdict, Retry), status
                assert ended < verdict.slot.due_at <= SCHEDULE.horizon(first)
                assert verdict.slot.index > slot


def test_only_429_and_503_may_ask_to_wait() -> None:
    first, ended = tried(0)
    delivery = a_delivery(first_attempt_at=first, attempt=1)
    plain = classify(Failure.CONNECT, ended, delivery, SCHEDULE)
    for status in STATUSES:
        if 200 <= status <= 299 or status == 410:
            continue
        for retry_after in ONE_HOUR_ON:
            verdict = classify(Answer(status, retry_after), ended, delivery, SCHEDULE)
            assert isinstance(verdict, Retry)
            if status in (429, 503):
                assert abs(verdict.slot.due_at - (NOW + HOUR)) <= 50
            else:
                assert verdict == plain


@pytest.mark.parametrize("result", [*map(Answer, (100, 302, 400, 404, 429, 500, 503, 599)), *Failure])
def test_in_the_last_slot_all_but_success_and_410_is_the_end(result: Answer | Failure) -> None:
    first, ended = tried(LAST_SLOT)
    delivery = a_delivery(first_attempt_at=first, attempt=17, slot=LAST_SLOT)
    assert classify(result, ended, delivery, SCHEDULE) == End(EndStatus.FAILED, EndReason.EXHAUSTED)


def test_the_last_attempt_may_still_succeed() -> None:
    first, ended = tried(LAST_SLOT)
    delivery = a_delivery(first_attempt_at=first, attempt=17, slot=LAST_SLOT)
    assert classify(Answer(204), ended, delivery, SCHEDULE) == End(EndStatus.DELIVERED)
    assert classify(Answer(410), ended, delivery, SCHEDULE) == End(EndStatus.FAILED, EndReason.ENDPOINT_GONE)


def test_a_wish_beyond_the_24_hours_is_cut_to_their_end() -> None:
    first, ended = tried(3)
    delivery = a_delivery(first_attempt_at=first, attempt=4, slot=3)
    verdict = classify(Answer(503, "99999999999999"), ended, delivery, SCHEDULE)
    assert isinstance(verdict, Retry)
    assert (verdict.slot.index, verdict.slot.due_at) == (LAST_SLOT, SCHEDULE.horizon(first))


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("0", NOW),
        ("1", NOW + 1_000),
        (" 120 ", NOW + 120_000),
        ("00060", NOW + 60_000),
        ("Tue, 14 Nov 2023 23:13:20 GMT", NOW + HOUR),
        ("Tuesday, 14-Nov-23 23:13:20 GMT", NOW + HOUR),
        ("Tue Nov 14 23:13:20 2023", NOW + HOUR),
        ("Wed, 15 Nov 2023 00:13:20 +0100", NOW + HOUR),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
    ],
)
def test_the_forms_of_rfc_9110_are_read(text: str, at: int) -> None:
    assert retry_after_at(text, NOW) == at


@pytest.mark.parametrize("text", ["٦٠", "²", "+60", "1_000", "0x10", "1 2", "Tue, 14 Nov 10000 23:13:20 GMT", "🕐"])
def test_what_only_looks_like_seconds_or_a_date_is_not_read(text: str) -> None:
    assert retry_after_at(text, NOW) is None


def test_a_date_of_the_past_puts_nothing_off_and_brings_nothing_forward() -> None:
    past = format_datetime(datetime.fromtimestamp(NOW / 1000 - 500, UTC), usegmt=True)
    delivery = a_delivery(first_attempt_at=NOW, attempt=1)
    assert classify(Answer(503, past), NOW + 50, delivery, SCHEDULE) == classify(
        Answer(503), NOW + 50, delivery, SCHEDULE
    )
