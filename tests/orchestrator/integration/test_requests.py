"""From an accepted request to a patient, a care flow and its events, once."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from carewire_contracts.identifiers import Identifier
from carewire_contracts.requests import DataPointValue
from carewire_contracts.statuses import decode_status_event
from carewire_orchestrator.adapters.store import care_flows, starts
from carewire_orchestrator.adapters.store.identities import Identities
from carewire_orchestrator.adapters.store.timeline import Cause
from carewire_orchestrator.domain.starting import StartedCareFlow
from carewire_orchestrator.settings import OrchestratorSettings
from carewire_runtime.ids import new_id
from carewire_runtime.postgres.outbox import OutboxRow
from carewire_runtime.postgres.pool import Connection
from carewire_testing_orchestrator.calls import accepted, mrn, ssn
from carewire_testing_orchestrator.running import Running, read_topic, running

TRACE = "0af7651916cd43dd8448eb211c80319c"


async def test_a_request_becomes_a_patient_a_care_flow_and_events_in_order(orchestrator: Running) -> None:
    request = accepted(*await orchestrator.publish(), identifiers=(mrn("NC-1"),))
    await orchestrator.accept([request], traceparent=f"00-{TRACE}-b7ad6b7169203331-01")

    ended = (await orchestrator.final_statuses([request]))[request.request_id]
    assert ended["status"] == "SUCCESS"
    assert "duplicate_of" not in ended
    events = await orchestrator.events_of(ended["care_flow_id"], "activity.created")
    assert [one.event_type for one in events] == [
        "pathway.started",
        "data_point.collected",
        "data_point.collected",
        "track.started",
        "activity.created",
        "activity.created",
    ]
    assert {one.key for one in events} == {ended["patient_id"]}
    assert all(TRACE in one.headers["traceparent"] for one in events), "the trace of the call goes on"
    assert events[0].value["pathway"]["patient_identifiers"] == [{"system": mrn("").system, "value": "NC-1"}]

    assert all("NC-1" not in one.key + str(one.headers) for one in events), "keys and headers are opaque"

    created = [
        one
        for one in await orchestrator.told(orchestrator.topics.events)
        if one.event_type == "patient.created" and one.key == ended["patient_id"]
    ]
    assert len(created) == 1
    assert created[0].value["patient"]["user"]["id"] == ended["patient_id"]


async def test_every_status_of_a_request_is_told_in_order(orchestrator: Running) -> None:
    request = accepted(*await orchestrator.publish())
    await orchestrator.accept([request])
    await orchestrator.final_statuses([request])
    records = await read_topic(orchestrator.settings.kafka_bootstrap, orchestrator.topics.incoming_webhooks)
    mine = [record for record in records if record.key == request.request_id.encode()]
    assert [decode_status_event(record.value).status for record in mine] == [
        "SCHEDULED",
        "PROCESSING",
        "SUCCESS",
    ]


async def test_a_request_without_identifier_makes_an_anonymous_patient(orchestrator: Running) -> None:
    release = await orchestrator.publish()
    requests = [accepted(*release) for _ in range(3)]
    await orchestrator.accept(requests)
    ended = await orchestrator.final_statuses(requests)
    assert len({one["patient_id"] for one in ended.values()}) == 3


async def test_twenty_calls_with_one_key_start_one_care_flow(orchestrator: Running) -> None:
    release = await orchestrator.publish()
    key = new_id()
    requests = [accepted(*release, start_key=key) for _ in range(20)]
    await orchestrator.accept(requests)
    ended = (await orchestrator.final_statuses(requests)).values()

    assert {one["status"] for one in ended} == {"SUCCESS"}
    assert len({one["care_flow_id"] for one in ended}) == 1
    first = [one["request_id"] for one in ended if "duplicate_of" not in one]
    assert len(first) == 1
    assert sum(one.get("duplicate_of") == first[0] for one in ended) == 19

    late = accepted(*release, start_key=key)
    await orchestrator.accept([late])
    assert (await orchestrator.final_statuses([late]))[late.request_id]["duplicate_of"] == first[0]


async def test_two_orchestrators_side_by_side_make_each_patient_once(
    orchestrator: Running, settings: OrchestratorSettings
) -> None:
    release = await orchestrator.publish()
    requests = [accepted(*release, identifiers=(mrn(f"side-{number % 10}"),)) for number in range(30)]
    async with running(settings):
        await asyncio.gather(*(orchestrator.accept(requests[start::3]) for start in range(3)))
        ended = (await orchestrator.final_statuses(requests)).values()
    assert {one["status"] for one in ended} == {"SUCCESS"}
    assert len({one["patient_id"] for one in ended}) == 10
    assert len({one["care_flow_id"] for one in ended}) == 30


async def test_a_further_identifier_of_a_known_patient_becomes_theirs(orchestrator: Running) -> None:
    release = await orchestrator.publish()
    requests = [
        accepted(*release, identifiers=(mrn("more"),)),
        accepted(*release, identifiers=(mrn("more"), ssn("more"))),
        accepted(*release, identifiers=(ssn("  more "),)),
    ]
    for request in requests:
        await orchestrator.accept([request])
        await orchestrator.final_statuses([request])
    ended = (await orchestrator.final_statuses(requests)).values()
    assert len({one["patient_id"] for one in ended}) == 1


async def test_identifiers_of_two_patients_are_a_conflict_and_nothing_starts(orchestrator: Running) -> None:
    release = await orchestrator.publish()
    two = [accepted(*release, identifiers=(mrn("one"),)), accepted(*release, identifiers=(ssn("other"),))]
    await orchestrator.accept(two)
    await orchestrator.final_statuses(two)
    torn = accepted(*release, identifiers=(mrn("one"), ssn("other")))
    await orchestrator.accept([torn])
    ended = (await orchestrator.final_statuses([torn]))[torn.request_id]
    assert (ended["status"], ended["reason"]) == ("FAILED", "identity_conflict")
    again = accepted(*release, identifiers=(mrn("one"),), start_key=torn.start_key)
    await orchestrator.accept([again])
    assert (await orchestrator.final_statuses([again]))[again.request_id]["reason"] == "identity_conflict"


async def test_one_bad_request_fails_alone(orchestrator: Running) -> None:
    release = await orchestrator.publish()
    good = accepted(*release)
    wrong = {
        "idempotency_key_reused": accepted(*release, start_key=good.start_key, body_digest="1" * 64),
        "release_not_found": accepted(release[0], new_id()),
        "invalid_baseline": accepted(*release, data_points=(DataPointValue("dp_age", "number", 900),)),
        "not_acknowledged": accepted(*release, expires_at=datetime.now(UTC) - timedelta(seconds=5)),
    }
    requests = [good, *wrong.values(), accepted(*release)]
    await orchestrator.accept(requests, key=b"in this order")
    ended = await orchestrator.final_statuses(requests)
    for reason, request in wrong.items():
        assert ended[request.request_id]["status"] == "FAILED"
        assert ended[request.request_id]["reason"] == reason
    assert ended[good.request_id]["status"] == ended[requests[-1].request_id]["status"] == "SUCCESS"


async def test_a_call_that_came_too_late_does_not_use_its_key_up(orchestrator: Running) -> None:
    release = await orchestrator.publish()
    late = accepted(*release, expires_at=datetime.now(UTC) - timedelta(seconds=5))
    again = accepted(*release, start_key=late.start_key)
    await orchestrator.accept([late])
    await orchestrator.final_statuses([late])
    await orchestrator.accept([again])
    ended = (await orchestrator.final_statuses([again]))[again.request_id]
    assert ended["status"] == "SUCCESS"
    assert "duplicate_of" not in ended


async def test_values_that_postgres_cannot_hold_fail_their_request_alone(
    orchestrator: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = await orchestrator.publish()
    before, bad, after = (accepted(*release, identifiers=(mrn(f"hold-{n % 2}"),)) for n in range(3))
    add = care_flows.add_care_flows

    async def picky(
        connection: Connection,
        started: Sequence[StartedCareFlow],
        causes: Sequence[Cause],
        told_rows: Sequence[OutboxRow],
        identities: Identities,
        now: datetime,
    ) -> None:
        await add(connection, started, causes, told_rows, identities, now)
        if any(identifier.value == "hold-1" for one in started for identifier in one.identifiers):
            # A real refusal of the server, so that its transaction is really broken.
            await connection.execute("SELECT '\\x00'::bytea::text::json")

    monkeypatch.setattr(starts, "add_care_flows", picky)
    await orchestrator.accept([before, bad, after], key=b"in this order")
    ended = await orchestrator.final_statuses([before, bad, after])
    assert ended[bad.request_id]["reason"] == "invalid_baseline"
    assert ended[before.request_id]["status"] == ended[after.request_id]["status"] == "SUCCESS"
    assert ended[before.request_id]["patient_id"] == ended[after.request_id]["patient_id"]
    again = accepted(*release, start_key=bad.start_key)
    await orchestrator.accept([again])
    assert (await orchestrator.final_statuses([again]))[again.request_id]["reason"] == "invalid_baseline"


async def test_what_is_no_request_is_set_aside_and_the_rest_goes_on(orchestrator: Running) -> None:
    await orchestrator.put_raw(b'{"request_id": 1}')
    await orchestrator.put_raw(accepted("d", "r", identifiers=(Identifier("https://nul.example/\x00", "1"),)).encode())
    request = accepted(*await orchestrator.publish())
    # Under the same key, so that it ends after them.
    await orchestrator.accept([request], key=b"key")
    await orchestrator.final_statuses([request])
    dead = await read_topic(orchestrator.settings.kafka_bootstrap, orchestrator.topics.orchestrator_dead)
    assert [dict(one.headers)["dead_reason"] for one in dead] == [b"malformed_request"] * 2
    assert b'{"request_id": 1}' in [one.value for one in dead]
