"""Moments reckoned from others as people reckon them: in days, weeks, months and years of the patient's calendar.

- Minutes and hours are exact, whatever clocks do meanwhile.
- A day and longer keeps the time of day in the patient's time zone. Months and years keep the day of the month, or
  take the last one where the month is shorter: a month after 31 January is 28 or 29 February.
- Where clocks go forward and the time of day does not exist, the moment is as much later (02:30 becomes 03:30). Where
  they go back and it comes twice, the first is meant.
- What lies outside of the years 1 to 9999 is the first or the last moment of those.

Zones are handed in: nothing here looks one up.
"""

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

from carewire_contracts.definition import Duration, Offset

FIRST_MOMENT: Final = datetime.min.replace(tzinfo=UTC)
LAST_MOMENT: Final = datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)

_EXACT: Final = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1)}
_DAYS: Final = {"day": 1, "week": 7}
_MONTHS: Final = {"month": 1, "year": 12}


def moved(moment: datetime, distance: Duration | Offset, zone: tzinfo) -> datetime:
    """The moment at a distance from another, in UTC."""
    try:
        if distance.unit in _EXACT:
            return moment + distance.amount * _EXACT[distance.unit]
        local = moment.astimezone(zone).replace(tzinfo=None)
        return _resolved(_moved_by_calendar(local, distance), zone)
    except (OverflowError, ValueError):
        return LAST_MOMENT if distance.amount > 0 else FIRST_MOMENT


def until(day: datetime, offset: Offset | None, time_of_day: str | None, zone: tzinfo) -> datetime:
    """The moment that a date tells: some time before or after it, then at a time of day in the patient's zone.

    A value that is a date without a time (midnight in UTC) means that day wherever the patient is.
    """
    home = UTC if _is_whole_day(day) else zone
    shifted = day if offset is None else moved(day, offset, home)
    if time_of_day is None:
        return shifted
    try:
        return _resolved(datetime.combine(shifted.astimezone(home).date(), time.fromisoformat(time_of_day)), zone)
    except (OverflowError, ValueError):
        return shifted


def _is_whole_day(day: datetime) -> bool:
    return day.astimezone(UTC).time() == time()


def _moved_by_calendar(local: datetime, distance: Duration | Offset) -> datetime:
    if distance.unit in _DAYS:
        return local + timedelta(days=distance.amount * _DAYS[distance.unit])
    months = local.year * 12 + local.month - 1 + distance.amount * _MONTHS[distance.unit]
    year, month = divmod(months, 12)
    last_day = monthrange(date(year, month + 1, 1).year, month + 1)[1]
    return local.replace(year=year, month=month + 1, day=min(local.day, last_day))


def _resolved(local: datetime, zone: tzinfo) -> datetime:
    """With fold 0, `zoneinfo` reckons in the gap with the offset before it, and takes the first of two."""
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC)
