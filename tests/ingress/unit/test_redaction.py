"""What people see of a body: what is configured is shown nowhere, and the rest as it came."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.json_query import JsonQuery
from carewire_contracts.redaction import MARKER
from carewire_ingress.domain.payload import FORM, JSON
from carewire_ingress.domain.redaction import shown


@pytest.mark.parametrize(
    ("content_type", "body", "paths", "seen"),
    [
        pytest.param(JSON, b'{"a": 1, "b": 2}', ["$.a"], {"a": MARKER, "b": 2}, id="JSON"),
        pytest.param("", b'{"a": 1}', ["$.a"], {"a": MARKER}, id="no media type is JSON"),
        pytest.param(JSON, b'{"a": 1, "a": 2}', ["$.a"], {"a": MARKER}, id="a name that repeats"),
        pytest.param(FORM, b"a=1&b=2", ["$.a"], {"a": MARKER, "b": "2"}, id="a form"),
        pytest.param(FORM, b"a=1&a=2", ["$.a[1]"], {"a": ["1", MARKER]}, id="a repeated field of a form"),
        pytest.param(JSON, b'{"a": ', ["$.b"], MARKER, id="what is no JSON is withheld"),
        pytest.param(FORM, b"a=%ff", ["$.b"], MARKER, id="what is no form is withheld"),
        pytest.param(JSON, b"a=1", [], "a=1", id="unless nothing is redacted"),
        pytest.param(JSON, b"\xff\xfe", [], "\ufffd\ufffd", id="whatever the bytes"),
        pytest.param(JSON, b'{"a": 1}', [], {"a": 1}, id="no path shows all"),
    ],
)
def test_how_a_body_is_shown(content_type: str, body: bytes, paths: list[str], seen: object) -> None:
    assert shown(content_type, body, [JsonQuery(path) for path in paths]) == seen


@given(st.binary(max_size=60), st.sampled_from([JSON, FORM, "text/plain"]), st.sampled_from(["$", "$.a", "$..a"]))
def test_any_bytes_are_shown_or_withheld(body: bytes, content_type: str, path: str) -> None:
    orjson.dumps(shown(content_type, body, [JsonQuery(path)]))
