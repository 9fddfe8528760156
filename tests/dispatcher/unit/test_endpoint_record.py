from dataclasses import replace
from typing import Any

import orjson
import pytest

from carewire_contracts.rules import Rule
from carewire_dispatcher.adapters.endpoint_record import (
    EndpointRecord,
    endpoint_decoder,
    seal_ed25519_key,
    seal_headers,
    seal_rsa_key,
    seal_secret,
    sealed_fault,
)
from carewire_dispatcher.adapters.endpoint_store import with_fields
from carewire_dispatcher.domain.endpoint import DisabledBecause, Endpoint
from carewire_dispatcher.domain.event_filter import EventFilter
from carewire_dispatcher.errors import EndpointImpossible
from carewire_runtime.sealing import Keyring
from carewire_testing_dispatcher.deliveries import ENDPOINT_ID, SECRET, an_endpoint

KEYRING = Keyring.parse(Keyring.generate())


def a_record(endpoint_id: str = ENDPOINT_ID) -> EndpointRecord:
    return EndpointRecord(
        id=endpoint_id,
        name="receiver",
        url="https://receiver.example/hook",
        event_types=["pathway.completed"],
        definition_ids=None,
        enabled=True,
        concurrency=8,
        timeout_s=5,
        headers=seal_headers(KEYRING, endpoint_id, {"Authorization": "Bearer canary"}),
        secrets=[seal_secret(KEYRING, endpoint_id, SECRET)],
    )


def test_an_endpoint_travels_sealed_and_is_opened_by_workers() -> None:
    wire = a_record().encode()
    assert b"canary" not in wire
    endpoint = endpoint_decoder(KEYRING)(ENDPOINT_ID, wire)
    assert endpoint.secrets == (SECRET,)
    assert endpoint.headers == {"Authorization": "Bearer canary"}
    assert endpoint.event_types == frozenset({"pathway.completed"})
    assert (endpoint.concurrency, endpoint.timeout_s, endpoint.definition_ids) == (8, 5, None)


def test_an_endpoint_that_was_stored_before_there_were_rates_has_none() -> None:
    fields = orjson.loads(a_record().encode())
    del fields["rate_per_s"]
    assert endpoint_decoder(KEYRING)(ENDPOINT_ID, orjson.dumps(fields)).rate_per_s is None


def test_neither_record_nor_endpoint_shows_a_secret() -> None:
    record = a_record()
    endpoint = endpoint_decoder(KEYRING)(ENDPOINT_ID, record.encode())
    assert "canary" not in repr(endpoint)
    assert repr(SECRET) not in repr(endpoint)
    assert record.secrets[0] not in repr(record)


@pytest.mark.parametrize("value", [b"", b"[]", b"{}", b"null"])
def test_what_is_no_endpoint_is_a_value_error(value: bytes) -> None:
    with pytest.raises(ValueError):
        endpoint_decoder(KEYRING)(ENDPOINT_ID, value)


def test_without_its_key_it_counts_as_paused_and_goes_on_collecting_events() -> None:
    record, keyring = replace(a_record(), event_types=["track.stopped"]), Keyring.parse(Keyring.generate())
    endpoint, known = (endpoint_decoder(one)(ENDPOINT_ID, record.encode()) for one in (keyring, KEYRING))
    assert (endpoint.is_sealed, endpoint.paused, endpoint.enabled, endpoint.is_served) == (True, True, True, True)
    assert (endpoint.secrets, endpoint.headers) == ((), {})
    assert (endpoint.url, endpoint.event_types) == (known.url, known.event_types)
    assert not known.is_sealed


def test_readiness_says_how_many_lack_their_key_and_what_to_do() -> None:
    assert sealed_fault([]) is None
    assert sealed_fault([an_endpoint()]) is None
    fault = sealed_fault([an_endpoint(), an_endpoint(is_sealed=True), an_endpoint(is_sealed=True)])
    assert fault is not None
    assert fault.startswith("2 endpoints cannot be opened")
    assert "CAREWIRE_ENCRYPTION_KEYS" in fault


BEFORE = (
    "id",
    "name",
    "url",
    "event_types",
    "definition_ids",
    "enabled",
    "concurrency",
    "timeout_s",
    "headers",
    "secrets",
)


def a_record_of_before(**fields: Any) -> bytes:
    written = orjson.loads(a_record().encode())
    return orjson.dumps({name: written[name] for name in BEFORE} | fields)


def test_an_endpoint_that_was_stored_before_it_had_choices_is_as_it_was() -> None:
    endpoint = endpoint_decoder(KEYRING)(ENDPOINT_ID, a_record_of_before())
    assert endpoint == Endpoint(
        id=ENDPOINT_ID,
        url="https://receiver.example/hook",
        event_types=frozenset({"pathway.completed"}),
        secrets=(SECRET,),
        headers={"Authorization": "Bearer canary"},
        concurrency=8,
        timeout_s=5,
    )


def test_who_was_disabled_before_there_were_reasons_was_by_an_operator() -> None:
    endpoint = endpoint_decoder(KEYRING)(ENDPOINT_ID, a_record_of_before(enabled=False))
    assert endpoint.disabled_because is DisabledBecause.OPERATOR
    assert not endpoint.is_served


def test_what_a_later_version_adds_is_ignored() -> None:
    assert endpoint_decoder(KEYRING)(ENDPOINT_ID, a_record_of_before(colour="canary")).enabled


def test_every_choice_travels() -> None:
    rule = {"all": [{"reference": "$.a", "operator": "is_equal_to", "operand": 1}]}
    seeds = [bytes([number]) * 32 for number in range(2)]
    record = replace(
        a_record(),
        filter=rule,
        paused=True,
        enabled=False,
        disabled_because="gone",
        payload="thin",
        content_mode="cloudevents",
        signing=["ed25519", "rsa"],
        old_secret_until=5,
        ed25519_keys=[seal_ed25519_key(KEYRING, ENDPOINT_ID, seed) for seed in seeds],
        old_ed25519_key_until=6,
        rsa_key=seal_rsa_key(KEYRING, ENDPOINT_ID, b"der"),
        retry_offsets_s=[0, 60],
        terminal_statuses=[400],
        shards=3,
        redacted=["$..ssn"],
    )
    endpoint = endpoint_decoder(KEYRING)(ENDPOINT_ID, record.encode())
    assert endpoint.filter == EventFilter.of(Rule.model_validate(rule))
    assert (endpoint.paused, endpoint.enabled, endpoint.disabled_because) == (True, False, DisabledBecause.GONE)
    assert (endpoint.payload, endpoint.content_mode, endpoint.shards) == ("thin", "cloudevents", 3)
    assert (endpoint.secrets, endpoint.ed25519_keys, endpoint.rsa_key) == ((), tuple(seeds), b"der")
    assert (endpoint.old_secret_until, endpoint.old_ed25519_key_until) == (5, 6)
    assert (endpoint.retry_offsets_s, endpoint.terminal_statuses) == ((0, 60), frozenset({400}))
    assert [query.path.text for query in endpoint.redacted] == ["$..ssn"]


@pytest.mark.parametrize(
    "fields",
    [
        {"filter": {"none": []}},
        {"filter": {"all": [{"reference": "$.a[", "operator": "is_empty"}]}},
        {"redacted": ["$.a["]},
    ],
    ids=["a filter that is no rule", "a filter without a path", "a redaction without a path"],
)
def test_what_cannot_be_read_of_what_holds_back_makes_the_endpoint_unreadable_for_else_all_would_pass(
    fields: dict[str, Any],
) -> None:
    with pytest.raises(ValueError, match=ENDPOINT_ID):
        endpoint_decoder(KEYRING)(ENDPOINT_ID, a_record_of_before(**fields))


def test_a_sealed_key_of_one_kind_is_none_of_another() -> None:
    sealed = seal_secret(KEYRING, ENDPOINT_ID, SECRET)
    record = a_record_of_before(signing=["rsa"], rsa_key=sealed)
    assert endpoint_decoder(KEYRING)(ENDPOINT_ID, record).is_sealed


def test_when_it_was_last_enabled_or_moved_is_not_known_of_one_that_an_earlier_release_published() -> None:
    assert endpoint_decoder(KEYRING)(ENDPOINT_ID, a_record_of_before()).judged_from is None


OLD, NEW = b"old", b"new"


@pytest.mark.parametrize(
    ("until", "now", "expected"),
    [(None, 10**15, (NEW, OLD)), (100, 99, (NEW, OLD)), (100, 100, (NEW,)), (0, 1, (NEW,))],
)
def test_an_old_key_signs_until_its_moment(until: int | None, now: int, expected: tuple[bytes, ...]) -> None:
    keys = (NEW, OLD)
    endpoint = Endpoint(
        "id", "url", secrets=keys, ed25519_keys=keys, old_secret_until=until, old_ed25519_key_until=until
    )
    assert endpoint.secrets_at(now) == endpoint.ed25519_keys_at(now) == expected


def test_a_change_leaves_no_endpoint_with_more_shards_than_calls_at_a_time() -> None:
    record = with_fields(a_record(), {"shards": 8})
    assert (record.shards, record.concurrency) == (8, 8)
    impossible: list[dict[str, Any]] = [{"shards": 9}, {"concurrency": 7}, {"shards": 4, "concurrency": 3}]
    for fields in impossible:
        with pytest.raises(EndpointImpossible) as refused:
            with_fields(record, fields)
        assert refused.value.field == "shards"
    assert with_fields(record, {"shards": 9, "concurrency": 9}).shards == 9


def test_an_endpoint_that_had_too_many_shards_before_that_was_refused_can_be_changed_otherwise() -> None:
    assert with_fields(replace(a_record(), shards=64), {"name": "another"}).name == "another"
