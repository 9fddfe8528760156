"""JSON at its limits: what is refused where, and that nothing of it breaks anything."""

import json
import math
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from carewire_contracts.definition import DataPointDefinition
from carewire_contracts.json_path import JsonPath
from carewire_contracts.requests import DataPointValue, Reason, ReasonCode
from carewire_contracts.values import ValueType
from carewire_contracts.values.soundness import MAX_JSON_DEPTH
from carewire_ingress.domain.identifiers import read_identifiers
from carewire_ingress.domain.json_limits import fault
from carewire_ingress.domain.mapping import MappedDataPoint
from carewire_ingress.domain.payload import FORM, JSON, read_payload
from carewire_ingress.domain.start_key import start_key
from carewire_ingress.domain.start_key_source import StartKeySource
from carewire_ingress.domain.value_source import ValueSource
from carewire_testing_ingress.samples import MRN, SYSTEMS, call, data_point, webhook

TOO_DEEP = f"JSON nested deeper than {MAX_JSON_DEPTH}"


def judged(body: bytes) -> str | None:
    orjson.loads(body)  # the parser takes it
    return fault(body)


def arrays(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


def objects(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


@pytest.mark.parametrize("nest", [arrays, objects])
@pytest.mark.parametrize(
    ("depth", "found"), [(1, None), (MAX_JSON_DEPTH, None), (MAX_JSON_DEPTH + 1, TOO_DEEP), (1_000, TOO_DEEP)]
)
def test_containers_are_nested_so_deep_and_no_deeper(nest: Any, depth: int, found: str | None) -> None:
    assert judged(nest(depth)) == found


@pytest.mark.parametrize(
    ("body", "found"),
    [
        pytest.param(b"4", None, id="a scalar"),
        pytest.param(b'"' + b"[" * 200 + b'"', None, id="brackets in a string"),
        pytest.param(b'{"' + b"{" * 200 + b'": 1}', None, id="brackets in a name"),
        pytest.param(b'["\\"' + b"[" * 200 + b'", "\\\\"]', None, id="after an escaped quote"),
        pytest.param(b"[" + b",".join([b"[{}]"] * 500) + b"]", None, id="many, none of them deep"),
        pytest.param(b"[" + b"[]," * 500 + arrays(MAX_JSON_DEPTH) + b"]", TOO_DEEP, id="many, the last of them deep"),
        pytest.param(b"[" + b"[]," * 500 + arrays(MAX_JSON_DEPTH - 1) + b"]", None, id="many, the last nearly deep"),
        pytest.param(
            b'{"a": "' + b"]" * 99 + b'", "b": ' + arrays(64) + b"}", TOO_DEEP, id="no bracket in a string counts"
        ),
    ],
)
def test_only_what_is_nested_counts(body: bytes, found: str | None) -> None:
    assert judged(body) == found


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text('[]{}"\\a', max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text('[]{}"a', max_size=4), inner, max_size=3),
    max_leaves=30,
)


def depth_of(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    return 1 + max(map(depth_of, value), default=0) if isinstance(value, list) else 0


@given(json_values, st.integers(50, 70), st.integers(0, 80))
def test_it_agrees_with_a_count_of_the_depth(value: Any, around: int, siblings: int) -> None:
    value = [value, *([[]] * siblings)]
    for number in range(around):
        value = {"a": value} if number % 2 else [value]
    assert judged(json.dumps(value).encode()) == (TOO_DEEP if depth_of(value) > MAX_JSON_DEPTH else None)


@given(st.binary(max_size=300) | st.text('[]{}",:\\\\1a', max_size=300).map(str.encode))
@example(b"[" * 2_000)
@example(b'{"a":' * 2_000)
@example(b"[" * 70 + b"}" * 70)
@example(b"]" * 70 + b"[" * 70)
@example(b'"' + b"[" * 70)
def test_any_bytes_have_an_answer(body: bytes) -> None:
    assert fault(body) in (None, TOO_DEEP)


@given(json_values, st.data())
def test_spoilt_json_is_read_or_refused(value: Any, data: st.DataObject) -> None:
    body = bytearray(json.dumps([[[]] * 60, value, value]).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body) - 1))
        body[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
        if not body:
            break
    read = read_payload(JSON, bytes(body))
    if not isinstance(read, Reason):
        assert fault(bytes(body)) == (TOO_DEEP if depth_of(read) > MAX_JSON_DEPTH else None)


# What the parser makes of numbers: see the module's text.


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("9007199254740993", 2**53 + 1),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
        ("18446744073709551615", 2**64 - 1),
        ("18446744073709551616", 2.0**64),
        ("-9223372036854775809", -(2.0**63)),
        ("1e308", 1e308),
        ("1e-400", 0.0),
        ("0.1234567890123456789", 0.12345678901234568),
        ("-0", 0),
    ],
)
def test_integers_of_64_bits_are_exact_and_all_others_doubles(text: str, value: float) -> None:
    read = orjson.loads(text)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize("text", ["1e309", "-1e400", "1" * 400, "NaN", "Infinity", "01", "+1", ".5", "1.", "0x1"])
def test_what_is_beyond_a_double_or_no_number_refuses_the_body(text: str) -> None:
    reason = read_payload(JSON, f'{{"a": {text}}}'.encode())
    assert isinstance(reason, Reason)
    assert reason.code is ReasonCode.MALFORMED_PAYLOAD


def mapped(value_type: str) -> MappedDataPoint:
    point: DataPointDefinition = data_point("v", value_type)
    return MappedDataPoint.of(point, ValueSource("$.v").compiled())


@pytest.mark.parametrize("text", ["18446744073709551616", "123456789012345678901234567890"])
def test_two_long_numbers_never_become_one_identity(text: str) -> None:
    """As doubles they may be equal: so they are no identifier and no start key."""
    payload = read_payload(
        JSON, f'{{"v": {text}, "patient_identifier": {{"system": "{MRN}", "value": {text}}}}}'.encode()
    )
    _, (reason,) = read_identifiers(webhook(), SYSTEMS, payload)
    assert (reason.code, reason.found) == (ReasonCode.MALFORMED_IDENTIFIER, "number")
    key = start_key(webhook(start_key=StartKeySource(path=JsonPath("$.v"))), call(), payload)
    assert isinstance(key, Reason)
    assert key.code is ReasonCode.MALFORMED_START_KEY


def test_a_number_data_point_takes_the_nearest_double() -> None:
    read = mapped("number").read(read_payload(JSON, b'{"v": 123456789012345678901234567890}'))
    assert read == DataPointValue("v", "number", 1.2345678901234568e29)
    assert math.isclose(1.2345678901234568e29, 123456789012345678901234567890)


@pytest.mark.parametrize(
    ("body", "payload"),
    [
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b'{"a": {"b": 1}, "a": {"c": 2}}', {"a": {"c": 2}}),
        (b'{"a": 1, "\\u0061": 2}', {"a": 2}),
        (b'{"a": 2, "a": null}', {"a": None}),
    ],
)
def test_of_a_name_that_repeats_the_last_one_counts(body: bytes, payload: object) -> None:
    assert read_payload(JSON, body) == payload


NUL = read_payload(JSON, b'{"v": "a\\u0000b", "l": ["\\u0000"], "o": {"\\u0000": 1}, "fine": 4}')


@pytest.mark.parametrize("value_type", [each for each in ValueType if each is not ValueType.JSON])
def test_no_data_point_takes_a_string_with_nul(value_type: ValueType) -> None:
    reason = mapped(value_type.value).read(NUL)
    assert isinstance(reason, Reason)
    assert reason.code is ReasonCode.WRONG_TYPE


@pytest.mark.parametrize(
    ("value_type", "path", "found"),
    [
        ("string", "$.v", "string with a NUL character"),
        ("strings_array", "$.l", "array with string with a NUL character at index 0"),
        ("json", "$.l", "string with a NUL character"),
        ("json", "$.o", "string with a NUL character"),
    ],
)
def test_a_reason_says_that_nul_is_the_trouble(value_type: str, path: str, found: str) -> None:
    reason = MappedDataPoint.of(data_point("v", value_type), ValueSource(path).compiled()).read(NUL)
    assert isinstance(reason, Reason)
    assert reason.found == found


def test_nul_where_nobody_looks_harms_nobody() -> None:
    read = MappedDataPoint.of(data_point("v", "number"), ValueSource("$.fine").compiled()).read(NUL)
    assert isinstance(read, DataPointValue)


@pytest.mark.parametrize(("content_type", "body"), [(JSON, b'"a\\u0000"'), (FORM, b"a%00")])
def test_an_identifier_with_nul_is_refused(content_type: str, body: bytes) -> None:
    value: Any = read_payload(content_type, body)
    value = value if isinstance(value, str) else next(iter(value))
    payload = {"patient_identifier": {"system": MRN, "value": value}}
    _, (reason,) = read_identifiers(webhook(), SYSTEMS, payload)
    assert (reason.code, reason.found) == (ReasonCode.MALFORMED_IDENTIFIER, "string with invisible characters")


@pytest.mark.parametrize(
    "body",
    [b'"\x00"', b'"\\ud800"', b'"\\udc00\\ud800"', b'"\xc3"', b'"\xed\xa0\x80"', b'"\n"', b'"\\x41"', b'"\\u12"'],
)
def test_strings_that_are_no_unicode_text_refuse_the_body(body: bytes) -> None:
    reason = read_payload(JSON, body)
    assert isinstance(reason, Reason)
    assert reason.code is ReasonCode.MALFORMED_PAYLOAD
