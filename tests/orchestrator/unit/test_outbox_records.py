"""Records of the outbox: where they go, under which key, and what their headers say."""

from dataclasses import replace

import orjson
import pytest

from carewire_contracts.catalogue import CatalogueIdentifierSystem
from carewire_contracts.envelope import Envelope, header
from carewire_contracts.receive import parse, parse_record
from carewire_contracts.statuses import FailureReason
from carewire_contracts.topics import Topics
from carewire_contracts.wire import encode
from carewire_orchestrator.adapters.outbox_records import SOURCE, Publishing
from carewire_orchestrator.adapters.session_records import session_record
from carewire_orchestrator.domain.request_outcome import Duplicate, Failed
from carewire_orchestrator.domain.request_statuses import ended, taken
from carewire_orchestrator.domain.session import Session, SessionStatus, Whose
from carewire_orchestrator.domain.starting import Call, Intake, StartedCareFlow
from carewire_runtime.ids import derived_id
from carewire_runtime.postgres.outbox import OutboxRecord, pack, unpack
from carewire_testing_orchestrator.calls import MRN, accepted, mrn
from carewire_testing_orchestrator.definitions import release
from carewire_testing_orchestrator.playing import CARE_FLOW_ID, NOW, PATIENT_ID

RELEASE = release()
PUBLISHING = Publishing(Topics("", 2), "tests")
TRACE = f"00-{'a' * 32}-{'b' * 16}-01"
PRINT = (MRN, b"canary")
REQUEST = accepted(RELEASE.definition.id, RELEASE.release_id, identifiers=(mrn("canary"),), expires_at=NOW)


def start(owner: str | None = None) -> StartedCareFlow:
    known = {} if owner is None else {PRINT: owner}
    identifiers = {} if owner is None else {owner: (mrn("canary"),)}
    intake = Intake({RELEASE.release_id: RELEASE}, {}, known, identifiers, {})
    outcome = intake.decide(Call(REQUEST, NOW, (PRINT,), CARE_FLOW_ID, PATIENT_ID), NOW)
    assert isinstance(outcome, StartedCareFlow)
    return outcome


def told(started: StartedCareFlow, traceparent: str | None = TRACE) -> list[OutboxRecord]:
    return list(PUBLISHING.started(started, NOW, traceparent))


def types(records: list[OutboxRecord]) -> list[str]:
    return [Envelope.of(record.headers).type for record in records]


def test_a_new_patient_is_told_before_all_that_happens_to_them() -> None:
    assert types(told(start()))[:2] == ["patient.created", "pathway.started"]


def test_a_known_patient_is_not_told_again_but_with_all_identifiers() -> None:
    records = told(start(owner="known"))
    assert types(records)[0] == "pathway.started"
    first = orjson.loads(records[0].value or b"")
    assert first["pathway"]["patient_identifiers"] == [{"system": MRN, "value": "canary"}]
    assert {record.key for record in records} == {b"known"}


def test_every_event_has_the_patient_as_its_key_so_that_they_stay_in_order() -> None:
    records = told(start())
    assert {(record.topic, record.key) for record in records} == {("carewire.events", PATIENT_ID.encode())}


def test_the_envelope_says_what_the_payload_says() -> None:
    for record in told(start()):
        envelope = Envelope.of(record.headers)
        assert envelope.type == orjson.loads(record.value or b"")["event_type"]
        assert (envelope.source, envelope.time) == (SOURCE, NOW)
        assert envelope.subject == (PATIENT_ID if envelope.type == "patient.created" else CARE_FLOW_ID)
        assert header(record.headers, "content-type") == "application/json"


def test_events_of_a_care_flow_are_numbered_in_envelope_and_payload_and_those_of_a_patient_are_not() -> None:
    patient, *events = told(start())
    assert Envelope.of(patient.headers).sequence is None
    assert "sequence" not in orjson.loads(patient.value or b"")
    assert [Envelope.of(record.headers).sequence for record in events] == list(range(1, len(events) + 1))
    assert [orjson.loads(record.value or b"")["sequence"] for record in events] == list(range(1, len(events) + 1))


def test_by_ids_alone_a_life_is_told_in_the_same_events_and_nobody_can_be_known_by_them() -> None:
    ids = Publishing(Topics("", 2), "tests", "ids")
    full, reduced = told(start()), ids.started(start(), NOW, TRACE)
    assert [(one.topic, one.key, one.headers) for one in reduced] == [(one.topic, one.key, one.headers) for one in full]
    assert any(b"canary" in (one.value or b"") for one in full)
    for one in reduced:
        assert b"canary" not in (one.value or b"")
        parse(one.value or b"")
    started = orjson.loads(reduced[1].value or b"")
    assert started["pathway"]["patient_id"] == PATIENT_ID
    assert "patient_identifiers" not in started["pathway"]


@pytest.mark.parametrize("status", SessionStatus, ids=str)
def test_a_session_is_told_with_the_number_that_its_care_flow_has_come_to(status: SessionStatus) -> None:
    care_flow = replace(start().advanced.care_flow, sequence=7)
    session = Session(
        "s", CARE_FLOW_ID, Whose("patient", PATIENT_ID), status, NOW, NOW, success_url="https://clinic.example/canary"
    )
    record = session_record(PUBLISHING, RELEASE, care_flow, session, NOW, TRACE)
    envelope, event = parse_record(record.headers, record.value or b"")
    assert (record.topic, record.key) == ("carewire.events", PATIENT_ID.encode())
    assert (envelope.subject, envelope.sequence, envelope.time) == (CARE_FLOW_ID, 7, NOW)
    assert envelope.id == derived_id(CARE_FLOW_ID, "event", "7")
    assert encode(event) == record.value
    assert orjson.loads(record.value or b"")["sequence"] == 7
    ids = session_record(Publishing(Topics("", 2), "tests", "ids"), RELEASE, care_flow, session, NOW, TRACE)
    assert b"canary" in (record.value or b"")
    assert b"canary" not in (ids.value or b"")


@pytest.mark.parametrize("traceparent", [TRACE, None], ids=["traced", "not traced"])
def test_the_trace_goes_on_where_there_is_one(traceparent: str | None) -> None:
    assert {header(record.headers, "traceparent") for record in told(start(), traceparent)} == {traceparent}


def test_no_header_and_no_key_holds_an_identifier() -> None:
    for record in told(start()):
        assert b"canary" not in (record.key or b"")
        assert all(b"canary" not in value for _, value in record.headers)


def test_a_start_that_is_told_again_has_the_same_ids_and_bytes() -> None:
    """After a crash the batch is decided anew: what was published by then must be recognised."""
    assert told(start()) == told(start())


def test_what_a_start_tells_comes_back_from_the_outbox_as_it_went_in() -> None:
    records = told(start())
    assert unpack(*pack(records)) == records


STATUSES = {
    "SCHEDULED": taken(REQUEST, NOW, NOW)[0],
    "PROCESSING": taken(REQUEST, NOW, NOW)[1],
    "SUCCESS": ended(REQUEST, start(), NOW),
    "SUCCESS of a duplicate": ended(REQUEST, Duplicate("first", "care-flow", "patient"), NOW),
    "FAILED": ended(REQUEST, Failed(FailureReason.IDENTITY_CONFLICT), NOW),
}


@pytest.mark.parametrize("name", STATUSES)
def test_a_status_stays_with_its_request_and_has_one_id_for_ever(name: str) -> None:
    event = STATUSES[name]
    assert event is not None
    [record] = PUBLISHING.request_statuses(REQUEST.request_id, [event], NOW, TRACE)
    word = name.split(" ", maxsplit=1)[0]
    envelope = Envelope.of(record.headers)
    assert (record.topic, record.key) == ("carewire.incoming-webhooks", REQUEST.request_id.encode())
    assert (envelope.id, envelope.subject) == (derived_id(REQUEST.request_id, word), REQUEST.request_id)
    written = orjson.loads(record.value or b"")
    assert (written["status"], written["event_type"]) == (word, envelope.type)
    assert (written["request_id"], written["webhook_id"]) == (REQUEST.request_id, REQUEST.webhook_id)
    assert b"canary" not in (record.value or b"")


def test_an_entry_of_the_catalogue_replaces_the_one_before_under_its_own_key() -> None:
    entry = CatalogueIdentifierSystem(system=MRN, name="mrn", display_name="MRN", catalogue_version=3)
    first, second = (PUBLISHING.catalogue(entry, NOW, None) for _ in range(2))
    assert first.key == second.key == f"identifier-system/{MRN}".encode()
    assert first.topic == "orchestrator.catalogue"
    assert Envelope.of(first.headers).type == "catalogue.identifier_system.changed"
    assert Envelope.of(first.headers).id != Envelope.of(second.headers).id, "each change is an event of its own"
