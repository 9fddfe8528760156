"""Pages of a list: `limit` items after the `cursor` that the page before answered."""

from collections.abc import Callable, Sequence
from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel

Limit = Annotated[int, Query(ge=1, le=100, description="items a page")]
Cursor = Annotated[str | None, Query(max_length=2048, description="`next_cursor` of the page before")]

T = TypeVar("T")


class Page(BaseModel, Generic[T]):
    """One page; `next_cursor` is null on the last."""

    items: list[T]
    next_cursor: str | None


def page_of(found: Sequence[T], limit: int, cursor_of: Callable[[T], str]) -> Page[T]:
    """Make a page of what was found when one more than `limit` was asked for."""
    items = list(found[:limit])
    return Page(items=items, next_cursor=cursor_of(items[-1]) if len(found) > limit else None)
