"""The event types that a developer may name."""

from collections.abc import Iterable
from difflib import get_close_matches

from carewire_contracts.event_catalogue import EVENT_CATALOGUE
from carewire_local.errors import NoSuchEvent


def known(names: Iterable[str]) -> list[str]:
    """Return the names as they are. Raises NoSuchEvent with what may have been meant for the first that is none."""
    found = list(names)
    for name in found:
        if name not in EVENT_CATALOGUE:
            alike = get_close_matches(name, EVENT_CATALOGUE, n=3, cutoff=0.5)
            meant = f"Did you mean {' or '.join(alike)}? " if alike else ""
            raise NoSuchEvent(f"there is no event type {name!r}. {meant}All of them: {', '.join(EVENT_CATALOGUE)}")
    return found
