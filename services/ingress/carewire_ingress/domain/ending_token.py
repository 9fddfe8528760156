"""A webhook's former token: its URL goes on answering until the sender has taken the new one."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

DEFAULT_OVERLAP: Final = timedelta(days=1)
MAX_OVERLAP: Final = timedelta(days=30)
"""A URL is a credential, and one that was replaced is watched by nobody."""


@dataclass(frozen=True, slots=True)
class EndingToken:
    """The token before the last rotation. `until` is the moment from which it is unknown, by our clock."""

    sha256: bytes = field(repr=False)
    until: datetime

    def is_over(self, now: datetime) -> bool:
        """Whether its URL has ended."""
        return now >= self.until
