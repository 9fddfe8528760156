"""The domain's instants, from a clock."""

from datetime import UTC, datetime

from carewire_runtime.clock import Clock


def millis(clock: Clock) -> int:
    """Return the wall-clock time in whole milliseconds since the Unix epoch."""
    return clock.epoch_ms()


def moment(instant: int | None) -> datetime | None:
    """Return an instant as an aware datetime, None as None."""
    return None if instant is None else datetime.fromtimestamp(instant / 1000, UTC)
