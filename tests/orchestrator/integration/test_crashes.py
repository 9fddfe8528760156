"""Whatever dies, and whenever: everything accepted is done, and done once."""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator

import pytest

from carewire_orchestrator import app
from carewire_orchestrator.adapters.outbox_records import Publishing
from carewire_orchestrator.adapters.request_consumer import RequestConsumer
from carewire_orchestrator.adapters.store.identities import Identities
from carewire_orchestrator.adapters.store.releases import Releases
from carewire_orchestrator.adapters.store.starts import Starts
from carewire_orchestrator.settings import OrchestratorSettings
from carewire_runtime.clock import SystemClock
from carewire_runtime.errors import PostgresUnavailable
from carewire_runtime.ids import new_id
from carewire_runtime.kafka.producer import Producer
from carewire_runtime.kafka.records import Record, record_of
from carewire_runtime.postgres import outbox
from carewire_runtime.postgres.pool import Database
from carewire_runtime.postgres.relay import Relay
from carewire_testing_orchestrator.calls import accepted, mrn
from carewire_testing_orchestrator.running import Running, read_topic, running


class Engine:
    """The engine's parts without their loops, so that a test decides what still happens."""

    def __init__(self, settings: OrchestratorSettings, db: Database, producer: Producer) -> None:
        publishing = Publishing(settings.topics, settings.tenant_id)
        identities, clock = Identities(settings.keyring), SystemClock()
        self.starts = Starts(db, identities, Releases(), publishing)
        relay = Relay(db, producer)
        self.consumer = RequestConsumer(self.starts, identities, publishing, producer, relay, clock)


async def take(settings: OrchestratorSettings) -> list[Record]:
    """The batch that a consumer without commits is given again and again."""
    records = await read_topic(settings.kafka_bootstrap, settings.topics.requests)
    return [record_of(record) for record in records]


@pytest.fixture
async def api_only(settings: OrchestratorSettings) -> AsyncIterator[Running]:
    """An orchestrator that takes no requests: tests of this module take them by hand."""
    async with running(settings, frozenset({app.API})) as one:
        yield one


async def test_a_batch_that_is_read_again_after_its_commit_changes_nothing(
    api_only: Running, settings: OrchestratorSettings
) -> None:
    release = await api_only.publish()
    key = new_id()
    requests = [accepted(*release, identifiers=(mrn(f"again-{n % 2}"),)) for n in range(4)]
    requests += [accepted(*release, start_key=key), accepted(*release, start_key=key)]
    requests.append(accepted(release[0], new_id()))
    await api_only.accept(requests, key=b"in this order")

    db, producer = Database(settings.postgres_dsn, app.NAME), Producer(settings.kafka_bootstrap, "tests")
    await db.start()
    await producer.start()
    try:
        batch = [one for one in await take(settings) if one.key == b"in this order"]
        for _ in range(3):
            # A fresh engine each time: nothing but Postgres remembers, as after kill -9 before the commit of offsets.
            await Engine(settings, db, producer).consumer.handle(batch)
    finally:
        await producer.stop()
        await db.stop()
    ended = await api_only.final_statuses(requests)

    care_flows = await api_only.query("SELECT id FROM care_flow WHERE definition_id = $1", release[0])
    assert len(care_flows) == 5
    assert len({one["patient_id"] for one in ended.values() if "patient_id" in one}) == 3
    for care_flow in care_flows:
        await api_only.events_of(care_flow["id"], "activity.created")
    events = await api_only.told(settings.topics.events)
    mine = [one for one in events if one.headers["ce_subject"] in {row["id"] for row in care_flows}]
    assert len(mine) == 5 * 6
    assert len({one.headers["ce_id"] for one in mine}) == len(mine)
    statuses = await api_only.told(settings.topics.incoming_webhooks)
    by_request = {request.request_id for request in requests}
    ids: dict[tuple[str, str], set[str]] = defaultdict(set)
    for one in statuses:
        if one.key in by_request:
            ids[one.key, one.value["status"]].add(one.headers["ce_id"])
    assert {len(found) for found in ids.values()} == {1}, "a status that is told again has the same id"
    assert Counter(status for _, status in ids)["PROCESSING"] == len(requests)


async def test_a_fault_before_the_commit_leaves_nothing_behind(
    api_only: Running, settings: OrchestratorSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = await api_only.publish()
    request = accepted(*release, identifiers=(mrn("rolled-back"),))
    await api_only.accept([request], key=b"rolled back")
    add = outbox.add
    faults = [PostgresUnavailable("40P01")]

    async def failing(connection: object, records: list[outbox.OutboxRecord]) -> list[outbox.OutboxRow]:
        rows = await add(connection, records)
        if faults:
            raise faults.pop()
        return rows

    monkeypatch.setattr(outbox, "add", failing)
    db, producer = Database(settings.postgres_dsn, app.NAME), Producer(settings.kafka_bootstrap, "tests")
    await db.start()
    await producer.start()
    try:
        batch = [one for one in await take(settings) if one.key == b"rolled back"]
        await Engine(settings, db, producer).consumer.handle(batch)
    finally:
        await producer.stop()
        await db.stop()
    ended = (await api_only.final_statuses([request]))[request.request_id]
    assert ended["status"] == "SUCCESS"
    events = await api_only.events_of(ended["care_flow_id"], "activity.created")
    assert len(events) == 6
    patients = await api_only.query(
        "SELECT count(*) AS found FROM patient_identifier WHERE patient_id = $1", ended["patient_id"]
    )
    assert patients[0]["found"] == 1


async def test_an_ordered_stop_leaves_no_request_behind(settings: OrchestratorSettings, api_only: Running) -> None:
    release = await api_only.publish()
    requests = [accepted(*release) for _ in range(50)]
    async with running(settings):
        await api_only.accept(requests[:25])
    await api_only.accept(requests[25:])
    async with running(settings):
        ended = await api_only.final_statuses(requests)
    assert len({one["care_flow_id"] for one in ended.values()}) == 50
