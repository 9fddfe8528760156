"""How a process deals with memory: what its calls allocate is wanted again at once by the next ones."""

import contextlib
import ctypes
import gc
from typing import Final

_COLLECT_AFTER: Final = 20_000
"""Containers that may be alive beyond the last collection: what some hundred calls at once hold."""
_KEPT_FREE: Final = 16 * 1024 * 1024
"""Bytes: what a thousand calls at once hold."""
_MAPPED_FROM: Final = 1024 * 1024
"""Bytes of what is mapped and given back by itself: larger than a batch of records."""
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
"""Numbers of mallopt(3)."""


def spare_the_collector() -> None:
    """Leave what was built for good out of garbage collections, and collect more rarely.

    Nearly all that a call makes goes without the collector; by default it would run every few calls.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER)


def keep_freed_memory() -> None:
    """Let what one moment's calls free serve the next moment's.

    The allocator of glibc gives back to the kernel what is free at the end of its heap beyond 128 KiB; where hundreds
    of calls come at once, fetching it again is one or two page faults a call. Other allocators have no such setting.
    """
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_TRIM_THRESHOLD, _KEPT_FREE)
        # By itself it grows with what is freed, until a threshold is set: a batch for Kafka would be mapped each time.
        libc.mallopt(_M_MMAP_THRESHOLD, _MAPPED_FROM)
