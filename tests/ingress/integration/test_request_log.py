"""The request log shows what became of each call, whatever the order in which its records arrive."""

import functools
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
import pytest_asyncio

from carewire_contracts.envelope import Envelope
from carewire_contracts.requests import AcceptedRequest, RefusedRequest
from carewire_contracts.statuses import (
    RequestProcessing,
    RequestScheduled,
    RequestStatusEvent,
    RequestSucceeded,
    decode_status_event,
)
from carewire_contracts.topics import Topic, Topics
from carewire_contracts.wire import encode
from carewire_ingress.adapters.request_channel import PROBE_HEADER
from carewire_ingress.app import LOG_WRITER, RECEIVER
from carewire_ingress.settings import IngressSettings
from carewire_runtime.ids import derived_id, new_id
from carewire_testing.waiting import eventually
from carewire_testing_ingress.running import RunningIngress, publish, records_of, running
from carewire_testing_ingress.samples import DEFINITION_ID, PATHS, PAYLOAD

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOW = datetime(2026, 3, 2, 8, 15, 30, 120_000, tzinfo=UTC)
WEBHOOK_ID = new_id()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ingress(settings: IngressSettings) -> AsyncIterator[RunningIngress]:
    async with running(settings) as replica:
        yield replica


def topics(settings: IngressSettings) -> Topics:
    return Topics(settings.topic_prefix, settings.partitions)


def accepted(request_id: str) -> AcceptedRequest:
    return AcceptedRequest(
        request_id=request_id,
        tenant_id="t",
        webhook_id=WEBHOOK_ID,
        definition_id="d",
        release_id="r",
        start_key=request_id,
        body_digest="0" * 64,
        received_at=NOW,
        expires_at=NOW + timedelta(seconds=10),
        identifiers=(),
        data_points=(),
        content_type="application/json",
        payload=b'{"a":1}',
    )


def status_events(request_id: str) -> list[RequestStatusEvent]:
    common = {"request_id": request_id, "tenant_id": "t", "webhook_id": WEBHOOK_ID, "definition_id": "d"}
    return [
        RequestScheduled(**common, date=NOW + timedelta(milliseconds=5)),
        RequestProcessing(**common, date=NOW + timedelta(milliseconds=10)),
        RequestSucceeded(**common, date=NOW + timedelta(milliseconds=20), care_flow_id="c-1", patient_id="p-1"),
    ]


async def test_a_happy_request_shows_exactly_its_three_statuses(
    ingress: RunningIngress, settings: IngressSettings
) -> None:
    created = await ingress.create(name="Surgeries", definition_id=DEFINITION_ID, mapping=PATHS)
    await ingress.enable(created)
    request_id = (await ingress.called(created, PAYLOAD, 202))["request_id"]
    details = await ingress.logged(request_id, "SCHEDULED")
    assert details["payload"] == PAYLOAD
    assert details["webhook_name"] == "Surgeries"
    assert {point["data_point_definition_id"] for point in details["data_points"]} == set(PATHS)
    statuses = topics(settings).incoming_webhooks.name
    common = {
        "request_id": request_id,
        "tenant_id": "t",
        "webhook_id": created["id"],
        "definition_id": DEFINITION_ID,
        "date": datetime.now(UTC),
    }
    events = [
        RequestScheduled(**common),
        RequestProcessing(**common),
        RequestSucceeded(**common, care_flow_id="c-1", patient_id="p-1"),
    ]
    await publish(settings, *((statuses, request_id, encode(event)) for event in events))
    details = await ingress.logged(request_id, "SUCCESS")
    assert [step["status"] for step in details["statuses"]] == ["SCHEDULED", "PROCESSING", "SUCCESS"]
    assert (details["care_flow_id"], details["patient_id"]) == ("c-1", "p-1")


async def test_repeated_and_disordered_records_give_the_same_log(
    ingress: RunningIngress, settings: IngressSettings
) -> None:
    names = topics(settings)
    ids = [new_id() for _ in range(20)]
    records = [
        record
        for request_id in ids
        for record in (
            (names.requests.name, request_id, accepted(request_id).encode()),
            *((names.incoming_webhooks.name, request_id, encode(event)) for event in status_events(request_id)),
        )
    ]
    shuffled = records * 3
    random.Random(7).shuffle(shuffled)
    await publish(settings, *shuffled)

    async def is_whole(request_id: str) -> bool:
        # Its last status may be read long before its first record.
        details = await ingress.logged(request_id, "SUCCESS")
        assert [(step["status"], step["at"]) for step in details["statuses"]] == [
            ("SCHEDULED", "2026-03-02T08:15:30.120Z"),
            ("PROCESSING", "2026-03-02T08:15:30.130Z"),
            ("SUCCESS", "2026-03-02T08:15:30.140Z"),
        ]
        assert details["payload"] == {"a": 1}
        assert details["received_at"] == "2026-03-02T08:15:30.120Z"
        return True

    for request_id in ids:
        await eventually(functools.partial(is_whole, request_id))


async def test_a_refused_request_is_told_to_everybody_under_one_id(
    ingress: RunningIngress, settings: IngressSettings
) -> None:
    request_id = new_id()
    refused = RefusedRequest(
        request_id=request_id,
        tenant_id="t",
        webhook_id=WEBHOOK_ID,
        definition_id="d",
        status="TEST",
        received_at=NOW,
        reasons=(),
        data_points=(),
        content_type="application/x-www-form-urlencoded",
        payload=b"a=1",
    )
    await publish(settings, *[(topics(settings).refused.name, request_id, refused.encode())] * 2)
    details = await ingress.logged(request_id, "TEST")
    assert details["payload"] == {"a": "1"}

    async def told() -> list[Any]:
        records = await records_of(settings, topics(settings).incoming_webhooks)
        return [record for record in records if record.key == request_id.encode()]

    record = (await eventually(told))[0]
    assert decode_status_event(record.value).status == "TEST"
    assert Envelope.of(record.headers).id == derived_id(request_id, "TEST")


async def dead(settings: IngressSettings, topic: Topic) -> list[bytes | None]:
    return [record.value for record in await records_of(settings, topic)]


async def test_poison_is_set_aside_and_the_rest_of_its_batch_is_logged(
    ingress: RunningIngress, settings: IngressSettings
) -> None:
    names = topics(settings)
    good = new_id()
    no_uuid = accepted("no-uuid").encode()
    not_storable = accepted(new_id())
    with_nul = orjson.loads(not_storable.encode()) | {"definition_id": "a\0b"}
    poison = [b"not json", no_uuid, orjson.dumps(with_nul)]
    await publish(
        settings,
        *((names.requests.name, "poison", value) for value in poison),
        (names.requests.name, "deleted", None),
        (names.requests.name, good, accepted(good).encode()),
    )
    await ingress.logged(good, "SCHEDULED")

    async def all_set_aside() -> bool:
        return {*poison, None} <= set(await dead(settings, names.ingress_dead))

    await eventually(all_set_aside)


async def test_probes_of_the_channel_are_no_requests(ingress: RunningIngress, settings: IngressSettings) -> None:
    records = await records_of(settings, topics(settings).refused)
    assert any(name == PROBE_HEADER for record in records for name, _ in record.headers)
    assert b"{}" not in await dead(settings, topics(settings).ingress_dead)


async def test_the_log_is_listed_by_status_and_webhook_page_by_page(
    ingress: RunningIngress, settings: IngressSettings
) -> None:
    webhook_id, names = new_id(), topics(settings)
    ids = [new_id() for _ in range(3)]
    values = [orjson.dumps(orjson.loads(accepted(id_).encode()) | {"webhook_id": webhook_id}) for id_ in ids]
    await publish(settings, *((names.requests.name, id_, value) for id_, value in zip(ids, values, strict=True)))
    for id_ in ids:
        await ingress.logged(id_, "SCHEDULED")
    found: dict[str, Any] = {"webhook_id": webhook_id, "status": "SCHEDULED", "limit": 2}
    page = (await ingress.admin.get("/v1/requests", params=found)).json()
    assert [item["id"] for item in page["items"]] == ids[:0:-1]
    following = await ingress.admin.get("/v1/requests", params=found | {"cursor": page["next_cursor"]})
    assert [item["id"] for item in following.json()["items"]] == ids[:1]
    assert following.json()["next_cursor"] is None
    none = await ingress.admin.get("/v1/requests", params=found | {"status": "FAILED"})
    assert none.json()["items"] == []
    wrong = await ingress.admin.get("/v1/requests", params={"status": "UNHEARD-OF"})
    assert wrong.status_code == 422


async def test_each_role_runs_alone(settings: IngressSettings) -> None:
    async with running(settings, [RECEIVER]) as receiver:
        assert (await receiver.anyone.post("/hooks/none", json={})).status_code == 404
    async with running(settings, [LOG_WRITER]) as writer:
        assert (await writer.anyone.get("/metrics")).status_code == 200
        assert (await writer.anyone.post("/hooks/none", json={})).status_code == 404
