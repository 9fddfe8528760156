"""The log as JSON lines, page by page: what is in memory is one page, however long the log and slow the reader."""

from collections.abc import AsyncIterator
from typing import Final

from carewire_ingress.adapters.request_reader import RequestReader
from carewire_ingress.adapters.request_view import DataPointKeys, details_of
from carewire_ingress.domain.request_filter import RequestFilter
from carewire_runtime.auth import Principal

MEDIA_TYPE: Final = "application/x-ndjson"

_PAGE: Final = 500
_PAGE_WITH_PAYLOADS: Final = 10
"""A payload has 2 MiB at most, and several times that once it is read."""


async def export_lines(
    reader: RequestReader, keys_of: DataPointKeys, wanted: RequestFilter, shown_to: Principal | None
) -> AsyncIterator[bytes]:
    """Pages of lines, newest request first. Payloads are among them only where somebody is shown them.

    No connection to Postgres is held while the reader takes a page. A look is recorded before it is shown.
    """
    size = _PAGE if shown_to is None else _PAGE_WITH_PAYLOADS
    after: str | None = None
    while rows := await reader.page(wanted, after, size):
        after = rows[-1]["id"]
        found = await reader.details([row["id"] for row in rows], shown_to)
        shown = (details_of(one, keys_of, with_values=shown_to is not None) for one in found)
        yield b"".join([details.model_dump_json().encode() + b"\n" for details in shown])
        if len(rows) < size:
            return
