"""Points in time as text, each written once: whatever follows from one event follows at one moment."""

from datetime import datetime
from functools import lru_cache

from carewire_contracts.timestamps import format_timestamp


@lru_cache(maxsize=1_024)
def write_moment(moment: datetime) -> str:
    """Write an aware datetime as the contracts do. A start writes its own some twenty times."""
    return format_timestamp(moment)
