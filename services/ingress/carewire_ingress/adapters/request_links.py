"""What is kept of a request beside its own row: the codes of its reasons, what it sends again, and its sender's key.

Only requests that were refused, failed or were sent again have any, so a happy batch costs nothing here.
"""

from collections.abc import Sequence

from carewire_ingress.domain.request_log import LogEntry
from carewire_runtime.postgres.pool import Connection
from carewire_runtime.postgres.queries import load_queries

_queries = load_queries("carewire_ingress")


async def add_links(connection: Connection, entries: Sequence[LogEntry]) -> None:
    """Add what leads to these entries, in the transaction in which they are saved; again does no harm."""
    # Sorted, so that concurrent writers take their rows in one order.
    reasons = [(entry.request_id, code, entry.webhook_id) for entry in entries for code in sorted(entry.reason_codes)]
    if reasons:
        await connection.execute(_queries.add_request_reasons, *map(list, zip(*reasons, strict=True)))
    links = [(entry.request_id, entry.resubmission_of) for entry in entries if entry.resubmission_of is not None]
    if links:
        await connection.execute(_queries.add_request_resubmissions, *map(list, zip(*links, strict=True)))
    keys = [(entry.request_id, entry.start_key) for entry in entries if entry.start_key is not None]
    if keys:
        await connection.execute(_queries.add_request_start_keys, *map(list, zip(*keys, strict=True)))
