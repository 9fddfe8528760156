"""A dry run judges a call by the decision that calls get, and says where its start key comes from."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.json_path import JsonPath
from carewire_contracts.rules import Rule
from carewire_ingress.adapters.mapping_forms import DryRunOfNew, DryRunOfStored
from carewire_ingress.domain.admit import Accepted, Filtered, Rejected, admit
from carewire_ingress.domain.configuration import Configuration, compiled
from carewire_ingress.domain.dry_run import dry_run
from carewire_ingress.domain.start_key_source import StartKeySource
from carewire_ingress.domain.suggestions import Suggestion, Suggestions
from carewire_testing_ingress.samples import (
    PATHS,
    PAYLOAD,
    SYSTEMS,
    by_path,
    call,
    definition,
    plan,
    release,
    webhook,
)

LIVE = definition(release())
PLANNED = Rule.model_validate({"all": [{"reference": "$.pain", "operator": "is_equal_to", "operand": 9}]})


@pytest.mark.parametrize("enabled", [True, False])
def test_the_verdict_is_that_of_a_call_enabled_or_not(enabled: bool) -> None:
    asked = call(is_test=True)
    found = dry_run(webhook(enabled=enabled), LIVE, SYSTEMS, asked).verdict
    assert found == admit(plan(), SYSTEMS, asked)
    assert isinstance(found, Accepted)


def test_a_filtered_call_is_told_as_filtered() -> None:
    chosen = Configuration("A", "hip-surgery", by_path(PATHS), filter=PLANNED)
    made = compiled(chosen, webhook_id="w", enabled=False, token_sha256=b"", salt=b"")
    assert isinstance(dry_run(made, LIVE, SYSTEMS, call(is_test=True)).verdict, Filtered)


@pytest.mark.parametrize("catalogue", [None, definition(None)], ids=["unheard-of", "withdrawn"])
def test_what_is_not_live_is_rejected(catalogue: Any) -> None:
    verdict = dry_run(webhook(), catalogue, SYSTEMS, call(is_test=True)).verdict
    assert [reason.code.value for reason in verdict.reasons] == ["definition_not_live"]


@pytest.mark.parametrize(
    ("headers", "source", "told"),
    [
        ({"idempotency-key": "1", "webhook-id": "2"}, StartKeySource(header="x-delivery"), "idempotency-key"),
        ({"webhook-id": "2", "x-delivery": "3"}, StartKeySource(header="x-delivery"), "webhook-id"),
        ({"x-delivery": "3"}, StartKeySource(header="x-delivery"), "x-delivery"),
        ({}, StartKeySource(header="x-delivery"), "request"),
        ({}, StartKeySource(path=JsonPath("$.patient.name")), "$.patient.name"),
        ({}, StartKeySource(path=JsonPath("$.nothing")), "request"),
        ({}, StartKeySource(path=JsonPath("$.patient[*]")), "$.patient[*]"),
        ({}, StartKeySource(), "request"),
    ],
)
def test_the_source_of_the_start_key_is_told(headers: dict[str, str], source: StartKeySource, told: str) -> None:
    found = dry_run(webhook(start_key=source), LIVE, SYSTEMS, call(headers=headers, is_test=True))
    assert found.start_key_source == told


def test_of_what_cannot_be_read_no_source_is_told() -> None:
    found = dry_run(webhook(), LIVE, SYSTEMS, call(body=b"{", is_test=True))
    assert found.start_key_source is None
    assert isinstance(found.verdict, Rejected)
    assert [reason.code.value for reason in found.verdict.reasons] == ["malformed_payload"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner, max_size=3)
)


@given(JSON)
def test_whatever_is_asked_gets_a_verdict(payload: Any) -> None:
    asked = DryRunOfStored(payload=payload)
    body = asked.body()
    verdict = dry_run(webhook(), LIVE, SYSTEMS, call(body=body, is_test=True)).verdict
    assert verdict == admit(plan(), SYSTEMS, call(body=body, is_test=True))


DRAFT = {"name": "A", "definition_id": "hip-surgery"}


@pytest.mark.parametrize(
    ("sent", "content_type", "body"),
    [
        ({"payload": {"a": 1}}, "application/json", b'{"a": 1}'),
        ({"payload": None}, "application/json", b"null"),
        ({}, "application/json", b"null"),
        ({"text": '{"a":1,"a":2}'}, "application/json", b'{"a":1,"a":2}'),
        (
            {"text": "a=1&b=%20", "content_type": "application/x-www-form-urlencoded; charset=utf-8"},
            "application/x-www-form-urlencoded",
            b"a=1&b=%20",
        ),
        ({"text": "", "content_type": "application/fhir+json"}, "application/fhir+json", b""),
    ],
)
def test_a_call_is_given_as_json_or_as_text(sent: dict[str, Any], content_type: str, body: bytes) -> None:
    asked = DryRunOfNew.model_validate(sent | {"configuration": DRAFT})
    assert (asked.media_type(), asked.body()) == (content_type, body)


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ({"payload": 1, "text": "1"}, "either payload or text"),
        ({"text": "<a/>", "content_type": "application/xml"}, "content_type"),
        ({"payload": 1, "unheard_of": 1}, "Extra inputs"),
    ],
)
def test_what_no_call_could_be_is_refused(sent: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DryRunOfNew.model_validate(sent | {"configuration": DRAFT})


def test_names_of_headers_are_read_in_any_case() -> None:
    asked = DryRunOfStored(payload=PAYLOAD, headers={"Idempotency-Key": "Abc"})
    assert asked.lower_headers() == {"idempotency-key": "Abc"}


def test_codes_that_are_not_shown_are_left_out_of_suggestions() -> None:
    told = Suggestion("$.a[0].v", "$.a[?@.code == 'x'].v", "number", ("p",))
    plain = Suggestion("$.b", None, "string", ())
    found = Suggestions((told, plain), is_cut=True)
    assert found.without_labels_but({told.path: told.by_label, plain.path: None}) == found
    hidden = found.without_labels_but({plain.path: None})
    assert [one.by_label for one in hidden.found] == [None, None]
    assert [(one.path, one.kind, one.fits) for one in hidden.found] == [
        (told.path, "number", ("p",)),
        ("$.b", "string", ()),
    ]
    assert hidden.is_cut
