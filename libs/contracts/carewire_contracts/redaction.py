"""What nobody is shown: values at configured paths, taken out of a payload before a person or a log sees it."""

from collections.abc import Sequence
from typing import Any, Final

from carewire_contracts.json_query import JsonQuery

MARKER: Final = "[redacted]"
"""What stands in the place of a value."""


def redacted(payload: object, queries: Sequence[JsonQuery]) -> object:
    """The payload with every match replaced by the marker; the payload itself stays as it is.

    What is not changed is shared, not copied. Names of objects are shown. A payload that is nested too deeply for
    one of the queries is withheld as a whole.
    """
    found = [query.matches(payload) for query in queries]
    root: dict[str | int, Any] = {"": payload}
    # Copies made here, by id and thereby kept alive, so that no other object can come by the same id.
    copies: dict[int, object] = {}
    for matches in found:
        if matches is None:
            return MARKER
        for match in matches:
            _mark(root, ("", *match.place), copies)
    return root[""]


def _mark(root: dict[str | int, Any], place: Sequence[str | int], copies: dict[int, object]) -> None:
    node: Any = root
    for step in place[:-1]:
        child = node[step]
        if child == MARKER:
            return
        if id(child) not in copies:
            child = child.copy()
            copies[id(child)] = child
            node[step] = child
        node = child
    node[place[-1]] = MARKER
