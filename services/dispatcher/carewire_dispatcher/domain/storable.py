"""What the tables of the attempt log can hold, as types that are looked at when a record is read.

One entry that Postgres refuses would be refused for ever, and all entries behind it would wait.
"""

from typing import Annotated, Final, TypeAlias

from msgspec import DecodeError, Meta

UNREADABLE: Final = (DecodeError, ValueError, RecursionError)
"""What a decoder raises: ValueError for bytes that are no UTF-8, RecursionError for what lies too deep."""

Text: TypeAlias = Annotated[str, Meta(pattern=r"\A[^\0]*\Z")]
"""Postgres takes no NUL."""
Uuid: TypeAlias = Annotated[str, Meta(pattern=r"\A[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")]
Int4: TypeAlias = Annotated[int, Meta(ge=0, lt=2**31)]
Int8: TypeAlias = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Instant: TypeAlias = Annotated[int, Meta(ge=0, lt=253_402_300_800_000)]
"""Milliseconds since 1970, before the year 10000."""
