import orjson
import pytest

from carewire_dispatcher.adapters.endpoint_record import (
    EndpointRecord,
    endpoint_decoder,
    seal_headers,
    seal_secret,
)
from carewire_runtime.sealing import Keyring
from carewire_testing_dispatcher.deliveries import ENDPOINT_ID, SECRET

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


def test_another_deployments_keys_cannot_read_it() -> None:
    with pytest.raises(ValueError):
        endpoint_decoder(Keyring.parse(Keyring.generate()))(ENDPOINT_ID, a_record().encode())
