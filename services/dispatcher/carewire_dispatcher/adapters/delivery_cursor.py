"""Cursors of lists of deliveries: the time of the last one's event, and its id."""

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from carewire_contracts.timestamps import format_timestamp, parse_timestamp
from carewire_runtime.http.problem import Problem


def cursor_of(row: Mapping[str, Any], moment: str = "event_at") -> str:
    """Return the cursor of what comes after a delivery, or after something else that is ordered by a moment."""
    event_at: datetime = row[moment]
    return base64.urlsafe_b64encode(f"{format_timestamp(event_at)} {row['id']}".encode()).decode()


def place_of(cursor: str | None) -> tuple[datetime, str] | None:
    """Return the place after which to go on. Raises Problem 422 for a cursor that is none of ours."""
    if cursor is None:
        return None
    try:
        event_at, _, delivery_id = base64.urlsafe_b64decode(cursor).decode().partition(" ")
        return parse_timestamp(event_at), str(UUID(delivery_id))
    except (binascii.Error, ValueError):
        errors = [{"field": "cursor", "message": "take the next_cursor of the page before"}]
        raise Problem(422, "Invalid request", "the cursor is none of ours", errors=errors) from None
