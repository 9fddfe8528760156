"""What services say in their logs, read by a test that asks why something happened or how long it took."""

from typing import Any, Final

import orjson

from carewire_local.platform import Platform
from carewire_local.service_process import ServiceProcess

_LAWFUL_ENDS: Final = frozenset({"ProducerFatal", "KafkaUnavailable"})
"""Faults of Kafka's side by which a process ends and comes back, as it may on a busy machine."""


def said(process: ServiceProcess, *events: str, since: int = 0) -> list[Any]:
    """The lines by which a service tells of these events, in all its lives, after so many bytes of its log."""
    marks = [f'"event":"{event}"'.encode() for event in events]
    lines = process.log.read_bytes()[since:].splitlines(keepends=True)
    # The last one may be half written.
    return [orjson.loads(line) for line in lines if line.endswith(b"}\n") and any(mark in line for mark in marks)]


def assert_ended_by_kafka_alone(platform: Platform) -> None:
    """See that no service ended but for a fault of Kafka's side."""
    for process in platform.supervisor:
        ends = said(process, "component_failed", "died")
        assert {end["error"] for end in ends} <= _LAWFUL_ENDS, process.name
        assert len(ends) >= process.restarts, f"{process.name} has ended without a word"
