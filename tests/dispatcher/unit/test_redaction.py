"""What nobody is shown of the bodies that were sent and answered: it is neither kept nor told."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.json_query import JsonQuery
from carewire_contracts.redaction import MARKER
from carewire_dispatcher.domain.redaction import WITHHELD, kept_body, path_faults, shown_body


def queries(*paths: str) -> list[JsonQuery]:
    return [JsonQuery(path) for path in paths]


@pytest.mark.parametrize(
    ("body", "paths", "shown"),
    [
        pytest.param(b'{ "a" : 1 }', [], b'{ "a" : 1 }', id="byte by byte where nothing is redacted"),
        pytest.param(b"<html>\xff", [], b"<html>\xff", id="whatever the bytes"),
        pytest.param(b'{"a":1,"b":[2]}', ["$.a"], b'{"a":"[redacted]","b":[2]}', id="the rest as it was"),
        pytest.param(b'{"b":[{"a":1},{"a":2}]}', ["$..a"], b'{"b":[{"a":"[redacted]"},{"a":"[redacted]"}]}', id="all"),
        pytest.param(b'{"a":{"id":1},"a":2}', ["$.a.id"], b'{"a":2}', id="no name twice: paths see the last alone"),
        pytest.param(b"<html>canary</html>", ["$.a"], WITHHELD, id="no JSON"),
        pytest.param(b'{"a":"canary', ["$.b"], WITHHELD, id="a beginning of JSON"),
        pytest.param(b"", ["$.a"], WITHHELD, id="nothing"),
        pytest.param(b'"canary"', ["$"], WITHHELD, id="the root"),
        pytest.param(b"[" * 300 + b"]" * 300, ["$.a"], WITHHELD, id="JSON too deep to be written"),
        pytest.param(b"[" * 200 + b"]" * 200, ["$..a"], WITHHELD, id="JSON too deep for a path"),
        pytest.param(WITHHELD, ["$.a", "$..b"], WITHHELD, id="what was withheld before"),
    ],
)
def test_how_a_body_is_shown(body: bytes, paths: list[str], shown: bytes) -> None:
    assert shown_body(body, queries(*paths)) == shown


@pytest.mark.parametrize(
    ("body", "most", "paths", "kept"),
    [
        pytest.param(b"no such patient", 7, [], b"no such", id="a beginning"),
        pytest.param(b'{"a":1}', 7, [], b'{"a":1}', id="all of what is short"),
        pytest.param(b'{"a":1}', 0, ["$.a"], b"", id="no body where none is to be kept"),
        pytest.param(b"", 7, ["$.a"], b"", id="nothing of nothing"),
        pytest.param(b'{"a":1}', 18, ["$.a"], b'{"a":"[redacted]"}', id="all of it, without what is redacted"),
        pytest.param(b'{"a":1}', 17, ["$.a"], WITHHELD, id="no beginning of what became longer"),
        pytest.param(b'{"b":1}', 6, ["$.a"], WITHHELD, id="no beginning, for other paths may follow"),
        pytest.param(b"canary", 99, ["$.a"], WITHHELD, id="no text"),
    ],
)
def test_what_is_kept_of_a_body(body: bytes, most: int, paths: list[str], kept: bytes) -> None:
    assert kept_body(body, most, queries(*paths)) == kept


values = st.recursive(
    st.sampled_from(["canary", 1, None, True]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=12,
)


@given(st.binary(max_size=40) | values.map(orjson.dumps), st.integers(0, 60), st.sampled_from(["$", "$.a", "$..a"]))
def test_with_paths_what_is_kept_can_be_redacted_again(body: bytes, most: int, path: str) -> None:
    """So that paths which are added later hide what they are to hide."""
    kept = kept_body(body, most, queries(path))
    assert len(kept) <= max(most, len(WITHHELD))
    if kept:
        assert orjson.loads(kept) == orjson.loads(shown_body(kept, queries(path)))
        assert orjson.loads(shown_body(kept, queries("$"))) == MARKER


def test_every_path_that_is_none_is_named() -> None:
    faults = dict(path_faults(["$.a", "a", "$..ssn", "$.a["]))
    assert faults.keys() == {1, 3}
    assert all("JSONPath" in message for message in faults.values())
