"""The body of a call made again of its event, or why it cannot be."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from carewire_dispatcher.adapters.event_reader import Run
from carewire_dispatcher.adapters.exchange_reader import ExchangeReader, Missing
from carewire_runtime.errors import KafkaRefused, KafkaUnavailable
from carewire_runtime.kafka.records import Record

BODY = b'{"event_type":"pathway.completed","pathway":{"id":"p","patient_identifiers":[]}}'
ROW = {
    "event_id": "event-7",
    "event_type": "pathway.completed",
    "event_topic": "carewire.events",
    "event_partition": 3,
    "event_offset": 42,
    "payload": "full",
    "content_mode": "flat",
}


class Events:
    """Kafka, which holds one record, or none, or is away."""

    def __init__(self, record: Record | None = None, fault: Exception | None = None) -> None:
        self.asked: list[tuple[str, int, list[int]]] = []
        self._record, self._fault = record, fault

    @asynccontextmanager
    async def lend(self) -> AsyncIterator["Events"]:
        yield self

    async def at(self, topic: str, partition: int, offsets: list[int]) -> Run:
        self.asked.append((topic, partition, offsets))
        if self._fault is not None:
            raise self._fault
        return Run(43, [] if self._record is None else [self._record])


def a_record(event_id: bytes = b"event-7", value: bytes | None = BODY) -> Record:
    headers = (("ce_id", event_id), ("ce_specversion", b"1.0"), ("ce_type", b"t"), ("ce_source", b"s"))
    return Record("carewire.events", 3, 42, 0, b"k", value, headers)


async def sent(events: Events, **fields: Any) -> bytes | Missing:
    reader = ExchangeReader(cast("Any", None), cast("Any", events.lend), cast("Any", None), cast("Any", None))
    return await reader._sent(ROW | fields)


@pytest.mark.parametrize(
    ("form", "body"),
    [
        ({}, BODY),
        ({"payload": "thin"}, b'{"event_type":"pathway.completed","pathway":{"id":"p"}}'),
        (
            {"content_mode": "cloudevents"},
            b'{"specversion":"1.0","id":"event-7","type":"t","source":"s","datacontenttype":"application/json","data":'
            + BODY
            + b"}",
        ),
    ],
    ids=["full", "thin", "cloudevents"],
)
async def test_it_is_made_again_in_the_form_in_which_it_was_sent(form: dict[str, str], body: bytes) -> None:
    events = Events(a_record())
    assert await sent(events, **form) == body
    assert events.asked == [("carewire.events", 3, [42])]


@pytest.mark.parametrize(
    "held",
    [None, a_record(b"another event"), a_record(value=None)],
    ids=["nothing", "another event, of a topic that was made anew", "a tombstone"],
)
async def test_where_kafka_no_longer_holds_the_event_it_is_gone(held: Record | None) -> None:
    assert await sent(Events(held)) is Missing.GONE


@pytest.mark.parametrize("fault", [KafkaUnavailable("away"), KafkaRefused("no such topic"), TimeoutError()], ids=repr)
async def test_while_kafka_does_not_answer_it_is_not_available(fault: Exception) -> None:
    assert await sent(Events(fault=fault)) is Missing.NOT_AVAILABLE


async def test_in_which_form_it_was_sent_has_to_be_known() -> None:
    events = Events(a_record())
    assert await sent(events, payload=None, content_mode=None) is Missing.NOT_TOLD
    assert events.asked == []
