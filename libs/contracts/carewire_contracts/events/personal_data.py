"""The mark of a field that may hold personal data.

The reference's own notes say "ids only" of events that now carry patient identifiers; here each field says so
itself, and schemas, documents and redaction read it from one place.
"""

from typing import Annotated, TypeVar

from pydantic import Field

T = TypeVar("T")

Personal = Annotated[T, Field(json_schema_extra={"x-personal-data": True})]
"""`Personal[str]` is a `str` that may identify a person or tell of their health."""
