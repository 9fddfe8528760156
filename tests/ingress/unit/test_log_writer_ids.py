"""What the log writer keeps in columns of ids: one that is none ends no process."""

from collections.abc import Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from carewire_contracts.statuses import FailureReason, RequestFailed
from carewire_contracts.topics import Topics
from carewire_contracts.wire import encode
from carewire_ingress.adapters.log_writer import UNREADABLE, LogWriter
from carewire_ingress.domain.request_log import LogEntry
from carewire_runtime.clock import FakeClock
from carewire_runtime.ids import new_id
from carewire_runtime.kafka.records import Record

TOPICS = Topics("", 2)


class Scene:
    """Stands for store and dead letters."""

    def __init__(self) -> None:
        self.saved: list[LogEntry] = []
        self.dead: list[str] = []
        self.limit = SimpleNamespace(good=lambda _count: None)
        unused = cast("Any", None)
        self.writer = LogWriter(cast("Any", self), unused, cast("Any", self), FakeClock(), TOPICS)

    async def save(self, entries: Sequence[LogEntry]) -> None:
        self.saved += entries

    async def send(self, _record: Record, reason: str) -> None:
        self.dead.append(reason)


def failed(start_key: str) -> Record:
    event = RequestFailed(
        request_id=new_id(),
        tenant_id="t",
        webhook_id=new_id(),
        definition_id="d",
        date=datetime(2026, 3, 2, tzinfo=UTC),
        reason=FailureReason.IDENTITY_CONFLICT,
        message="Two patients.",
        start_key=start_key,
    )
    return Record(TOPICS.incoming_webhooks.name, 0, 0, 0, b"k", encode(event), ())


@pytest.mark.parametrize("key", ["K", "", "x" * 36])
async def test_a_start_key_that_is_no_id_is_set_aside_and_its_neighbours_are_logged(key: str) -> None:
    scene, sound = Scene(), new_id()
    await scene.writer.handle([failed(key), failed(sound)])
    assert scene.dead == [UNREADABLE]
    assert [entry.start_key for entry in scene.saved] == [sound]
