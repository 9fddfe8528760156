"""From the bytes of a body to a value: which media types are read, and how."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.requests import Reason, ReasonCode
from carewire_ingress.domain.payload import FORM, JSON, MAX_FORM_FIELDS, is_supported, media_type, read_payload


@pytest.mark.parametrize(
    ("header", "bare"),
    [
        ("application/json", "application/json"),
        ("Application/JSON; charset=utf-8", "application/json"),
        (" application/fhir+json ;version=4", "application/fhir+json"),
        ("", ""),
        (";charset=utf-8", ""),
    ],
)
def test_a_media_type_is_compared_without_parameters_and_case(header: str, bare: str) -> None:
    assert media_type(header) == bare


@pytest.mark.parametrize(
    ("content_type", "supported"),
    [
        ("", True),
        ("application/json", True),
        ("text/json", True),
        ("application/fhir+json", True),
        ("application/vnd.github+json", True),
        ("application/x-www-form-urlencoded", True),
        ("application/jsonlines", False),
        ("json", False),
        ("multipart/form-data", False),
        ("text/plain", False),
        ("application/xml", False),
        ("application/fhir+xml", False),
        ("application/json-seq", False),
    ],
)
def test_json_of_any_kind_and_forms_are_supported(content_type: str, supported: bool) -> None:
    assert is_supported(content_type) is supported


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    # JSON text in UTF-8 cannot hold half a character.
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(json_values, st.sampled_from([JSON, "", "application/fhir+json"]), st.booleans())
def test_json_is_read_as_what_it_says(value: Any, content_type: str, escaped: bool) -> None:
    assert read_payload(content_type, json.dumps(value, ensure_ascii=escaped).encode()) == value


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"nul",
        b"{'a': 1}",
        b'{"a": 1,}',
        b'{"a": 1} x',
        b"NaN",
        b"Infinity",
        b"[1e999]",
        b'"\xff"',
        b"\xef\xbb\xbf",
    ],
)
def test_what_is_no_json_is_refused_and_not_repeated(body: bytes) -> None:
    reason = read_payload(JSON, body)
    assert isinstance(reason, Reason)
    assert (reason.code, reason.path, reason.expected) == (ReasonCode.MALFORMED_PAYLOAD, "$", "JSON")
    assert reason.found == ("another text" if body else "empty body")


def test_a_number_too_large_for_64_bits_loses_no_digit_unseen() -> None:
    """It is read as the nearest float, and a number data point refuses what is not exact."""
    assert read_payload(JSON, b'{"a": 18446744073709551615}') == {"a": 2**64 - 1}
    payload = read_payload(JSON, b'{"a": 36893488147419103232}')
    assert payload == {"a": float(2**65)}


fields = st.dictionaries(st.text(min_size=1, max_size=8), st.lists(st.text(max_size=8), min_size=1, max_size=4))


@given(fields)
def test_a_form_gives_strings_and_lists_where_a_name_repeats(fields: dict[str, list[str]]) -> None:
    fields = {name: values for name, values in fields.items() if _is_text(name, *values)}
    body = urlencode(fields, doseq=True).encode()
    expected = {name: values[0] if len(values) == 1 else values for name, values in fields.items()}
    assert read_payload(FORM, body) == expected


def _is_text(*words: str) -> bool:
    return all(word.isprintable() for word in words)


@pytest.mark.parametrize(
    ("body", "payload"),
    [
        (b"", {}),
        (b"a=", {"a": ""}),
        (b"a", {"a": ""}),
        (b"a=&a=", {"a": ["", ""]}),
        (b"a=1+2&b=%26%3D", {"a": "1 2", "b": "&="}),
        (b"a=%C3%A9", {"a": "\u00e9"}),
        ("a=\u00e9".encode(), {"a": "\u00e9"}),
        (b"a=1;b=2", {"a": "1;b=2"}),
    ],
)
def test_how_forms_are_read(body: bytes, payload: object) -> None:
    assert read_payload(FORM, body) == payload


def test_a_form_has_a_bounded_number_of_fields() -> None:
    most = read_payload(FORM, b"&".join(b"a=1" for _ in range(MAX_FORM_FIELDS)))
    assert most == {"a": ["1"] * MAX_FORM_FIELDS}
    reason = read_payload(FORM, b"&".join(b"a=1" for _ in range(MAX_FORM_FIELDS + 1)))
    assert isinstance(reason, Reason)
    assert reason.expected == "form"


@given(st.binary(max_size=80), st.sampled_from([JSON, FORM, ""]))
def test_any_bytes_are_read_or_refused(body: bytes, content_type: str) -> None:
    read = read_payload(content_type, body)
    if isinstance(read, Reason):
        assert read.code is ReasonCode.MALFORMED_PAYLOAD


@pytest.mark.parametrize(("depth", "is_read"), [(64, True), (65, False)])
def test_json_is_read_as_deep_as_everybody_after_it_can(depth: int, is_read: bool) -> None:
    read = read_payload(JSON, b"[" * depth + b"]" * depth)
    assert isinstance(read, list) is is_read
    if isinstance(read, Reason):
        assert (read.code, read.path) == (ReasonCode.MALFORMED_PAYLOAD, "$")
        assert (read.expected, read.found) == ("JSON nested at most 64 deep", "JSON nested deeper than 64")


def test_brackets_in_a_form_are_text() -> None:
    assert read_payload(FORM, b"a=" + b"[" * 100) == {"a": "[" * 100}
