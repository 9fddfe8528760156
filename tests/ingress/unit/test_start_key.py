"""Which of a sender's values makes two calls one delivery, and that its key tells nobody that value."""

from itertools import combinations
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.json_path import JsonPath
from carewire_contracts.requests import Reason, ReasonCode
from carewire_ingress.domain.start_key import MAX_KEY_LENGTH, senders_start_key, start_key
from carewire_ingress.domain.start_key_source import StartKeySource
from carewire_testing_ingress.samples import call, webhook

CUSTOM = "x-github-delivery"
PATH = JsonPath("$.event.id")

PRECEDENCE = ["idempotency-key", "webhook-id", CUSTOM, "path"]
"""The places of a sender's value; the first that is there counts."""


def key_of(values: dict[str, str], *, salt: bytes = b"salt") -> str:
    """The start key of a call with these values at their places."""
    payload = {"event": {"id": values["path"]}} if "path" in values else {}
    headers = {place: value for place, value in values.items() if place != "path"}
    hook = webhook(start_key=StartKeySource(header=CUSTOM, path=PATH), salt=salt)
    key = start_key(hook, call(headers=headers), payload)
    assert isinstance(key, str)
    return key


COMBINATIONS = [places for size in range(1, 5) for places in combinations(PRECEDENCE, size)]


@pytest.mark.parametrize("places", COMBINATIONS, ids="+".join)
def test_the_first_place_that_has_a_value_decides_whatever_the_others_say(places: tuple[str, ...]) -> None:
    assert key_of({place: f"at {place}" for place in places}) == key_of({places[0]: f"at {places[0]}"})


def test_equal_values_at_different_places_are_different_deliveries() -> None:
    assert len({key_of({place: "same"}) for place in PRECEDENCE}) == len(PRECEDENCE)


def test_without_any_value_each_call_stands_for_itself() -> None:
    hook = webhook(start_key=StartKeySource(header=CUSTOM, path=PATH))
    for name in ("one", "two"):
        assert start_key(hook, call(request_id=name), {}) == name


@pytest.mark.parametrize("payload", [{}, {"event": None}, {"event": {}}, {"event": {"id": None}}, [], "text", None])
def test_a_path_without_a_value_names_no_delivery(payload: Any) -> None:
    hook = webhook(start_key=StartKeySource(path=PATH))
    assert start_key(hook, call(), payload) == call().request_id


@given(st.text(min_size=1, max_size=40).filter(str.strip), st.binary(min_size=1, max_size=20))
def test_a_key_is_the_same_each_time_and_shows_nothing_of_its_value(value: str, salt: bytes) -> None:
    key = key_of({"webhook-id": value}, salt=salt)
    assert key == key_of({"webhook-id": value}, salt=salt)
    assert key != key_of({"webhook-id": value}, salt=salt + b"x"), "another webhook has other keys"
    assert UUID(key).version == 8
    assert len(value) < 5 or value not in key


@given(st.lists(st.text(min_size=1, max_size=20).filter(str.strip), min_size=2, max_size=5, unique=True))
def test_different_values_have_different_keys(values: list[str]) -> None:
    assert len({key_of({"path": value}) for value in values}) == len(values)


@pytest.mark.parametrize(("number", "text"), [(7, "7"), (0, "0"), (-3, "-3"), (2**60, str(2**60))])
def test_a_whole_number_and_its_digits_are_one_delivery(number: int, text: str) -> None:
    hook = webhook(start_key=StartKeySource(path=PATH))
    keys = {start_key(hook, call(), {"event": {"id": value}}) for value in (number, text)}
    assert len(keys) == 1


def test_a_refused_call_keeps_the_key_that_its_sender_gave_it() -> None:
    hook = webhook(start_key=StartKeySource(path=PATH))
    body = b'{"event": {"id": "e-1"}}'
    assert senders_start_key(hook, call(body=body)) == start_key(hook, call(), {"event": {"id": "e-1"}})
    by_header = call(headers={"webhook-id": "m-1"}, body=b"no JSON")
    assert senders_start_key(hook, by_header) == start_key(hook, by_header, None)


def test_the_payload_of_a_refused_call_is_read_again_only_where_its_key_stands_in_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr("carewire_ingress.domain.start_key.read_payload")
    assert senders_start_key(webhook(), call(headers={"webhook-id": "m-1"})) is not None
    assert senders_start_key(webhook(), call()) is None


NO_KEY = {"nothing": b"{}", "no JSON": b"{", "no delivery id": b'{"event": {"id": [1]}}'}


@pytest.mark.parametrize("body", NO_KEY.values(), ids=NO_KEY.keys())
def test_a_refused_call_without_a_key_that_counts_has_none(body: bytes) -> None:
    assert senders_start_key(webhook(start_key=StartKeySource(path=PATH)), call(body=body)) is None
    assert senders_start_key(webhook(), call(body=body)) is None


CANARY = "canary-7f3a9"


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (True, "boolean"),
        (1.5, "number"),
        ([CANARY], "array"),
        ({CANARY: 1}, "object"),
        ("", "string that is blank or too long"),
        (" \t", "string that is blank or too long"),
        (CANARY + "x" * MAX_KEY_LENGTH, "string that is blank or too long"),
    ],
)
def test_a_value_that_is_no_delivery_id_is_refused_without_repeating_it(value: object, found: str) -> None:
    hook = webhook(start_key=StartKeySource(path=PATH))
    reason = start_key(hook, call(), {"event": {"id": value}})
    assert isinstance(reason, Reason)
    assert (reason.code, reason.path, reason.found) == (ReasonCode.MALFORMED_START_KEY, PATH.text, found)
    assert CANARY not in str(reason.as_dict())


@pytest.mark.parametrize("header", ["idempotency-key", "webhook-id", CUSTOM])
def test_a_malformed_header_is_refused_even_if_a_later_place_has_a_sound_value(header: str) -> None:
    """It was meant: to pass it over would start a second care flow for one delivery."""
    hook = webhook(start_key=StartKeySource(header=CUSTOM, path=PATH))
    reason = start_key(hook, call(headers={header: " "}), {"event": {"id": "sound"}})
    assert isinstance(reason, Reason)
    assert reason.path == header


@pytest.mark.parametrize("length", [1, MAX_KEY_LENGTH])
def test_the_bounds_of_a_key_are_included(length: int) -> None:
    assert key_of({"idempotency-key": "k" * length})


def test_a_header_of_another_webhook_means_nothing() -> None:
    plain = webhook()
    assert start_key(plain, call(headers={CUSTOM: "7"}), {"event": {"id": "7"}}) == call().request_id
