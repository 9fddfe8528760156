"""The request log in Postgres, as it is read: found page by page, and looked at on the record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from carewire_ingress.adapters.request_query import IN_ORDER, count_query, page_query
from carewire_ingress.domain.request_filter import RequestFilter
from carewire_ingress.domain.resubmission import Sent
from carewire_runtime.audit import Audit, Deed
from carewire_runtime.auth import Principal
from carewire_runtime.postgres.pool import Connection, Database
from carewire_runtime.postgres.queries import load_queries

LOOK: Final = "request.look_at_payload"
RESUBMIT: Final = "request.resubmit"
SUBJECT: Final = "request"

_queries = load_queries("carewire_ingress")


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """A request as the log has it; `row` are the columns of `get_requests`, `payload` None where not asked for."""

    row: Mapping[str, Any] = field(repr=False)
    payload: bytes | None = field(repr=False)

    @property
    def id(self) -> str:
        """The request's id."""
        return str(self.row["id"])

    @property
    def webhook_id(self) -> str:
        """The id of its webhook."""
        return str(self.row["webhook_id"])


class RequestReader:
    """Reads the log. A look at payloads is recorded in the transaction that reads them."""

    def __init__(self, db: Database, audit: Audit) -> None:
        self._db = db
        self._audit = audit

    async def page(self, wanted: RequestFilter, after: str | None, limit: int) -> list[dict[str, Any]]:
        """One line a request, newest first, of those that come after an id."""
        if not wanted.wanted_statuses:
            return []
        query, values = page_query(wanted, after, limit)
        async with self._db.transaction() as connection:
            await connection.execute(IN_ORDER)
            rows = await connection.fetch(query, *values)
        return [{**row, "id": str(row["id"]), "webhook_id": str(row["webhook_id"])} for row in rows]

    async def count(self, wanted: RequestFilter, after: str | None, most: int) -> int:
        """How many requests come after an id; counted up to `most`."""
        if not wanted.wanted_statuses:
            return 0
        query, values = count_query(wanted, after, most)
        async with self._db.transaction() as connection:
            await connection.execute(IN_ORDER)
            return int(await connection.fetchval(query, *values))

    async def details(self, request_ids: Sequence[str], shown_to: Principal | None) -> list[LoggedRequest]:
        """Everything known of some requests, newest first; payloads only where somebody is shown them."""
        async with self._db.transaction() as connection:
            found = await _read(connection, request_ids, payloads=shown_to is not None)
            if shown_to is not None:
                seen = [one for one in found if one.payload is not None or one.row["data_points"]]
                await self._audit.add(connection, shown_to, [Deed(LOOK, SUBJECT, one.id) for one in seen])
        return found

    async def to_resubmit(self, request_ids: Sequence[str]) -> dict[str, LoggedRequest]:
        """Some requests with their payloads, which nobody is shown, by id."""
        async with self._db.connection() as connection:
            return {one.id: one for one in await _read(connection, request_ids, payloads=True)}

    async def begin_resubmission(self, request_ids: Sequence[str], by: Principal) -> dict[str, list[Sent]]:
        """Record that requests are sent again, and tell the line of each up to the call of a third party."""
        async with self._db.transaction() as connection:
            await self._audit.add(connection, by, [Deed(RESUBMIT, SUBJECT, one) for one in request_ids])
            return {one: await _line(connection, one) for one in request_ids}


async def _read(connection: Connection, request_ids: Sequence[str], *, payloads: bool) -> list[LoggedRequest]:
    rows = await connection.fetch(_queries.get_requests, request_ids)
    bodies: dict[str, bytes] = {}
    if payloads:
        bodies = {row["id"]: row["payload"] for row in await connection.fetch(_queries.get_payloads, request_ids)}
    return [LoggedRequest(dict(row), bodies.get(str(row["id"]))) for row in rows]


async def _line(connection: Connection, request_id: str) -> list[Sent]:
    rows = await connection.fetch(_queries.get_resubmission_line, request_id)
    return [Sent(row["id"], row["status"], row["failure_reason"], row["start_key"]) for row in rows]
