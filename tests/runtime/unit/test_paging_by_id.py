"""Ids tell time, cursors tell ids, and conditions hold no value."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from carewire_runtime.http.cursor import Cursor, cursor_after
from carewire_runtime.ids import born_at, earliest_id, new_id
from carewire_runtime.postgres.conditions import Conditions

NOW = datetime(2026, 3, 2, 8, 15, 30, 120_000, tzinfo=UTC)
READER: TypeAdapter[UUID] = TypeAdapter(Cursor)
MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@given(MOMENTS, MOMENTS)
def test_ids_of_moments_are_ordered_as_the_moments_are(one: datetime, other: datetime) -> None:
    if one <= other:
        assert earliest_id(one) <= earliest_id(other)
    if other - one >= timedelta(milliseconds=1):
        assert earliest_id(one) < earliest_id(other)


@given(MOMENTS)
def test_the_earliest_id_of_a_moment_was_born_then_to_the_millisecond(moment: datetime) -> None:
    assert born_at(earliest_id(moment)) == moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def test_a_new_id_lies_between_the_moments_around_it() -> None:
    before = earliest_id(datetime.now(UTC))
    born = new_id()
    after = earliest_id(datetime.now(UTC) + timedelta(milliseconds=1))
    assert before < born < after


def test_the_earliest_id_begins_with_the_milliseconds() -> None:
    assert earliest_id(NOW) == "019cad9d-dd48-0000-0000-000000000000"


def test_before_1970_no_id_was_born() -> None:
    assert earliest_id(datetime(1900, 1, 1, tzinfo=UTC)) == str(UUID(int=0))


@given(st.uuids())
def test_a_cursor_leads_back_to_its_item(item: UUID) -> None:
    assert READER.validate_python(cursor_after(str(item))) == item


def test_a_cursor_fits_into_a_url_as_it_is() -> None:
    assert cursor_after("ffffffff-ffff-ffff-ffff-ffffffffffff") == "_____________________w"


@pytest.mark.parametrize(
    "given_text",
    [
        "",
        "x",
        "0198c000-0000-7000-8000-000000000001",
        "_____________________x",
        "++++++++++++++++++++++",
        "é" * 22,
        "A" * 21,
        "A" * 23,
        "A" * 5_000,
    ],
    ids=["empty", "short", "id", "loose-bits", "not-urlsafe", "not-ascii", "one-less", "one-more", "long"],
)
def test_what_no_list_gave_is_no_cursor_and_is_not_repeated(given_text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        READER.validate_python(given_text)
    (error,) = caught.value.errors(include_input=False)
    assert error["msg"] == "Value error, this is no cursor of ours; take `next_cursor` of the page before, unchanged"


def test_conditions_hold_together_and_their_values_are_parameters() -> None:
    conditions = Conditions()
    conditions.add("a = {}", "x'; drop table y")
    conditions.add("b < {}", 4)
    assert conditions.where("c = true") == "where c = true and a = $1 and b < $2"
    assert conditions.values == ["x'; drop table y", 4]


def test_what_is_not_asked_for_demands_nothing() -> None:
    conditions = Conditions()
    conditions.add("a = {}", None)
    assert (conditions.where(), conditions.values) == ("", [])


def test_a_parameter_has_the_place_of_its_value() -> None:
    conditions = Conditions()
    conditions.add("a = {}", "x")
    assert (conditions.parameter(20), conditions.values) == ("$2", ["x", 20])
