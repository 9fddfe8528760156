"""Which state of a draft a caller means to change: its entity tag, and the conditions of RFC 9110, section 13."""

import hashlib
from collections.abc import Collection
from typing import Final

from carewire_contracts.record import record

_DIGEST_LETTERS: Final = 12
"""Of a digest: it only has to differ between drafts that had one revision number, after a deletion in between."""


def entity_tag(revision: int, document: str) -> str:
    """The strong tag of a draft as it is stored."""
    digest = hashlib.sha256(document.encode()).hexdigest()[:_DIGEST_LETTERS]
    return f'"{revision}-{digest}"'


@record()
class Precondition:
    """What has to hold of a draft before it is changed. By default, nothing.

    `tags` are those of which the draft must have one; `must_exist` and `must_not_exist` are their `*`.
    """

    tags: Collection[str] | None = None
    must_exist: bool = False
    must_not_exist: bool = False

    def holds(self, current: str | None) -> bool:
        """Whether a draft with this tag may be changed; None is that there is none."""
        if self.must_not_exist and current is not None:
            return False
        if self.must_exist and current is None:
            return False
        return self.tags is None or current in self.tags


def read_precondition(if_match: str | None, if_none_match: str | None) -> Precondition:
    """Read the headers `If-Match` and `If-None-Match`, of which the latter is of use as `*` alone.

    A weak tag never matches: two drafts are the same or they are not.
    """
    wanted = None if if_match is None else frozenset(tag.strip() for tag in if_match.split(","))
    is_any = wanted is not None and "*" in wanted
    return Precondition(
        tags=None if is_any else wanted,
        must_exist=is_any,
        must_not_exist=if_none_match is not None and if_none_match.strip() == "*",
    )
