"""What fan-out writes for each event, and what it puts aside. Kafka is played by a list."""

import asyncio
from typing import Any, cast

import orjson
import pytest

from carewire_contracts.topics import LANES, Topics
from carewire_dispatcher.adapters.fan_out import FanOut
from carewire_dispatcher.adapters.instants import millis
from carewire_dispatcher.domain.delivery import Delivery, EventPosition
from carewire_dispatcher.domain.endpoint import Endpoint
from carewire_dispatcher.domain.log_entry import LogEntry
from carewire_runtime.clock import FakeClock
from carewire_runtime.errors import KafkaUnavailable, RecordTooLarge
from carewire_runtime.kafka.records import Record
from carewire_testing_dispatcher.deliveries import an_endpoint

WITH_HEARTBEATS = "0190f5d2-8a10-7cc1-9d2b-64d1d0c3a0bb"
BODY = b'{"pathway":{"pathway_definition_id":"hip"}}'


class Kafka:
    """A producer that acknowledges, and may be away for some calls."""

    def __init__(self) -> None:
        self.written: list[tuple[str, dict[str, Any]]] = []
        self.away = 0
        self.longest = 1_000

    async def enqueue(self, topic: str, **record: Any) -> asyncio.Future[None]:
        acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.away:
            self.away -= 1
            acknowledged.set_exception(KafkaUnavailable("no broker answers"))
        elif len(record["value"]) > self.longest:
            acknowledged.set_exception(RecordTooLarge("a record is too large for the producer"))
        else:
            self.written.append((topic, record))
            acknowledged.set_result(None)
        return acknowledged

    async def enqueue_all(self, records: Any) -> list[asyncio.Future[None]]:
        return [await self.enqueue(one.topic, key=one.key, value=one.value, headers=one.headers) for one in records]

    async def send(self, topic: str, **record: Any) -> None:
        self.written.append((topic, record))

    @property
    def deliveries(self) -> list[Delivery]:
        return [
            Delivery.of(one["key"], one["value"], one["headers"])
            for topic, one in self.written
            if topic in {Topics().deliveries(lane).name for lane in LANES}
        ]

    def lane_of(self, endpoint_id: str) -> list[str]:
        return [topic.split(".")[1] for topic, one in self.written if one["key"] == endpoint_id.encode()]

    @property
    def dead(self) -> list[tuple[bytes, bytes | None]]:
        return [
            (dict(one["headers"])["dead_reason"], one["value"])
            for topic, one in self.written
            if topic == Topics().dispatcher_dead.name
        ]


class Table:
    """The endpoints, as the compacted table gives them."""

    def __init__(self, *endpoints: Endpoint) -> None:
        self.endpoints = {one.id: one for one in endpoints}
        self.loaded = asyncio.Event()
        self.loaded.set()
        self._told: list[Any] = []

    async def ready(self) -> None:
        await self.loaded.wait()

    def on_change(self, tell: Any) -> None:
        self._told.append(tell)

    def items(self) -> list[tuple[str, Endpoint]]:
        return list(self.endpoints.items())

    def put(self, endpoint: Endpoint) -> None:
        self.endpoints[endpoint.id] = endpoint
        for tell in self._told:
            tell(endpoint.id, endpoint)


def a_fan_out(kafka: Kafka, table: Table, clock: FakeClock | None = None) -> FanOut:
    return FanOut(Topics(), cast("Any", table), cast("Any", kafka), clock or FakeClock())


def an_event(offset: int = 0, *, value: bytes | None = BODY, **headers: bytes) -> Record:
    known = {"ce_id": b"event-%d" % offset, "ce_type": b"pathway.completed"} | headers
    return Record("carewire.events", 3, offset, 1_000 + offset, b"k", value, tuple(known.items()))


async def test_each_endpoint_that_wants_an_event_gets_a_delivery_of_its_own_with_the_event_s_bytes() -> None:
    kafka, clock = Kafka(), FakeClock()
    table = Table(an_endpoint(id="a"), an_endpoint(id="b"), an_endpoint(id="c", enabled=False))
    await a_fan_out(kafka, table, clock).handle([an_event(7)])
    assert [one.endpoint_id for one in kafka.deliveries] == ["a", "b"]
    for delivery in kafka.deliveries:
        assert (delivery.body, delivery.event_id, delivery.event_at) == (BODY, "event-7", 1_007)
        assert delivery.event == EventPosition("carewire.events", 3, 7)
        assert (delivery.due_at, delivery.attempt, delivery.hop, delivery.first_attempt_at) == (
            millis(clock),
            0,
            0,
            None,
        )
    assert len({one.id for one in kafka.deliveries}) == 2


ABOUT = {"ce_specversion": b"1.0", "ce_source": b"carewire/orchestrator", "ce_sequence": b"0000000003"}


async def test_each_endpoint_gets_the_event_in_the_form_that_it_asked_for() -> None:
    kafka = Kafka()
    table = Table(
        an_endpoint(id="a"),
        an_endpoint(id="b", payload="thin"),
        an_endpoint(id="c", content_mode="cloudevents"),
        an_endpoint(id="d", payload="thin", content_mode="cloudevents"),
    )
    body = b'{"event_type":"pathway.completed","pathway":{"id":"p","patient_identifiers":[{"system":"s","value":"1"}]}}'
    await a_fan_out(kafka, table).handle([an_event(7, value=body, **ABOUT)])
    flat, thin, described, both = [one.body for one in kafka.deliveries]
    assert flat == body
    assert orjson.loads(thin) == {"event_type": "pathway.completed", "pathway": {"id": "p"}}
    assert orjson.loads(described) == {
        "specversion": "1.0",
        "id": "event-7",
        "type": "pathway.completed",
        "source": "carewire/orchestrator",
        "sequence": "0000000003",
        "datacontenttype": "application/json",
        "data": orjson.loads(body),
    }
    assert orjson.loads(both) == orjson.loads(described) | {"data": orjson.loads(thin)}
    assert [(one.payload, one.content_mode) for one in kafka.deliveries] == [
        ("full", "flat"),
        ("thin", "flat"),
        ("full", "cloudevents"),
        ("thin", "cloudevents"),
    ]


async def test_an_event_that_cannot_be_put_in_a_form_that_is_asked_for_goes_to_the_others_and_is_put_aside() -> None:
    kafka = Kafka()
    table = Table(
        an_endpoint(id="a"),
        an_endpoint(id="b", payload="thin"),
        an_endpoint(id="c", content_mode="cloudevents"),
        an_endpoint(id="d", definition_ids=frozenset({"hip"})),
    )
    await a_fan_out(kafka, table).handle([an_event(1, value=b"junk"), an_event(2, **ABOUT)])
    assert kafka.dead == [(b"unreadable_event", b"junk")], "once, however many cannot use it"
    got = [(one.event_id, one.endpoint_id) for one in kafka.deliveries]
    assert got == [("event-1", "a"), *(("event-2", name) for name in "abcd")]
    assert kafka.deliveries[0].body == b"junk"


async def test_an_event_without_what_every_cloudevent_has_is_kept_from_those_alone_who_asked_for_cloudevents() -> None:
    kafka = Kafka()
    table = Table(an_endpoint(id="a", content_mode="cloudevents"), an_endpoint(id="b"))
    await a_fan_out(kafka, table).handle([an_event(1)])
    assert [one.endpoint_id for one in kafka.deliveries] == ["b"]
    assert kafka.dead == [(b"unreadable_event", BODY)]


async def test_a_batch_that_comes_again_makes_the_same_deliveries_which_workers_know_as_copies() -> None:
    kafka, table = Kafka(), Table(an_endpoint(id="a"), an_endpoint(id="b"))
    fan_out = a_fan_out(kafka, table)
    for _ in range(2):
        await fan_out.handle([an_event(1), an_event(2)])
    once, again = kafka.deliveries[:4], kafka.deliveries[4:]
    assert [(one.id, one.epoch, one.hop) for one in once] == [(one.id, one.epoch, one.hop) for one in again]
    assert len({one.id for one in once}) == 4


async def test_the_id_of_a_delivery_depends_on_event_and_endpoint_alone() -> None:
    first, moved = Kafka(), Kafka()
    await a_fan_out(first, Table(an_endpoint(id="a"))).handle([an_event(1)])
    elsewhere = Record("carewire.events", 9, 99, 5, b"k", b"{}", (("ce_id", b"event-1"), ("ce_type", b"track.started")))
    await a_fan_out(moved, Table(an_endpoint(id="a"))).handle([elsewhere])
    assert first.deliveries[0].id == moved.deliveries[0].id


async def test_the_trace_of_an_event_goes_on_in_its_deliveries() -> None:
    kafka = Kafka()
    traceparent = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    await a_fan_out(kafka, Table(an_endpoint())).handle([an_event(1, traceparent=traceparent), an_event(2)])
    assert [one.traceparent for one in kafka.deliveries] == [traceparent.decode(), None]


@pytest.mark.parametrize(
    "record",
    [
        Record("carewire.events", 0, 0, 0, b"k", BODY, (("ce_type", b"pathway.completed"),)),
        Record("carewire.events", 0, 0, 0, b"k", BODY, (("ce_id", b"e"),)),
        an_event(value=None),
    ],
)
async def test_what_is_no_event_is_put_aside_and_the_rest_of_its_batch_goes_on(record: Record) -> None:
    kafka = Kafka()
    await a_fan_out(kafka, Table(an_endpoint())).handle([record, an_event(1)])
    assert [reason for reason, _ in kafka.dead] == [b"not_a_cloudevent"]
    assert [one.event_id for one in kafka.deliveries] == ["event-1"]


async def test_a_body_is_put_aside_only_where_an_endpoint_would_choose_by_it() -> None:
    unreadable = an_event(value=b"\x00")
    indifferent, choosy = Kafka(), Kafka()
    await a_fan_out(indifferent, Table(an_endpoint())).handle([unreadable])
    assert (len(indifferent.deliveries), indifferent.dead) == (1, [])
    await a_fan_out(choosy, Table(an_endpoint(definition_ids=frozenset({"hip"})))).handle([unreadable])
    assert (choosy.deliveries, choosy.dead) == ([], [(b"unreadable_event", b"\x00")])


async def test_an_event_of_a_type_that_nobody_named_is_passed_over_unread_but_has_to_be_one() -> None:
    kafka, table = Kafka(), Table(an_endpoint(event_types=frozenset({"track.started"})))
    others = [an_event(1), an_event(2, value=b"\x00"), an_event(3, ce_type=b"not.ours")]
    await a_fan_out(kafka, table).handle([*others, an_event(4, value=None), an_event(5, ce_type=b"track.started")])
    assert [one.event_id for one in kafka.deliveries] == ["event-5"]
    assert [reason for reason, _ in kafka.dead] == [b"not_a_cloudevent"]


async def test_nothing_is_spread_before_the_endpoints_are_known() -> None:
    kafka, table = Kafka(), Table(an_endpoint())
    table.loaded.clear()
    handling = asyncio.create_task(a_fan_out(kafka, table).handle([an_event()]))
    await asyncio.sleep(0)
    assert kafka.written == []
    table.loaded.set()
    await handling
    assert len(kafka.deliveries) == 1


async def test_a_changed_endpoint_counts_from_the_next_event_on() -> None:
    kafka, table = Kafka(), Table(an_endpoint(id="a"))
    fan_out = a_fan_out(kafka, table)
    await fan_out.handle([an_event(1)])
    table.put(an_endpoint(id="a", enabled=False))
    table.put(an_endpoint(id="b", event_types=frozenset({"pathway.completed"})))
    await fan_out.handle([an_event(2)])
    assert [(one.endpoint_id, one.event_id) for one in kafka.deliveries] == [("a", "event-1"), ("b", "event-2")]


async def test_while_kafka_is_away_the_batch_is_not_over() -> None:
    kafka, clock = Kafka(), FakeClock()
    kafka.away = 2
    handling = asyncio.create_task(a_fan_out(kafka, Table(an_endpoint()), clock).handle([an_event(1)]))
    await asyncio.sleep(0)
    assert not handling.done()
    await clock.run_for(10)
    await handling
    assert [one.event_id for one in kafka.deliveries] == ["event-1"]


async def test_a_delivery_that_is_too_large_for_its_lane_keeps_nothing_else_from_anybody() -> None:
    kafka, clock = Kafka(), FakeClock()
    kafka.away = 1
    body = b'{"pathway":{"id":"%s"}}' % (b"p" * 900)
    table = Table(an_endpoint(id="whole"), an_endpoint(id="described", content_mode="cloudevents"))
    batch = [an_event(1, value=body, **ABOUT), an_event(2, **ABOUT)]
    handling = asyncio.create_task(a_fan_out(kafka, table, clock).handle(batch))
    await clock.run_for(10)
    await handling
    got = {(one.event_id, one.endpoint_id) for one in kafka.deliveries}
    assert got == {("event-1", "whole"), ("event-2", "whole"), ("event-2", "described")}


async def test_when_nearly_all_is_poison_it_says_so_once_all_of_the_batch_is_set_aside() -> None:
    kafka = Kafka()
    fan_out = a_fan_out(kafka, Table(an_endpoint()))

    async def exceeded_after(count: int) -> bool:
        await fan_out.handle([an_event(number, value=None) for number in range(count)])
        return fan_out.poison_limit.exceeded is not None

    assert not await exceeded_after(199)
    assert await exceeded_after(101)
    assert len(kafka.dead) == 300


async def test_a_batch_that_is_tried_again_sets_nothing_aside_twice() -> None:
    kafka, clock = Kafka(), FakeClock()
    kafka.away = 2
    records = [an_event(1, value=None), an_event(2), an_event(3)]
    handling = asyncio.create_task(a_fan_out(kafka, Table(an_endpoint()), clock).handle(records))
    await clock.run_for(10)
    await handling
    assert len(kafka.dead) == 1


async def test_what_is_beyond_an_endpoint_s_quota_goes_to_the_bulk_lane_and_others_stay_in_the_fast_one() -> None:
    kafka, clock = Kafka(), FakeClock()
    table = Table(an_endpoint(id="flooded", rate_per_s=1), an_endpoint(id="quiet"))
    fan_out = a_fan_out(kafka, table, clock)
    await fan_out.handle([an_event(number) for number in range(12)])
    assert kafka.lane_of("flooded") == ["fast"] * 5 + ["bulk"] * 7
    assert kafka.lane_of("quiet") == ["fast"] * 12
    clock.advance(1)
    await fan_out.handle([an_event(12), an_event(13)])
    assert kafka.lane_of("flooded")[12:] == ["fast", "bulk"]


async def test_an_endpoint_that_is_deleted_leaves_no_quota_behind() -> None:
    kafka, table = Kafka(), Table(an_endpoint(id="gone"))
    fan_out = a_fan_out(kafka, table)
    await fan_out.handle([an_event(1)])
    fan_out._forget("gone", None)
    assert fan_out._quotas == {}


async def test_events_for_a_hot_endpoint_are_spread_over_its_shards_the_same_way_each_time() -> None:
    kafka = Kafka()
    fan_out = a_fan_out(kafka, Table(an_endpoint(id="hot", shards=3)))
    batch = [an_event(offset) for offset in range(60)]
    await fan_out.handle(batch)
    once = [(one.id, one.key) for one in kafka.deliveries]
    assert {key for _, key in once} == {"hot", "hot/1", "hot/2"}
    assert {one.endpoint_id for one in kafka.deliveries} == {"hot"}
    kafka.written.clear()
    await fan_out.handle(batch)
    assert [(one.id, one.key) for one in kafka.deliveries] == once, "or copies would not meet"


def told_of_handing_out(kafka: Kafka) -> list[LogEntry]:
    topic = Topics().attempts.name
    entries = [LogEntry.decode(one["value"]) for name, one in kafka.written if name == topic]
    assert all(entry.is_handed_out for entry in entries)
    return entries


async def test_the_log_is_told_what_is_handed_out_to_an_endpoint_with_heartbeats_and_of_no_other() -> None:
    kafka = Kafka()
    table = Table(an_endpoint(id=WITH_HEARTBEATS, heartbeat_s=60), an_endpoint(id="b"))
    await a_fan_out(kafka, table).handle([an_event(1), an_event(2)])
    entries = told_of_handing_out(kafka)
    assert [(one.endpoint_id, one.event_id) for one in entries] == [
        (WITH_HEARTBEATS, "event-1"),
        (WITH_HEARTBEATS, "event-2"),
    ]
    assert {one.delivery_id for one in entries} < {one.id for one in kafka.deliveries}


@pytest.mark.parametrize("away", range(1, 8))
async def test_a_batch_that_comes_again_after_a_fault_leaves_no_delivery_untold(away: int) -> None:
    kafka, clock = Kafka(), FakeClock()
    fan_out = a_fan_out(kafka, Table(an_endpoint(id=WITH_HEARTBEATS, heartbeat_s=60)), clock)
    kafka.away = away
    handling = asyncio.create_task(fan_out.handle([an_event(number) for number in range(4)]))
    await clock.run_for(10)
    await handling
    assert {one.delivery_id for one in told_of_handing_out(kafka)} == {one.id for one in kafka.deliveries}
    assert len({one.id for one in kafka.deliveries}) == 4
