"""The search for canaries finds what is planted: in every place, in every form; else its silence says nothing."""

import base64
import hashlib
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import asyncpg
import orjson
import pytest
from aiokafka import AIOKafkaProducer, ConsumerRecord
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from carewire_local.stack import Stack
from carewire_runtime.ids import derived_id
from carewire_testing_e2e.canaries import Canaries, Family, Place
from carewire_testing_e2e.leaving import Record, files, records, tables, topic, without

SECRET = "canary+of/Zoë="
DIGEST = hashlib.sha256(SECRET.encode()).digest()

FORMS: dict[str, Callable[[bytes], bytes]] = {
    "as it is": lambda value: value,
    "in capitals": lambda value: value.upper(),
    "in base64": base64.b64encode,
    "in base64, one byte later": lambda value: base64.b64encode(b"." + value),
    "in base64, two bytes later": lambda value: base64.b64encode(b".." + value + b"."),
    "in base64 for URLs": base64.urlsafe_b64encode,
    "in hex": lambda value: value.hex().upper().encode(),
    "percent-encoded": lambda value: quote(value, safe="").encode(),
    "percent-encoded in small letters": lambda value: quote(value, safe="").lower().encode(),
    "wholly percent-encoded": lambda value: b"".join(b"%%%02X" % byte for byte in value),
    "escaped as in JSON": lambda value: value.replace(b"/", b"\\/"),
    "as a digest": lambda _: DIGEST,
    "as a digest in hex": lambda _: DIGEST.hex().encode(),
    "as an id that anyone can derive": lambda value: derived_id(value.decode()).encode(),
}


@pytest.fixture
def canaries() -> Canaries:
    planted = Canaries()
    planted.plant(Family.PAYLOAD, "secret", SECRET)
    return planted


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_canary_is_found_in_every_form(canaries: Canaries, form: Callable[[bytes], bytes]) -> None:
    place = Place("somewhere", b'{"a":"' + form(SECRET.encode()) + b'"}')
    assert canaries.leaks([place])
    assert canaries.found(place) == {"secret"}


def test_a_canary_is_no_leak_where_its_family_may_be_and_others_are_none_anywhere(canaries: Canaries) -> None:
    assert canaries.leaks([Place("column", SECRET.encode(), frozenset({Family.PAYLOAD}))]) == {}
    assert canaries.leaks([Place("column", SECRET.encode(), frozenset({Family.SENDER}))]) != {}
    assert canaries.leaks([Place("column", b"canary+of/somebody-else")]) == {}


def test_a_digest_is_a_leak_but_for_credentials_which_nobody_finds_by_trying() -> None:
    canaries = Canaries()
    canaries.plant(Family.CREDENTIAL, "token", SECRET)
    assert canaries.leaks([Place("column", DIGEST + DIGEST.hex().encode())]) == {}
    assert canaries.leaks([Place("column", SECRET.encode())]) != {}


def test_a_canary_is_found_in_a_file_of_any_depth(canaries: Canaries, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "service.log").write_text(f"x {SECRET} y")
    assert canaries.leaks(files(tmp_path)) == {"secret as it is in file service.log": f"x {SECRET} y"}


async def test_a_canary_is_found_in_every_part_of_a_record_of_any_topic(
    canaries: Canaries, stack: Stack, topic_prefix: str
) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.kafka_bootstrap)
    producer = AIOKafkaProducer(bootstrap_servers=stack.kafka_bootstrap)
    await admin.start()
    await producer.start()
    secret, name = SECRET.encode(), f"{topic_prefix}of.tomorrow"
    try:
        await admin.create_topics([NewTopic(name, 2, 1)])
        await producer.send_and_wait(name, b"", key=secret, partition=0)
        await producer.send_and_wait(name, b"", headers=[("h", secret)], partition=1)
        await producer.send_and_wait(name, secret, partition=1)
    finally:
        await producer.stop()
        await admin.close()
    found = await records(stack.kafka_bootstrap, topic_prefix)
    assert list(canaries.leaks(topic("of.tomorrow", found[name]))) == [
        "secret as it is in keys of of.tomorrow",
        "secret as it is in headers of of.tomorrow",
        "secret as it is in values of of.tomorrow",
    ]


async def test_a_canary_is_found_in_any_column_of_any_table(canaries: Canaries, database_dsn: str) -> None:
    connection = await asyncpg.connect(database_dsn)
    await connection.execute("CREATE SCHEMA tomorrow; CREATE TABLE tomorrow.kept (a text, b bytea, c jsonb, d text[])")
    await connection.execute(
        "INSERT INTO tomorrow.kept VALUES ($1, $2, to_jsonb($1::text), ARRAY[$1])", SECRET, SECRET.encode()
    )
    await connection.close()
    leaks = canaries.leaks(await tables(database_dsn))
    assert {leak.rpartition(".")[2] for leak in leaks} == {"a", "b", "c", "d"}


def test_an_event_is_searched_without_its_fields_that_are_marked_as_personal() -> None:
    data = {"pathway": {"patient_identifiers": [{"system": "s", "value": "v"}], "id": "i"}, "list": ["x"]}
    assert without(data, ["pathway.patient_identifiers[].value", "list[]", "absent.field"]) == {
        "pathway": {"patient_identifiers": [{"system": "s"}], "id": "i"},
        "list": [],
    }


@pytest.mark.parametrize("header", [("ce_type", b"pathway.stopped"), ("delivery", b'{"event_type":"pathway.stopped"}')])
def test_the_type_of_an_event_is_read_from_its_headers_and_from_those_of_its_delivery(
    canaries: Canaries, header: tuple[str, bytes]
) -> None:
    marked, unmarked = (orjson.dumps({field: SECRET}) for field in ("reason", "stop_date"))
    assert canaries.leaks(topic("t", [record(marked, header)])) == {}
    assert canaries.leaks(topic("t", [record(unmarked, header)])) != {}
    assert canaries.leaks(topic("t", [record(marked, ("ce_type", b"of.tomorrow"))])) != {}


def record(value: bytes, header: tuple[str, bytes]) -> Record:
    return ConsumerRecord("t", 0, 0, 0, 1, None, value, None, 0, len(value), (header,))
