"""Where downloads are kept between projects: the user's cache folder."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from pathlib import Path


def cache_folder() -> Path:
    """Return the folder for downloads: CAREWIRE_CACHE, or `carewire` in the user's cache folder.

    The default follows the XDG base directory rules: $XDG_CACHE_HOME, else ~/.cache.
    """
    chosen = os.environ.get("CAREWIRE_CACHE")
    if chosen:
        return Path(chosen).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser().absolute() / "carewire"


@contextmanager
def taking_turns(folder: Path) -> Iterator[None]:
    """Let only one process at a time, of all that use this folder, do what the block does."""
    with (folder / "turn.lock").open("w") as lock:
        flock(lock, LOCK_EX)
        yield
