"""Cursors of lists that are paged by id: where the next page begins, in a form that nobody is to build on.

A cursor holds the id of the last item shown, which the reader has seen, and nothing else.
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, Final
from uuid import UUID

from pydantic import BeforeValidator, Field

_LENGTH: Final = 22
"""Characters of 16 bytes in base64 without its padding."""


def cursor_after(item_id: str) -> str:
    """The cursor of what comes after an item."""
    return urlsafe_b64encode(UUID(item_id).bytes).decode().rstrip("=")


def _read(given: object) -> UUID:
    try:
        text = str(given)
        if len(text) == _LENGTH and cursor_after(str(found := UUID(bytes=urlsafe_b64decode(text + "==")))) == text:
            return found
    except (binascii.Error, ValueError):
        pass
    raise ValueError("this is no cursor of ours; take `next_cursor` of the page before, unchanged")


Cursor = Annotated[
    UUID,
    BeforeValidator(_read, json_schema_input_type=str),
    Field(description="`next_cursor` of the page before"),
]
"""A field or parameter that takes a cursor and gives the id after which to go on."""
