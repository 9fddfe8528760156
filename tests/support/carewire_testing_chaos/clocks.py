"""A clock that can be stepped: a service that is started with one is wrong about the time as if its machine were.

It goes by a file of eight bytes, the seconds by which it is wrong. So a process that is started anew is wrong as well.
"""

import mmap
import struct
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

_OFFSET: Final = struct.Struct("d")
_NANOSECONDS: Final = 1_000_000_000


def step(file: Path, to_s: float) -> None:
    """Have the clock of a file be wrong by so many seconds, from now on."""
    if not file.exists():
        file.write_bytes(bytes(_OFFSET.size))
    with file.open("r+b") as opened:
        opened.write(_OFFSET.pack(to_s))


def go_by(file: Path) -> None:
    """Have this process go by the clock of a file: the product's port, and what stamps ids and log lines.

    What is measured, not told, goes on by the monotonic clock, as it does where a machine's clock is set.
    """
    import uuid_utils

    from carewire_runtime.clock import SystemClock

    with file.open("r+b") as opened:
        held = mmap.mmap(opened.fileno(), _OFFSET.size)
    tell, tell_ns, make = time.time, time.time_ns, uuid_utils.uuid7

    def wrong_by() -> float:
        offset: float = _OFFSET.unpack_from(held)[0]
        return offset

    def wrong() -> float:
        return tell() + wrong_by()

    def wrong_ns() -> int:
        return tell_ns() + round(wrong_by() * _NANOSECONDS)

    setattr(time, "time", wrong)  # noqa: B010  mypy lets nobody assign to a function
    setattr(time, "time_ns", wrong_ns)  # noqa: B010
    setattr(uuid_utils, "uuid7", lambda: make(nanoseconds=wrong_ns()) if wrong_by() else make())  # noqa: B010
    setattr(SystemClock, "now", lambda _: datetime.fromtimestamp(wrong(), UTC))  # noqa: B010
