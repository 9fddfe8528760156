"""Where downloads are kept between projects: the user's cache folder."""

import os
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
