"""Fields of a document that its model does not have, which reading it would silently lose."""

from collections.abc import Iterator, Mapping
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel

Location = tuple[int | str, ...]


def refuse_unknown_fields(raw: Any, read: BaseModel) -> None:
    """Raise RequestValidationError, which names each field that was not read."""
    errors = [
        {"type": "extra_forbidden", "loc": ("body", *location), "msg": "there is no such field here; remove or mend it"}
        for location in _unknown(raw, read, ())
    ]
    if errors:
        raise RequestValidationError(errors, body=raw)


def _unknown(raw: Any, read: Any, here: Location) -> Iterator[Location]:
    if isinstance(read, BaseModel) and isinstance(raw, Mapping):
        for name, value in raw.items():
            if name in type(read).model_fields:
                yield from _unknown(value, getattr(read, name), (*here, name))
            else:
                yield (*here, name)
    elif isinstance(read, tuple) and isinstance(raw, list):
        for index, (value, item) in enumerate(zip(raw, read, strict=False)):
            yield from _unknown(value, item, (*here, index))
