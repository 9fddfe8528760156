"""Days, months and hours after a moment, on both sides of summer time and at the ends of months and of time itself."""

from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.definition import Offset
from carewire_orchestrator.domain.calendar_time import FIRST_MOMENT, LAST_MOMENT, moved, until
from carewire_orchestrator.domain.care_flow import CareFlow
from carewire_orchestrator.domain.course import Course
from carewire_orchestrator.timezones import TIME_ZONES
from carewire_testing_orchestrator.definitions import release
from carewire_testing_orchestrator.playing import NOW

BRUSSELS = "Europe/Brussels"
UNITS = ["minute", "hour", "day", "week", "month", "year"]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def distance(amount: int, unit: str) -> Offset:
    return Offset.model_validate({"amount": amount, "unit": unit})


@pytest.mark.parametrize(
    ("start", "amount", "unit", "zone", "end"),
    [
        ("2026-03-02T08:15:30.120Z", 90, "minute", "UTC", "2026-03-02T09:45:30.120Z"),
        ("2026-03-02T08:15:30.120Z", 1, "day", "UTC", "2026-03-03T08:15:30.120Z"),
        ("2026-03-02T08:15:30.120Z", -2, "week", "UTC", "2026-02-16T08:15:30.120Z"),
        ("2026-03-28T10:00:00+01:00", 1, "day", BRUSSELS, "2026-03-29T10:00:00+02:00"),
        ("2026-03-28T10:00:00+01:00", 24, "hour", BRUSSELS, "2026-03-29T11:00:00+02:00"),
        ("2026-10-24T10:00:00+02:00", 1, "day", BRUSSELS, "2026-10-25T10:00:00+01:00"),
        ("2026-03-28T02:30:00+01:00", 1, "day", BRUSSELS, "2026-03-29T03:30:00+02:00"),
        ("2026-10-24T02:30:00+02:00", 1, "day", BRUSSELS, "2026-10-25T02:30:00+02:00"),
        ("2026-01-31T12:00:00Z", 1, "month", "UTC", "2026-02-28T12:00:00Z"),
        ("2028-01-31T12:00:00Z", 1, "month", "UTC", "2028-02-29T12:00:00Z"),
        ("2026-01-31T12:00:00Z", 2, "month", "UTC", "2026-03-31T12:00:00Z"),
        ("2026-01-15T12:00:00Z", -1, "month", "UTC", "2025-12-15T12:00:00Z"),
        ("2028-02-29T12:00:00Z", 1, "year", "UTC", "2029-02-28T12:00:00Z"),
        ("2026-03-02T23:30:00Z", 1, "month", "Asia/Tokyo", "2026-04-02T23:30:00Z"),
        ("2026-01-30T23:30:00Z", 1, "month", "Asia/Tokyo", "2026-02-27T23:30:00Z"),
    ],
    ids=[
        "minutes",
        "a day",
        "weeks before",
        "a day into summer time has 23 hours",
        "24 hours into summer time are 24 hours",
        "a day out of summer time has 25 hours",
        "a time of day that does not exist is as much later",
        "a time of day that comes twice is the first",
        "the last day of a shorter month",
        "the last day of February in a leap year",
        "months are not counted one by one",
        "a month before, over the year",
        "a year after 29 February",
        "a month by the patient's calendar",
        "the last day of the month by the patient's calendar",
    ],
)
def test_a_distance_ends_where_people_expect_it(start: str, amount: int, unit: str, zone: str, end: str) -> None:
    assert moved(at(start), distance(amount, unit), TIME_ZONES[zone]) == at(end)


@pytest.mark.parametrize("unit", UNITS)
def test_time_ends_with_the_year_9999_and_begins_with_the_year_1(unit: str) -> None:
    late, early = at("9999-12-31T12:00:00Z"), at("0001-01-01T12:00:00Z")
    assert moved(late, distance(100_000, unit), UTC) == LAST_MOMENT
    assert moved(early, distance(-100_000, unit), UTC) == FIRST_MOMENT


@pytest.mark.parametrize(
    ("day", "offset", "time_of_day", "zone", "end"),
    [
        ("2026-03-01T00:00:00Z", None, None, BRUSSELS, "2026-03-01T00:00:00Z"),
        ("2026-03-01T00:00:00Z", None, "09:00", BRUSSELS, "2026-03-01T09:00:00+01:00"),
        ("2026-03-01T00:00:00Z", None, "09:00", "America/New_York", "2026-03-01T09:00:00-05:00"),
        ("2026-03-01T00:00:00Z", (-1, "day"), "18:00", "America/New_York", "2026-02-28T18:00:00-05:00"),
        ("2026-03-02T02:00:00Z", None, "09:00", "America/New_York", "2026-03-01T09:00:00-05:00"),
        ("2026-03-01T10:00:00Z", (2, "hour"), None, BRUSSELS, "2026-03-01T12:00:00Z"),
        ("2026-03-29T00:00:00Z", None, "02:30", BRUSSELS, "2026-03-29T03:30:00+02:00"),
    ],
    ids=[
        "a date is midnight in UTC",
        "a time of day is the patient's",
        "a date without a time is that day wherever the patient is",
        "an offset goes before the time of day",
        "a date with a time is the patient's day",
        "an offset alone",
        "a time of day that does not exist that day",
    ],
)
def test_a_date_tells_a_moment(day: str, offset: Any, time_of_day: str | None, zone: str, end: str) -> None:
    away = None if offset is None else distance(*offset)
    assert until(at(day), away, time_of_day, TIME_ZONES[zone]) == at(end)


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../etc/passwd", "Europe"])
def test_a_patient_in_a_zone_that_nobody_knows_lives_in_utc(name: str) -> None:
    assert name not in TIME_ZONES
    assert Course(release(), CareFlow("c", "r", "p", time_zone=name), NOW).zone is UTC


@pytest.mark.parametrize("name", ["UTC", BRUSSELS, "America/Argentina/Buenos_Aires", "US/Eastern", "Factory"])
def test_a_patient_lives_in_the_zone_of_the_edition_that_is_locked(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the machine's own database says, or if it has none."""

    def unread(*_: object) -> None:
        raise AssertionError("a zone was looked for on the machine")

    monkeypatch.setattr("zoneinfo._common.load_tzdata", unread)
    zone = Course(release(), CareFlow("c", "r", "p", time_zone=name), NOW).zone
    assert zone is TIME_ZONES[name]
    assert str(zone) == name


def test_every_zone_of_that_edition_is_there() -> None:
    assert set(TIME_ZONES) == set(files("tzdata").joinpath("zones").read_text("ascii").split())


MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))  # noqa: DTZ001
ZONES = st.sampled_from(["UTC", BRUSSELS, "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"])


@given(MOMENTS, st.integers(0, 5_000), st.sampled_from(UNITS), ZONES)
def test_forward_is_never_back(moment: datetime, amount: int, unit: str, zone: str) -> None:
    one, more = (moved(moment, distance(many, unit), TIME_ZONES[zone]) for many in (amount, amount + 1))
    # Where clocks go back, a day may end in the hour that comes twice, and its first one is meant.
    slack = timedelta() if unit in ("minute", "hour") else timedelta(days=1)
    assert moment - slack <= one < more + slack


@given(MOMENTS, st.sampled_from(UNITS), st.integers(-50_000, 50_000), ZONES)
def test_minutes_and_hours_are_exact_and_days_keep_the_time_of_day(
    moment: datetime, unit: str, amount: int, zone: str
) -> None:
    end = moved(moment, distance(amount, unit), TIME_ZONES[zone])
    if unit in ("minute", "hour"):
        assert end - moment == amount * (timedelta(minutes=1) if unit == "minute" else timedelta(hours=1))
    elif zone == "UTC" and FIRST_MOMENT < end < LAST_MOMENT:
        assert end.time() == moment.time()


@given(MOMENTS, st.none() | st.sampled_from(["00:00", "09:30", "23:59"]), st.integers(-10, 10), ZONES)
def test_a_date_always_tells_a_moment_in_utc(moment: datetime, time_of_day: str | None, days: int, zone: str) -> None:
    told = until(moment, distance(days, "day"), time_of_day, TIME_ZONES[zone])
    assert told.tzinfo is UTC


@pytest.mark.parametrize("edge", [FIRST_MOMENT, LAST_MOMENT])
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_the_edges_of_time_are_moments_as_well(edge: datetime, zone: str) -> None:
    assert until(edge, None, "12:00", TIME_ZONES[zone]).tzinfo is UTC
    assert until(edge, distance(1, "day"), "12:00", TIME_ZONES[zone]).tzinfo is UTC
