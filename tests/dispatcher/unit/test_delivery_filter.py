"""Which index leads to what is asked for, and that nothing that was asked for is forgotten."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_dispatcher.adapters.delivery_query import attempts_query, deliveries_query
from carewire_dispatcher.domain.delivery_filter import AttemptFilter, DeliveryFilter

MOMENT = datetime(2026, 3, 2, tzinfo=UTC)
ID = "00000000-0000-4000-8000-000000000001"
moments = st.none() | st.integers(-10_000, 10_000).map(lambda days: MOMENT + timedelta(days=days))
filters = st.builds(
    DeliveryFilter,
    endpoint_id=st.none() | st.just("endpoint"),
    event_type=st.none() | st.just("type"),
    event_id=st.none() | st.just("event"),
    care_flow_id=st.none() | st.just("care flow"),
    status=st.none() | st.sampled_from(["delivered", "failed", "held", "retrying"]),
    status_code=st.none() | st.integers(100, 599),
    failure=st.none() | st.just("timeout"),
    event_from=moments,
    event_to=moments,
)


@given(filters, st.none() | st.just((MOMENT, ID)), st.integers(1, 200))
def test_whatever_is_asked_for_is_among_the_parameters_and_never_in_the_text(
    wanted: DeliveryFilter, after: tuple[datetime, str] | None, limit: int
) -> None:
    query, values = deliveries_query(wanted, after, limit)
    asked = [getattr(wanted, field.name) for field in fields(DeliveryFilter)]
    texts = [one for one in asked if isinstance(one, str)]
    assert [one for one in texts if one not in values] == []
    assert [one for one in texts if f"'{one}'" in query and one != "delivered"] == []
    assert wanted.status_code is None or wanted.status_code in values
    assert limit in values
    assert {f"${number}" for number in range(1, len(values) + 1)} == {
        word.strip("(),") for word in query.split() if word.strip("(),").startswith("$")
    }


@pytest.mark.parametrize(
    ("wanted", "order"),
    [
        ({}, "order by event_at desc, id desc"),
        ({"status": "delivered"}, "order by event_at desc, id desc"),
        ({"status_code": 204}, "order by event_at desc, id desc"),
        ({"event_id": "e", "endpoint_id": "n"}, "order by event_at desc, id desc"),
        ({"care_flow_id": "c", "status": "failed"}, "order by care_flow_id desc, event_at desc, id desc"),
        ({"endpoint_id": "n", "status": "held"}, "order by endpoint_id desc, status desc, event_at desc, id desc"),
        ({"endpoint_id": "n", "status_code": 500}, "order by status_code desc, event_at desc, id desc"),
        ({"endpoint_id": "n", "failure": "tls"}, "order by failure desc, event_at desc, id desc"),
        ({"event_type": "t", "status": "failed"}, "order by status desc, event_at desc, id desc"),
        ({"endpoint_id": "n", "event_type": "t"}, "order by endpoint_id desc, event_at desc, id desc"),
        ({"event_type": "t"}, "order by event_type desc, event_at desc, id desc"),
    ],
    ids=str,
)
def test_the_index_that_promises_the_fewest_rows_leads(wanted: dict[str, Any], order: str) -> None:
    assert order in deliveries_query(DeliveryFilter(**wanted), None, 50)[0]


def test_a_page_goes_on_where_the_one_before_ended_or_where_the_range_does() -> None:
    later = MOMENT + timedelta(days=1)
    for until, expected in ((None, MOMENT), (later, MOMENT), (MOMENT - timedelta(days=1), MOMENT - timedelta(days=1))):
        _, values = deliveries_query(DeliveryFilter(event_to=until), (MOMENT, ID), 50)
        assert max(value for value in values if isinstance(value, datetime)) == expected


def test_attempts_are_those_of_one_endpoint() -> None:
    query, values = attempts_query(AttemptFilter("n", 500, "tls", MOMENT, MOMENT), None, 50)
    assert "order by endpoint_id desc, started_at desc, id desc" in query
    assert {"n", 500, "tls", MOMENT} <= set(values)


@pytest.mark.parametrize(
    ("fields", "undelivered", "refusals"),
    [
        ({}, False, False),
        ({"status": "delivered", "status_code": 200}, False, False),
        ({"status": "held", "status_code": 199}, True, True),
        ({"status": "failed", "status_code": 300}, True, True),
        ({"status": "retrying", "status_code": 299}, True, False),
    ],
    ids=str,
)
def test_what_cannot_have_arrived_is_known_by_the_filter(
    fields: dict[str, Any], undelivered: bool, refusals: bool
) -> None:
    wanted = DeliveryFilter(**fields)
    assert (wanted.is_of_undelivered, wanted.is_of_refusals) == (undelivered, refusals)
