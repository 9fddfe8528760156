"""Bodies without what their endpoint has redacted, before one is kept or shown."""

from collections.abc import Iterator, Sequence
from typing import Final

import orjson

from carewire_contracts.json_path import InvalidPath, JsonPath
from carewire_contracts.json_query import JsonQuery
from carewire_contracts.redaction import MARKER, redacted

MOST_PATHS: Final = 20
"""Paths of an endpoint. They are looked for between two deliveries, so all together must not take long."""
WITHHELD: Final = orjson.dumps(MARKER)
"""Stands for a whole body, where nobody can tell what stands where in it."""


def shown_body(body: bytes, queries: Sequence[JsonQuery]) -> bytes:
    """A body as people see it: as it is, or its JSON without what is redacted. What is no JSON is withheld.

    It is written anew even where nothing matched: of a name that stands twice in an object, paths see the last alone.
    """
    if not queries:
        return body
    try:
        return orjson.dumps(redacted(orjson.loads(body), queries))
    except (ValueError, TypeError):
        # JSON may be read deeper than it is written, which is a TypeError.
        return WITHHELD


def kept_body(body: bytes, most: int, queries: Sequence[JsonQuery]) -> bytes:
    """What the log keeps of a body: its first `most` bytes. Without what is redacted it keeps all or nothing of it.

    A beginning is no JSON, so that nobody could tell what stands where in it once other paths are redacted.
    """
    if not queries or not body or not most:
        return body[:most]
    if len(body) > most:
        return WITHHELD
    shown = shown_body(body, queries)
    return shown if len(shown) <= most else WITHHELD


def path_faults(paths: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Everything that is wrong with paths: the number of each, and what to mend."""
    for number, path in enumerate(paths):
        try:
            JsonPath(path)
        except InvalidPath as error:
            yield number, str(error)
