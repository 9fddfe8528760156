"""The time zones that exist, by the names of the IANA database.

The package `tzdata` brings them, in the edition that is locked: every replica takes the same names, on machines and
images without a database of their own too.
"""

from importlib.resources import files
from typing import Final

TIMEZONES: Final = frozenset(files("tzdata").joinpath("zones").read_text("ascii").split())
