"""Small values of hot paths: dataclasses with slots that the type checker keeps frozen.

A dataclass that is frozen at run time too guards every field of every value that is made, which costs three times
as much as making it. A webhook's call makes some thirty.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(*, repr: bool = True) -> Callable[[type[T]], type[T]]:  # noqa: A002 (as dataclass calls it)
    """Make a class a record: compared and hashed by its fields, and never changed (the type checker sees to it)."""

    def made(cls: type[T]) -> type[T]:
        decorate: Any = dataclass(slots=True, unsafe_hash=True, repr=repr)
        return decorate(cls)  # type: ignore[no-any-return]

    return made
