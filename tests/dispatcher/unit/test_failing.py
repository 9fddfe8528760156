"""When an endpoint is warned of, disabled, and said to have recovered."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.topics import Topics
from carewire_dispatcher.adapters.endpoint_record import EndpointRecord
from carewire_dispatcher.adapters.endpoint_store import EndpointStore, StoredEndpoint
from carewire_dispatcher.domain.classify import Answer, Retry, Verdict
from carewire_dispatcher.domain.ending import End, EndReason, EndStatus
from carewire_dispatcher.domain.failing import (
    ATTEMPTS_AT_LEAST,
    DISABLED_AFTER_S,
    STALE_S,
    WARNED_AFTER_S,
    Failing,
    FailingPolicy,
    Health,
    Judged,
    Notice,
    Observation,
    Outcome,
)
from carewire_dispatcher.domain.log_entry import LogEntry, Tried
from carewire_dispatcher.domain.schedule import Slot
from carewire_runtime.clock import FakeClock
from carewire_testing_dispatcher.deliveries import ENDPOINT_ID, a_delivery

HOUR = 3_600_000
DAY = 24 * HOUR
T0 = 1_000 * DAY
POLICY = FailingPolicy()


def seen(at: int, outcome: Outcome = Outcome.FAILED, duration: int = 5) -> Observation:
    return Observation(at - duration, at, outcome)


def failing(attempts: int = 100, warnings: int = 0, last: int = T0, warned_at: int = T0 + DAY) -> Failing:
    return Failing(T0, last, attempts, warnings, warned_at if warnings else None)


def judge(health: Health, one: Observation) -> Judged:
    return POLICY.judge(health, one, now=one.ended_at)


@pytest.mark.parametrize(
    ("health", "after", "notice"),
    [
        (failing(), DAY - 1, None),
        (failing(), DAY, Notice.WARN),
        (failing(warnings=1), DAY, None),
        (failing(warnings=1), 2 * DAY - 1, None),
        (failing(warnings=1), 2 * DAY, Notice.WARN),
        (failing(warnings=0), 2 * DAY, Notice.WARN),
        (failing(warnings=2), 3 * DAY - 1, None),
        (failing(warnings=2), 3 * DAY, Notice.DISABLE_FAILING),
        (failing(warnings=0), 3 * DAY, Notice.WARN),
        (failing(attempts=ATTEMPTS_AT_LEAST - 2), 3 * DAY, None),
        (failing(attempts=ATTEMPTS_AT_LEAST - 1), 3 * DAY, Notice.WARN),
        (failing(attempts=ATTEMPTS_AT_LEAST - 2, warnings=2), 3 * DAY, None),
        (failing(warnings=2, warned_at=T0 + 5 * DAY), 6 * DAY - 1, None),
        (failing(warnings=2, warned_at=T0 + 5 * DAY), 6 * DAY, Notice.DISABLE_FAILING),
    ],
    ids=[
        "not a day yet",
        "a day",
        "a day, warned already",
        "not two days yet",
        "two days",
        "two days, never warned: one warning, not two",
        "not three days yet",
        "three days",
        "three days, never warned: a warning comes first",
        "three days, but tried a few times only",
        "three days, and tried often enough with this attempt: a warning comes first",
        "three days, warned of before, but tried a few times only",
        "not a day yet since the only warning",
        "a day since the only warning",
    ],
)
def test_what_follows_from_a_failed_attempt(health: Failing, after: int, notice: Notice | None) -> None:
    judged = judge(health, seen(T0 + after))
    assert judged.notice is notice
    if notice is Notice.DISABLE_FAILING:
        assert judged.health is None, "whoever enables it again begins with nothing against it"
    else:
        assert judged.about == (judged.health if notice is Notice.WARN else None)
        warnings = health.warnings if notice is None else min(2, after // DAY)
        warned_at = T0 + after if notice is Notice.WARN and health.warned_at is None else health.warned_at
        assert judged.health == Failing(T0, T0 + after, health.attempts + 1, warnings, warned_at)


def test_the_first_failure_after_a_success_is_when_failing_begins() -> None:
    assert judge(None, seen(T0)) == Judged(Failing(T0, T0, 1))


@pytest.mark.parametrize(
    ("health", "at", "judged"),
    [
        (None, T0, Judged(None)),
        (failing(), T0, Judged(None)),
        (failing(warnings=1), T0 + DAY, Judged(None, Notice.RECOVERED, failing(warnings=1))),
        (failing(warnings=1), T0 - 1, Judged(failing(warnings=1))),
    ],
    ids=["nothing was wrong", "nobody was warned", "after a warning", "it was over before the failing began"],
)
def test_what_follows_from_a_success(health: Health, at: int, judged: Judged) -> None:
    assert judge(health, seen(at, Outcome.DELIVERED)) == judged


@pytest.mark.parametrize("health", [None, failing(), failing(warnings=2)], ids=["well", "failing", "warned of"])
def test_gone_is_the_end_at_once(health: Health) -> None:
    assert judge(health, seen(T0, Outcome.GONE)) == Judged(None, Notice.DISABLE_GONE)


def test_a_failure_that_comes_again_is_not_counted_again() -> None:
    once = judge(failing(), seen(T0 + HOUR)).health
    assert judge(once, seen(T0 + HOUR)) == Judged(once)


def test_a_log_that_lags_tells_nobody_off() -> None:
    one = seen(T0 + 3 * DAY)
    late = one.ended_at + STALE_S * 1000
    assert POLICY.judge(failing(warnings=2), one, now=late).notice is Notice.DISABLE_FAILING
    judged = POLICY.judge(failing(warnings=2), one, now=late + 1)
    assert judged == Judged(failing(101, 2, one.ended_at)), "but it is remembered"


@pytest.mark.parametrize("scale", [1.0, 10.0, 1000.0])
def test_time_scale_divides_the_days(scale: float) -> None:
    policy = FailingPolicy(scale)
    at = policy.disables_at(failing())
    assert at == T0 + round(DISABLED_AFTER_S * 1000 / scale)
    warned = failing(warnings=2, warned_at=T0 + round(DAY / scale))
    assert policy.judge(warned, seen(at - 1), at).notice is None
    assert policy.judge(warned, seen(at), at).notice is Notice.DISABLE_FAILING


def test_warnings_come_before_the_end() -> None:
    assert list(WARNED_AFTER_S) == sorted(WARNED_AFTER_S)
    assert WARNED_AFTER_S[-1] < DISABLED_AFTER_S


def test_attempts_from_before_it_was_enabled_again_say_nothing() -> None:
    before = [seen(T0, Outcome.GONE), seen(T0 + 1, Outcome.FAILED)]
    assert POLICY.judge_all(None, before, judged_from=T0 + 1, now=T0) == [Judged(None)]


@pytest.mark.parametrize(
    ("began", "told_of", "counts"),
    [
        pytest.param(T0 + 900, T0 - DAY, False, id="a worker that had not heard called the old address"),
        pytest.param(T0 - 900, T0, True, id="a worker whose clock is behind called the new one"),
        pytest.param(T0 + 900, T0, True, id="a worker that had heard"),
        pytest.param(T0 + 900, T0 + DAY, True, id="it was changed again meanwhile, and the judge has not heard"),
        pytest.param(T0 + 900, None, True, id="told by an earlier release: by the clock"),
        pytest.param(T0 - 900, None, False, id="told by an earlier release, and before"),
    ],
)
def test_an_attempt_counts_for_the_endpoint_that_was_called(began: int, told_of: int | None, *, counts: bool) -> None:
    one = Observation(began, began + 5, Outcome.GONE, told_of)
    [judged] = POLICY.judge_all(None, [one], judged_from=T0, now=T0)
    assert (judged.notice is Notice.DISABLE_GONE) is counts


@given(st.lists(st.integers(1, 40 * HOUR), min_size=1, max_size=60))
def test_nobody_is_disabled_for_failing_who_was_not_warned_a_day_before(waits: list[int]) -> None:
    health, now, warned_at = None, T0, None
    for wait in waits:
        now += wait
        judged = judge(health, seen(now))
        if judged.notice is Notice.WARN and warned_at is None:
            warned_at = now
        if judged.notice is Notice.DISABLE_FAILING:
            assert warned_at is not None
            assert now - warned_at >= DAY
            return
        health = judged.health


def test_attempts_are_looked_at_in_their_order_and_each_notice_is_kept() -> None:
    attempts = [seen(T0 + DAY + 5, Outcome.DELIVERED), seen(T0 + DAY + 9), seen(T0 + DAY)]
    judged = POLICY.judge_all(failing(), attempts, judged_from=0, now=T0 + DAY)
    assert [one.notice for one in judged] == [Notice.WARN, Notice.RECOVERED, None]
    assert judged[-1].health == Failing(T0 + DAY + 9, T0 + DAY + 9, 1)


def test_nothing_is_said_after_the_end() -> None:
    attempts = [seen(T0, Outcome.GONE), seen(T0 + 1, Outcome.GONE), seen(T0 + 2)]
    assert POLICY.judge_all(None, attempts, judged_from=0, now=T0) == [Judged(None, Notice.DISABLE_GONE)]


def entry(verdict: Verdict, *, tried: bool = True) -> LogEntry:
    attempt = Tried.of("0190f5d2-8a10-7cc1-9d2b-64d1d0c3c001", T0, T0 + 5, Answer(200))
    return LogEntry.of(a_delivery(attempt=1), verdict, T0 + 5, attempt if tried else None)


@pytest.mark.parametrize(
    ("verdict", "outcome"),
    [
        (End(EndStatus.DELIVERED), Outcome.DELIVERED),
        (Retry(Slot(1, T0)), Outcome.FAILED),
        (End(EndStatus.FAILED, EndReason.EXHAUSTED), Outcome.FAILED),
        (End(EndStatus.FAILED, EndReason.ENDPOINT_GONE), Outcome.GONE),
    ],
    ids=["delivered", "tried again", "exhausted", "gone"],
)
def test_what_the_log_says_of_an_endpoint(verdict: Verdict, outcome: Outcome) -> None:
    assert Observation.of(entry(verdict)) == Observation(T0, T0 + 5, outcome)


def test_an_end_without_a_call_says_nothing_of_the_endpoint() -> None:
    assert Observation.of(entry(End(EndStatus.HELD, EndReason.ENDPOINT_DISABLED), tried=False)) is None


_hours = st.integers(0, 24 * 8)
_observations = st.lists(
    st.builds(
        lambda hour, outcome: seen(T0 + hour * HOUR, outcome),
        _hours,
        st.sampled_from([Outcome.FAILED, Outcome.FAILED, Outcome.FAILED, Outcome.DELIVERED]),
    ),
    max_size=60,
    unique_by=lambda one: one.ended_at,
)


def _lived(batches: list[list[Observation]]) -> tuple[Health, list[Notice]]:
    health, notices = None, list[Notice]()
    for batch in batches:
        judged = POLICY.judge_all(health, batch, 0, now=max((one.ended_at for one in batch), default=0))
        notices += [one.notice for one in judged if one.notice is not None]
        health = judged[-1].health
        if Notice.DISABLE_FAILING in notices:
            break
    return health, notices


@given(_observations, st.integers(1, 5))
def test_however_the_log_is_cut_into_batches_the_same_is_known(observations: list[Observation], size: int) -> None:
    ordered = sorted(observations, key=lambda one: one.ended_at)
    one_by_one, _ = _lived([[one] for one in ordered])
    in_batches, _ = _lived([ordered[n : n + size] for n in range(0, len(ordered), size)])
    if one_by_one is not None and in_batches is not None:
        in_batches, one_by_one = (replace(one, warnings=0, warned_at=None) for one in (in_batches, one_by_one))
        assert in_batches == one_by_one


@given(_observations)
def test_what_comes_twice_says_nothing_new(observations: list[Observation]) -> None:
    ordered = sorted(observations, key=lambda one: one.ended_at)
    once, _ = _lived([ordered])
    if ordered and once is not None:
        now = ordered[-1].ended_at
        assert POLICY.judge_all(once, ordered, 0, now) == [Judged(once)]


@given(_observations)
def test_who_is_disabled_has_had_three_days_without_a_success(observations: list[Observation]) -> None:
    ordered = sorted(observations, key=lambda one: one.ended_at)
    _, notices = _lived([[one] for one in ordered])
    if Notice.DISABLE_FAILING in notices:
        failed = [one.ended_at for one in ordered if one.outcome is Outcome.FAILED]
        successes = [one.ended_at for one in ordered if one.outcome is Outcome.DELIVERED]
        assert any(
            not any(begin <= success <= end for success in successes) and len([f for f in failed if f <= end]) >= 10
            for begin in failed
            for end in failed
            if end - begin >= 3 * DAY
        )


def test_the_time_in_which_an_endpoint_is_paused_does_not_count() -> None:
    resumed = failing(warnings=1, last=T0 + 30 * HOUR).resumed(T0 + 10 * DAY)
    assert POLICY.disables_at(resumed) == T0 + 10 * DAY + 42 * HOUR
    assert (resumed.last, resumed.attempts, resumed.warnings) == (T0 + 10 * DAY, 100, 1)
    assert judge(resumed, seen(T0 + 10 * DAY + 1)).notice is None
    assert judge(resumed, seen(T0 + 10 * DAY + 42 * HOUR)).notice is Notice.DISABLE_FAILING


def test_a_resumption_by_a_clock_that_is_behind_changes_nothing() -> None:
    assert failing(last=T0 + DAY).resumed(T0) == failing(last=T0 + DAY)


async def test_whoever_resumes_an_endpoint_has_the_pause_left_out() -> None:
    known = {"failing_since": T0, "last_failure_at": T0 + HOUR, "failed_attempts": 12, "warnings": 0, "warned_at": None}
    written: list[Any] = []

    class Postgres:
        async def fetchrow(self, *_: Any) -> dict[str, int | None]:
            return known

        async def execute(self, _: str, *columns: Any) -> None:
            written.append(columns)

    nothing = cast("Any", None)
    store = EndpointStore(nothing, nothing, Topics(), nothing, FakeClock(), lambda: None)
    paused = EndpointRecord(ENDPOINT_ID, "n", "https://a.example", None, None, False, 1, 1, {}, [], paused=True)
    at = datetime.fromtimestamp((T0 + 5 * DAY) / 1000, UTC)
    await store._draw_conclusions(
        cast("Any", Postgres()), paused, StoredEndpoint(replace(paused, paused=False), at, at)
    )
    assert written == [([ENDPOINT_ID], [T0 + 5 * DAY - HOUR], [T0 + 5 * DAY], [12], [0], [None])]
