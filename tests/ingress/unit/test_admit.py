import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.identifiers import Identifier
from carewire_contracts.json_path import JsonPath
from carewire_contracts.requests import ReasonCode
from carewire_ingress.domain.admit import Accepted, Admission, Rejected, admit
from carewire_ingress.domain.mapping import plan_admission
from carewire_ingress.domain.start_key_source import StartKeySource
from carewire_ingress.domain.webhook import MappedIdentifier
from carewire_testing_ingress.samples import (
    MRN,
    PAYLOAD,
    SYSTEMS,
    call,
    data_point,
    plan,
    webhook,
)


def accepted(verdict: Admission) -> Accepted:
    assert isinstance(verdict, Accepted), [reason.code for reason in verdict.reasons]
    return verdict


def codes(verdict: Admission) -> list[ReasonCode]:
    assert isinstance(verdict, Rejected)
    return [reason.code for reason in verdict.reasons]


def changed(**changes: Any) -> dict[str, Any]:
    return PAYLOAD | changes


def test_a_complete_payload_is_accepted_with_typed_values() -> None:
    verdict = accepted(admit(plan(), SYSTEMS, call()))
    assert {value.data_point_definition_id: value.value for value in verdict.data_points} == {
        "surgery_date": "2026-03-01T00:00:00.000Z",
        "patient_name": "Ada Example",
        "pain_score": 4,
        "consent": True,
    }
    assert verdict.release_id == "release-1"
    assert verdict.identifiers == (Identifier(MRN, "NC-004217"),)
    assert len(verdict.body_digest) == 64


def test_a_disabled_webhook_refuses_everything_but_tests() -> None:
    off = plan(webhook(enabled=False))
    verdict = admit(off, SYSTEMS, call())
    assert codes(verdict) == [ReasonCode.DISABLED]
    assert isinstance(verdict, Rejected)
    assert verdict.is_disabled
    accepted(admit(off, SYSTEMS, call(is_test=True)))


def test_without_a_live_release_nothing_starts() -> None:
    verdict = admit(plan_admission(webhook(), None), SYSTEMS, call())
    assert codes(verdict) == [ReasonCode.DEFINITION_NOT_LIVE]


def test_required_data_points_without_mapping_reject_and_optional_ones_do_not() -> None:
    verdict = admit(plan(webhook(mapping={"pain_score": "$.pain"})), SYSTEMS, call())
    assert isinstance(verdict, Rejected)
    assert [(r.code, r.data_point) for r in verdict.reasons] == [
        (ReasonCode.NOT_MAPPED, "surgery_date"),
        (ReasonCode.NOT_MAPPED, "patient_name"),
    ]
    assert [value.value for value in verdict.data_points] == [4]


def test_a_mapping_of_a_data_point_that_the_release_dropped_is_ignored() -> None:
    accepted(admit(plan(None, data_point("pain_score", "number")), SYSTEMS, call()))


def test_everything_wrong_is_said_at_once() -> None:
    payload = {"surgery": {"date": "soon"}, "pain": [1], "patient_identifier": {"system": "x", "value": "y"}}
    verdict = admit(plan(), SYSTEMS, call(payload))
    assert isinstance(verdict, Rejected)
    assert [(r.code, r.path, r.found) for r in verdict.reasons] == [
        (ReasonCode.WRONG_TYPE, "$.surgery.date", "string that is not a date"),
        (ReasonCode.NO_MATCH, "$.patient.name", "no match"),
        (ReasonCode.WRONG_TYPE, "$.pain", "array"),
        (ReasonCode.UNKNOWN_IDENTIFIER_SYSTEM, "$.patient_identifier", "unknown system"),
    ]
    assert all(reason.expected for reason in verdict.reasons)


@pytest.mark.parametrize(
    ("definition", "path", "payload", "code"),
    [
        (data_point("x", "number"), "$.x", {"x": True}, ReasonCode.WRONG_TYPE),
        (data_point("x", "number"), "$.x", {"x": None}, ReasonCode.WRONG_TYPE),
        (data_point("x", "boolean"), "$.x", {"x": "maybe"}, ReasonCode.WRONG_TYPE),
        (data_point("x", "string"), "$.x[*]", {"x": ["a", "b"]}, ReasonCode.SEVERAL_MATCHES),
        (data_point("x", "string", optional=True), "$.x[*]", {"x": ["a", "b"]}, ReasonCode.SEVERAL_MATCHES),
        (data_point("x", "number", range={"min": 0, "max": 10}), "$.x", {"x": 11}, ReasonCode.OUT_OF_RANGE),
        (
            data_point("x", "string", possible_values=[{"value": "left"}, {"value": "right"}]),
            "$.x",
            {"x": "middle"},
            ReasonCode.NOT_A_POSSIBLE_VALUE,
        ),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_its_own_reason(
    definition: Any, path: str, payload: Any, code: ReasonCode
) -> None:
    assert codes(admit(plan(webhook(mapping={"x": path}), definition), SYSTEMS, call(payload))) == [code]


@pytest.mark.parametrize(
    ("value_type", "raw", "wire"),
    [
        ("string", "left", "left"),
        ("number", "10", 10),
        ("number", 0.5, 0.5),
        ("boolean", "yes", True),
        ("date", "2026-03-02T10:15:30+02:00", "2026-03-02T08:15:30.000Z"),
        ("strings_array", ["a", "b"], ["a", "b"]),
        ("json", {"a": [1]}, {"a": [1]}),
        ("telephone", "+32470123456", "+32470123456"),
    ],
)
def test_values_travel_in_their_wire_form(value_type: str, raw: object, wire: object) -> None:
    verdict = admit(plan(webhook(mapping={"x": "$.x"}), data_point("x", value_type)), SYSTEMS, call({"x": raw}))
    assert [value.value for value in accepted(verdict).data_points] == [wire]


@pytest.mark.parametrize("payload", [{}, {"x": None}])
def test_an_optional_data_point_without_value_is_left_out(payload: Any) -> None:
    optional = plan(webhook(mapping={"x": "$.x"}), data_point("x", "number", optional=True))
    assert accepted(admit(optional, SYSTEMS, call(payload))).data_points == ()


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"a":NaN}', b"[" * 5000])
def test_a_body_that_is_no_json_is_refused(body: bytes) -> None:
    assert codes(admit(plan(), SYSTEMS, call(body=body))) == [ReasonCode.MALFORMED_PAYLOAD]


def test_a_form_is_read_as_strings_with_repeated_fields_as_lists() -> None:
    form = plan(
        webhook(mapping={"x": "$.x", "many": "$.many"}),
        data_point("x", "number"),
        data_point("many", "strings_array"),
    )
    sent = call(body=b"x=4&many=a&many=b&many=c", content_type="application/x-www-form-urlencoded")
    assert [value.value for value in accepted(admit(form, SYSTEMS, sent)).data_points] == [4, ["a", "b", "c"]]


@pytest.mark.parametrize("body", [b"x=%ff", b"\xff=1", b"&".join(b"a=1" for _ in range(2000))])
def test_a_form_that_cannot_be_read_is_refused(body: bytes) -> None:
    sent = call(body=body, content_type="application/x-www-form-urlencoded")
    assert codes(admit(plan(), SYSTEMS, sent)) == [ReasonCode.MALFORMED_PAYLOAD]


@pytest.mark.parametrize("absent", [{}, {"patient_identifier": None}, {"patient_identifier": []}])
def test_without_an_identifier_the_patient_is_anonymous(absent: dict[str, Any]) -> None:
    payload = {key: value for key, value in PAYLOAD.items() if key != "patient_identifier"} | absent
    assert accepted(admit(plan(), SYSTEMS, call(payload))).identifiers == ()


@pytest.mark.parametrize(
    ("identifier", "code"),
    [
        ("NC-1", ReasonCode.MALFORMED_IDENTIFIER),
        ({}, ReasonCode.MALFORMED_IDENTIFIER),
        ({"system": MRN}, ReasonCode.MALFORMED_IDENTIFIER),
        ({"system": MRN, "value": " "}, ReasonCode.MALFORMED_IDENTIFIER),
        ({"system": MRN, "value": True}, ReasonCode.MALFORMED_IDENTIFIER),
        ({"system": MRN, "value": 1.5}, ReasonCode.MALFORMED_IDENTIFIER),
        ({"system": MRN, "value": "a\u200bb"}, ReasonCode.MALFORMED_IDENTIFIER),
        ({"system": MRN, "value": "a\0b"}, ReasonCode.MALFORMED_IDENTIFIER),
        ({"system": MRN, "value": "x" * 300}, ReasonCode.MALFORMED_IDENTIFIER),
        ({"system": 7, "value": "x"}, ReasonCode.MALFORMED_IDENTIFIER),
        ([{"system": MRN, "value": "x"}] * 17, ReasonCode.MALFORMED_IDENTIFIER),
        ({"system": "https://other.example", "value": "x"}, ReasonCode.UNKNOWN_IDENTIFIER_SYSTEM),
        ({"system": MRN, "value": "UNKNOWN"}, ReasonCode.PLACEHOLDER_IDENTIFIER),
        ({"system": MRN, "value": " 000 "}, ReasonCode.PLACEHOLDER_IDENTIFIER),
        ({"system": MRN, "value": 0}, ReasonCode.PLACEHOLDER_IDENTIFIER),
    ],
)
def test_an_identifier_that_could_make_one_patient_of_strangers_is_refused(identifier: Any, code: ReasonCode) -> None:
    assert codes(admit(plan(), SYSTEMS, call(changed(patient_identifier=identifier)))) == [code]


def test_identifier_values_are_normalised_and_named_once() -> None:
    entries = [{"system": MRN, "value": value} for value in (" e\u0301 ", "\u00e9", 42)]
    verdict = accepted(admit(plan(), SYSTEMS, call(changed(patient_identifier=entries))))
    assert verdict.identifiers == (Identifier(MRN, "\u00e9"), Identifier(MRN, "42"))


def test_the_path_of_a_listed_identifier_names_its_place() -> None:
    entries = [{"system": MRN, "value": "a"}, {"system": MRN, "value": ""}]
    verdict = admit(plan(), SYSTEMS, call(changed(patient_identifier=entries)))
    assert isinstance(verdict, Rejected)
    assert verdict.reasons[0].path == "$.patient_identifier[1]"


def test_mapped_identifiers_replace_the_one_at_the_root() -> None:
    mapped = webhook(
        identifiers=(
            MappedIdentifier(JsonPath("$.subject.mrn"), MRN),
            MappedIdentifier(JsonPath("$.subject.id.value"), JsonPath("$.subject.id.system")),
        )
    )
    subject = {"mrn": "A-1", "id": {"system": MRN, "value": "A-2"}}
    verdict = accepted(admit(plan(mapped), SYSTEMS, call(changed(subject=subject))))
    assert verdict.identifiers == (Identifier(MRN, "A-1"), Identifier(MRN, "A-2"))
    missing = admit(plan(mapped), SYSTEMS, call(changed(subject={"id": {"value": "A-2"}})))
    assert isinstance(missing, Rejected)
    assert [(r.code, r.path) for r in missing.reasons] == [
        (ReasonCode.NO_MATCH, "$.subject.mrn"),
        (ReasonCode.NO_MATCH, "$.subject.id.system"),
    ]


def key_of(headers: dict[str, str] | None = None, payload: Any = PAYLOAD, **source: Any) -> str:
    hook = webhook(start_key=StartKeySource(**source))
    return accepted(admit(plan(hook), SYSTEMS, call(payload, headers=headers))).start_key


def test_the_start_key_comes_from_the_first_source_present() -> None:
    source = {"header": "x-github-delivery", "path": JsonPath("$.event")}
    with_event = changed(event="e-1")
    every = {"idempotency-key": "k", "webhook-id": "w", "x-github-delivery": "g"}
    keys = [
        key_of(every, with_event, **source),
        key_of({"webhook-id": "w", "x-github-delivery": "g"}, with_event, **source),
        key_of({"x-github-delivery": "g"}, with_event, **source),
        key_of({}, with_event, **source),
        key_of({}, PAYLOAD, **source),
    ]
    assert len(set(keys)) == 5
    assert keys[0] == key_of({"idempotency-key": "k"})
    assert keys[3] == key_of({"x-other": "1"}, with_event, **source)
    assert keys[4] == call().request_id


def test_a_start_key_depends_on_the_webhooks_salt_and_hides_the_senders_value() -> None:
    sent = call(headers={"idempotency-key": "MRN-004217"})
    keys = [accepted(admit(plan(webhook(salt=salt)), SYSTEMS, sent)).start_key for salt in (b"salt one", b"salt two")]
    assert keys[0] != keys[1]
    assert not any("004217" in key for key in keys)


@pytest.mark.parametrize(
    ("headers", "payload"),
    [
        ({"idempotency-key": " "}, PAYLOAD),
        ({"idempotency-key": "x" * 513}, PAYLOAD),
        ({}, changed(event={"id": 1})),
        ({}, changed(event=1.5)),
        ({}, changed(event="")),
    ],
)
def test_a_start_key_that_cannot_be_used_is_refused(headers: dict[str, str], payload: Any) -> None:
    hook = webhook(start_key=StartKeySource(path=JsonPath("$.event")))
    verdict = admit(plan(hook), SYSTEMS, call(payload, headers=headers))
    assert codes(verdict) == [ReasonCode.MALFORMED_START_KEY]


def test_a_start_key_path_with_several_matches_is_refused() -> None:
    hook = webhook(start_key=StartKeySource(path=JsonPath("$.ids[*]")))
    assert codes(admit(plan(hook), SYSTEMS, call(changed(ids=[1, 2])))) == [ReasonCode.MALFORMED_START_KEY]


CANARY = "CANARY-7f3a9"

canary_texts = st.sampled_from([CANARY, f" {CANARY}\u200b", f"https://{CANARY}.example", f"+{CANARY}", ""])
any_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | canary_texts,
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "system", "value", CANARY]), children, max_size=3)
    ),
    max_leaves=8,
)
payloads = any_json | st.fixed_dictionaries(
    {},
    optional={
        "surgery": any_json | st.fixed_dictionaries({"date": any_json}),
        "patient": st.fixed_dictionaries({"name": any_json}),
        "pain": any_json,
        "consent": any_json,
        "event": any_json,
        "patient_identifier": any_json | st.fixed_dictionaries({"system": any_json, "value": any_json}),
    },
)


@given(payloads, st.booleans())
def test_admit_answers_any_json_and_no_reason_holds_a_value(payload: Any, is_test: bool) -> None:
    hook = webhook(
        mapping={"surgery_date": "$.surgery.date", "patient_name": "$..name", "pain_score": "$.pain"},
        start_key=StartKeySource(path=JsonPath("$.event")),
    )
    verdict = admit(plan(hook), SYSTEMS, call(payload, is_test=is_test))
    if isinstance(verdict, Rejected):
        assert verdict.reasons
        assert CANARY not in json.dumps([reason.as_dict() for reason in verdict.reasons])
    else:
        assert {value.data_point_definition_id for value in verdict.data_points} >= {"surgery_date", "patient_name"}
    assert CANARY not in repr(verdict)


@given(st.binary(max_size=64), st.sampled_from(["application/json", "", "application/x-www-form-urlencoded"]))
def test_admit_answers_any_bytes(body: bytes, content_type: str) -> None:
    admit(plan(), SYSTEMS, call(body=body, content_type=content_type))


@given(payloads)
def test_the_verdict_on_equal_calls_is_equal(payload: Any) -> None:
    sent = call(body=orjson.dumps(payload))
    assert admit(plan(), SYSTEMS, sent) == admit(plan(), SYSTEMS, sent)
