"""The time zones that exist, by the names of the IANA database.

The package `tzdata` brings them, in the edition that is locked, and they are read once, when a process starts: every
replica reckons with the same ones, and the domain with values, whatever database the machine or image has.
"""

from collections.abc import Iterator, Mapping
from datetime import tzinfo
from importlib.resources import files
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo


def _read() -> Iterator[tuple[str, tzinfo]]:
    package = files("tzdata")
    for name in package.joinpath("zones").read_text("ascii").split():
        with package.joinpath("zoneinfo", *name.split("/")).open("rb") as rules:
            yield name, ZoneInfo.from_file(rules, key=name)


TIME_ZONES: Final[Mapping[str, tzinfo]] = MappingProxyType(dict(_read()))
