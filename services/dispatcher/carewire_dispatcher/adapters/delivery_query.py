"""The statements that find a page of the log: put together from fixed fragments, values being parameters.

Whatever is asked for, one index leads, as a range of all its columns in their order, and the other conditions are
looked at row by row. It is written as a range, although all columns but the last two are constant: told that they are,
Postgres would take the primary key for the same order, and read all the log for an endpoint that was quiet of late.
The tables are partitioned by day: each day's index is walked, and the newest rows of all are merged.
"""

from datetime import UTC, datetime
from typing import Any, Final, LiteralString

from carewire_contracts.record import record
from carewire_dispatcher.domain.delivery_filter import AttemptFilter, DeliveryFilter
from carewire_runtime.postgres.conditions import Conditions

IN_ORDER: Final = """
set local enable_seqscan = off;
set local enable_bitmapscan = off;
set local enable_sort = off;
"""
"""For the transaction of a page: walk indexes, and stop when the page is full."""

Place = tuple[datetime, str]
"""Where a page goes on: a moment and an id."""

_FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(9999, 1, 1, tzinfo=UTC)
_LEAST: Final = "00000000-0000-0000-0000-000000000000"


@record()
class _Lead:
    """The index that leads: its columns before the moment and the id, their values, and what it is confined to.

    With `few`, a condition, it leads to so few rows that they are read in whatever order, and sorted.
    """

    columns: tuple[str, ...] = ()
    values: tuple[Any, ...] = ()
    confined_to: tuple[str, ...] = ()
    few: tuple[LiteralString, Any] | None = None


def deliveries_query(wanted: DeliveryFilter, after: Place | None, limit: int) -> tuple[str, list[Any]]:
    """Find the newest deliveries after a place, by the time of their events."""
    lead, conditions = _lead(wanted), Conditions()
    _demand(conditions, lead, "care_flow_id = {}", "care_flow_id", wanted.care_flow_id)
    _demand(conditions, lead, "endpoint_id = {}", "endpoint_id", wanted.endpoint_id)
    _demand(conditions, lead, "event_type = {}", "event_type", wanted.event_type)
    _demand(conditions, lead, "status = {}", "status", wanted.status)
    _demand(conditions, lead, "status_code = {}", "status_code", wanted.status_code)
    _demand(conditions, lead, "failure = {}", "failure", wanted.failure)
    return _page("delivery", "event_at", lead, conditions, (wanted.event_from, wanted.event_to), after, limit)


def attempts_query(wanted: AttemptFilter, after: Place | None, limit: int) -> tuple[str, list[Any]]:
    """Find the newest attempts of an endpoint after a place, by the time of their beginning."""
    lead, conditions = _Lead(("endpoint_id",), (wanted.endpoint_id,)), Conditions()
    conditions.add("status_code = {}", wanted.status_code)
    conditions.add("failure = {}", wanted.failure)
    return _page("attempt", "started_at", lead, conditions, (wanted.started_from, wanted.started_to), after, limit)


def _lead(wanted: DeliveryFilter) -> _Lead:
    """The index that leads to the fewest rows, as far as can be said beforehand."""
    undelivered = ("status <> 'delivered'",)
    if wanted.event_id is not None:
        # As many rows as an event has subscribers, wherever they stand.
        return _Lead(few=("event_id = {}", wanted.event_id))
    if wanted.care_flow_id is not None:
        return _Lead(("care_flow_id",), (wanted.care_flow_id,), ("care_flow_id is not null",))
    if wanted.endpoint_id is not None and wanted.is_of_undelivered:
        return _Lead(("endpoint_id", "status"), (wanted.endpoint_id, wanted.status), undelivered)
    if wanted.is_of_refusals:
        return _Lead(("status_code",), (wanted.status_code,), ("status_code not between 200 and 299",))
    if wanted.failure is not None:
        return _Lead(("failure",), (wanted.failure,), ("failure is not null",))
    if wanted.is_of_undelivered:
        return _Lead(("status",), (wanted.status,), undelivered)
    if wanted.endpoint_id is not None:
        return _Lead(("endpoint_id",), (wanted.endpoint_id,))
    if wanted.event_type is not None:
        return _Lead(("event_type",), (wanted.event_type,))
    return _Lead()


def _demand(conditions: Conditions, lead: _Lead, text: LiteralString, column: str, value: Any) -> None:
    """Add what the index that leads does not see to."""
    if column not in lead.columns:
        conditions.add(text, value)


def _page(
    table: str,
    moment: LiteralString,
    lead: _Lead,
    conditions: Conditions,
    between: tuple[datetime | None, datetime | None],
    after: Place | None,
    limit: int,
) -> tuple[str, list[Any]]:
    since, until = between[0] or _FIRST, between[1] or _LAST
    low, high = (since, _LEAST), (until, _LEAST)
    high = min(high, after) if after is not None else high
    # What the ranges below say of the moment alone: by it Postgres leaves out days.
    conditions.add(moment + " >= {}", low[0])
    conditions.add(moment + " <= {}", high[0])
    if lead.few is not None:
        # `offset 0` keeps Postgres from walking another index for the sake of the order.
        few = lead.few[0].format(conditions.parameter(lead.few[1]))
        table = f"(select * from {table} where {few} offset 0) as found"  # noqa: S608 (fragments of ours)
    columns = ", ".join((*lead.columns, moment, "id"))
    least, most = (", ".join(map(conditions.parameter, (*lead.values, *bound))) for bound in (low, high))
    where = conditions.where(*lead.confined_to, f"({columns}) >= ({least})", f"({columns}) < ({most})")
    order = ", ".join(f"{column} desc" for column in (*lead.columns, moment, "id"))
    found = f"select * from {table} {where} order by {order} limit {conditions.parameter(limit)}"  # noqa: S608 (ours)
    return found, conditions.values
