"""The statement that finds a page of the log: put together from fixed fragments, values being parameters.

Whatever is asked for, one index leads, as a range of all its columns in their order, and the other conditions are
looked at row by row. It is written as a range, although all columns but the last are constant: told that they are,
Postgres would take the primary key for the same order, and read all the log for a webhook that was quiet of late.
Where the status is among the columns, one range a status is read, a page of each, and the newest of them are shown.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from carewire_contracts.statuses import RequestStatus
from carewire_ingress.domain.request_filter import RequestFilter
from carewire_runtime.ids import earliest_id
from carewire_runtime.postgres.conditions import Conditions

IN_ORDER: Final = """
set local enable_seqscan = off;
set local enable_bitmapscan = off;
set local enable_hashjoin = off;
set local enable_mergejoin = off;
"""
"""For the transaction of a page: walk an index, and stop when the page is full. Any other plan reads all that fits
and sorts it: cheap where it is as little as Postgres guesses, and a reading of millions of rows where it is not."""

_COLUMNS: Final = (
    "r.id, r.webhook_id, r.definition_id, r.status, r.received_at, r.care_flow_id, r.patient_id, r.duplicate_of"
)
_WEBHOOK_NAME: Final = "(select w.name from incoming_webhook w where w.id = page.webhook_id) as webhook_name"
_RESUBMITTABLE: Final = (
    "r.payload is not null",
    "not exists (select from request_resubmission again where again.resubmission_of = r.id)",
)
_LEAST: Final = "00000000-0000-0000-0000-000000000000"
_MOST: Final = "ffffffff-ffff-ffff-ffff-ffffffffffff"


@dataclass(frozen=True, slots=True)
class _Lead:
    """The index that leads: where from, its columns but for the id at the end, and their values."""

    source: str = "request r"
    columns: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    id_column: str = "r.id"


_BY_REASON: Final = _Lead(
    # `offset 0` keeps Postgres from turning the join around, and sorting what it then finds in another order.
    "request_reason reason cross join lateral (select * from request where id = reason.request_id offset 0) r",
    id_column="reason.request_id",
)


def page_query(wanted: RequestFilter, after: str | None, limit: int) -> tuple[str, list[Any]]:
    """Find the newest requests after an id, with the names of their webhooks."""
    found, values = _found(wanted, after, limit)
    return f"select page.*, {_WEBHOOK_NAME} from ({found}) as page order by page.id desc", values  # noqa: S608 (ours)


def count_query(wanted: RequestFilter, after: str | None, limit: int) -> tuple[str, list[Any]]:
    """Count the requests after an id, up to a limit."""
    found, values = _found(wanted, after, limit)
    return f"select count(*) from ({found}) as page", values  # noqa: S608 (fragments of ours)


def _found(wanted: RequestFilter, after: str | None, limit: int) -> tuple[str, list[Any]]:
    conditions = Conditions()
    leads = list(_leads(wanted))
    _demand_the_rest(conditions, wanted, leads[0])
    most = conditions.parameter(limit)
    ranges = [_range(lead, conditions, _bounds(wanted, after), most, wanted) for lead in leads]
    if len(ranges) == 1:
        return ranges[0], conditions.values
    merged = " union all ".join(f"({one})" for one in ranges)
    return f"{merged} order by id desc limit {most}", conditions.values


def _leads(wanted: RequestFilter) -> Iterator[_Lead]:
    """The index that leads, as often as there are ranges of it to be merged."""
    if wanted.request_id is not None or wanted.care_flow_id is not None:
        # The few rows of an index that are equal in all but the id.
        yield _Lead()
    elif wanted.reason is not None and wanted.webhook_id is not None:
        both = ("reason.webhook_id", "reason.reason")
        yield replace(_BY_REASON, columns=both, values=(wanted.webhook_id, wanted.reason.value))
    elif wanted.reason is not None:
        yield replace(_BY_REASON, columns=("reason.reason",), values=(wanted.reason.value,))
    elif wanted.webhook_id is not None:
        yield from _by_status("r.webhook_id", wanted.webhook_id, wanted.wanted_statuses)
    elif wanted.definition_id is not None:
        yield from _by_status("r.definition_id", wanted.definition_id, wanted.wanted_statuses)
    elif wanted.demands_status:
        for status in wanted.wanted_statuses:
            yield _Lead(columns=("r.status",), values=(status.value,))
    else:
        yield _Lead()


def _by_status(column: str, value: str, statuses: tuple[RequestStatus, ...]) -> Iterator[_Lead]:
    for status in statuses:
        yield _Lead(columns=(column, "r.status"), values=(value, status.value))


def _demand_the_rest(conditions: Conditions, wanted: RequestFilter, lead: _Lead) -> None:
    """Add what the index that leads does not see to."""
    conditions.add("r.id = {}", wanted.request_id)
    conditions.add("r.care_flow_id = {}", wanted.care_flow_id)
    if not {"r.webhook_id", "reason.webhook_id"} & set(lead.columns):
        conditions.add("r.webhook_id = {}", wanted.webhook_id)
    if "r.definition_id" not in lead.columns:
        conditions.add("r.definition_id = {}", wanted.definition_id)
    if "r.status" not in lead.columns and wanted.demands_status:
        conditions.add("r.status = any({})", [status.value for status in wanted.wanted_statuses])
    if "reason.reason" not in lead.columns and wanted.reason is not None:
        code = wanted.reason.value
        conditions.add("exists (select from request_reason why where why.request_id = r.id and why.reason = {})", code)


def _bounds(wanted: RequestFilter, after: str | None) -> tuple[str, str]:
    """The least id, and the one before which all are."""
    since = _LEAST if wanted.received_from is None else earliest_id(wanted.received_from)
    until = _MOST if wanted.received_to is None else earliest_id(wanted.received_to)
    return since, min(until, after or _MOST)


def _range(lead: _Lead, conditions: Conditions, bounds: tuple[str, str], most: str, wanted: RequestFilter) -> str:
    columns = (*lead.columns, lead.id_column)
    low, high = (", ".join(map(conditions.parameter, (*lead.values, bound))) for bound in bounds)
    named = ", ".join(columns)
    where = conditions.where(
        f"({named}) >= ({low})", f"({named}) < ({high})", *(_RESUBMITTABLE if wanted.resubmittable else ())
    )
    order = ", ".join(f"{column} desc" for column in columns)
    return f"select {_COLUMNS} from {lead.source} {where} order by {order} limit {most}"  # noqa: S608 (fragments of ours)
