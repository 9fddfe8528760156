"""The text of a JSONPath (RFC 9535) that leads to a node: shorthand names where they are allowed, else quoted ones."""

import re
from typing import Final

_SHORTHAND: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""The grammar allows letters beyond ASCII too; quoted they read the same, and nobody doubts them."""
_ESCAPES: Final = str.maketrans(
    {"\b": r"\b", "\t": r"\t", "\n": r"\n", "\f": r"\f", "\r": r"\r", "'": r"\'", "\\": r"\\"}
)
"""What a normalized path escapes (section 2.7)."""
_UNWRITABLE: Final = re.compile(r"[\x00-\x07\x0b\x0e-\x1f]")
"""The standard has escapes for these too (`\\u0000`), but the library refuses them."""


def is_writable(name: str) -> bool:
    """Whether a path can name this: all but names with odd control characters."""
    return _UNWRITABLE.search(name) is None


def quoted(text: str) -> str:
    """A string literal of JSONPath, of a text that is writable."""
    return f"'{text.translate(_ESCAPES)}'"


def step(place: str | int) -> str:
    """One step down, by a writable name or by index."""
    if isinstance(place, int):
        return f"[{place}]"
    return f".{place}" if _SHORTHAND.fullmatch(place) else f"[{quoted(place)}]"
