"""Reading what was logged."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson

from carewire_runtime.telemetry.logs import configure_logs


class Lines:
    """The lines logged so far."""

    def __init__(self) -> None:
        self.stream = io.BytesIO()

    @property
    def text(self) -> str:
        """All that was written."""
        return self.stream.getvalue().decode()

    def all(self) -> list[dict[str, Any]]:
        """Every line as a document."""
        return [orjson.loads(line) for line in self.text.splitlines()]

    def of(self, event: str) -> list[dict[str, Any]]:
        """The lines of one event."""
        return [line for line in self.all() if line["event"] == event]


@contextmanager
def logged(level: str = "DEBUG") -> Iterator[Lines]:
    """Collect what is logged inside the block."""
    lines = Lines()
    configure_logs("test", level, lines.stream)
    try:
        yield lines
    finally:
        configure_logs("test")
