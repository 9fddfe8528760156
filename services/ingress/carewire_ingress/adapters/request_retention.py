"""Deleting old requests from the log, with all that belongs to them."""

from carewire_runtime.postgres.pool import Connection
from carewire_runtime.postgres.queries import load_queries

_queries = load_queries("carewire_ingress")


async def delete_requests(connection: Connection, before: str, limit: int) -> int:
    """Delete the oldest requests before an id, some at a time; returns how many."""
    last = await connection.fetchval(_queries.oldest_requests_end, before, limit)
    if last is None:
        return 0
    for query in (
        _queries.delete_request_statuses,
        _queries.delete_request_reasons,
        _queries.delete_request_resubmissions,
        _queries.delete_request_start_keys,
    ):
        await connection.execute(query, last)
    return int((await connection.execute(_queries.delete_requests, last)).split()[-1])
