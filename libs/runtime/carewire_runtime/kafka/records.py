"""A record as consumers see it: bytes, with nothing decoded."""

from dataclasses import field
from typing import Any

from carewire_contracts.record import record


@record()
class Record:
    """One record of a topic. `timestamp_ms` is the broker's time of appending, milliseconds since 1970."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None = field(repr=False)
    headers: tuple[tuple[str, bytes], ...]

    def header(self, name: str) -> bytes | None:
        """Return the first header of a name."""
        for key, value in self.headers:
            if key == name:
                return value
        return None


def record_of(raw: Any) -> Record:
    """Return the record that aiokafka fetched."""
    return Record(raw.topic, raw.partition, raw.offset, raw.timestamp, raw.key, raw.value, tuple(raw.headers))
