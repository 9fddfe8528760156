"""Which care flow an event belongs to, as far as its envelope tells: bodies are not read for it."""

import re
from functools import lru_cache
from typing import Final

_UUID: Final = re.compile(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@lru_cache(maxsize=1_024)  # the events of a care flow come together, each for many endpoints
def care_flow_of(subject: bytes | None, sequence: bytes | None) -> str | None:
    """Say which care flow an event belongs to, by its headers `ce_subject` and `ce_sequence`.

    Only events of care flows are numbered, and their subject is the care flow. Those of patients have the patient for
    a subject, whose id must not come from here.
    """
    if subject is None or sequence is None or _UUID.fullmatch(subject) is None:
        return None
    return subject.decode()
