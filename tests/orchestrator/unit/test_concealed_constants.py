"""Concealed constants: named in API calls alone, and filled in only when a call is made."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.values import ValueType
from carewire_orchestrator.adapters.store.api_calls import _read, _written
from carewire_orchestrator.domain.api_requests import MAX_URL, HttpRequest, blanks_of, request_of
from carewire_orchestrator.domain.care_flow import Letter, Reason
from carewire_orchestrator.domain.care_flow_document import write_care_flow
from carewire_orchestrator.domain.effects import NoteWritten
from carewire_orchestrator.domain.given_values import GivenValue
from carewire_orchestrator.domain.orders import ApiCallRequested, Blank
from carewire_orchestrator.domain.texts import fill_around, in_json, in_url, plain
from carewire_orchestrator.domain.validate import validate
from carewire_orchestrator.domain.validate_concealed import unset_problems
from carewire_testing_orchestrator.definitions import FORM, checklist, definition, designed, point, release, track
from carewire_testing_orchestrator.playing import Played

KEY = Blank("KEY")
CONSTANTS = [
    {"name": "BASE", "value": "https://ehr.example/v1"},
    {"name": "CLINIC", "value": "North"},
    {"name": "KEY", "concealed": True},
]
SAID = {"name": "said", "data_point_definition_id": "dp_said"}
CALL: dict[str, Any] = {
    "id": "call",
    "title": "Call",
    "type": "api_call",
    "method": "POST",
    "url": "https://ehr.example/{{said}}?key={{KEY}}",
    "headers": [{"name": "Authorization", "value": "Bearer {{ KEY }}"}, {"name": "x-said", "value": "{{said}}"}],
    "body": '{"key": "{{KEY}}", "said": "{{said}}"}',
    "dynamic_variables": [SAID],
}


def text(definition_id: str, value: str) -> GivenValue:
    return GivenValue(definition_id, ValueType.STRING, value)


def calling(**changes: Any) -> dict[str, Any]:
    """A definition with an API call, and somebody who does the rest."""
    return acting({**CALL, **changes})


def acting(action: dict[str, Any], **more: Any) -> dict[str, Any]:
    steps = {"a": [{"id": "act", "title": "Act", **action}, checklist("rest")]}
    points = [point("dp_said", "string"), point("dp_sum", category="calculation")]
    whole = designed(track("t", steps, [("start", "a")]), data_points=points, settings={"constants": CONSTANTS})
    return {**whole, **more}


def asked(document: dict[str, Any], said: str = "a b") -> ApiCallRequested:
    """What a care flow asks for."""
    (order,) = Played(release(document), text("dp_said", said)).orders
    assert isinstance(order, ApiCallRequested)
    return order


# What a care flow asks for


def test_what_is_asked_for_has_a_blank_where_a_value_belongs() -> None:
    order = asked(calling())
    assert order.url == ("https://ehr.example/a%20b?key=", KEY)
    assert order.headers == (("Authorization", ("Bearer ", KEY)), ("x-said", ("a b",)))
    assert order.body == ('{"key": "', KEY, '", "said": "a b"}')
    assert blanks_of(order) == {"KEY"}
    assert blanks_of(asked(calling(url="https://ehr.example", headers=[], body=None))) == frozenset()


@given(
    said=st.sampled_from(["{{KEY}}", "{{ KEY }}", "}}{{KEY}}{{"]) | st.text(st.characters(codec="ascii"), max_size=20)
)
def test_no_value_that_somebody_gives_can_make_a_blank(said: str) -> None:
    for escape in (plain, in_url, in_json):
        parts = fill_around("{{said}} {{KEY}} {{said}}", {"said": said}, escape, {"KEY"})
        assert [part for part in parts if isinstance(part, Blank)] == [KEY]
        assert "".join(part for part in parts if isinstance(part, str)) == f"{escape(said)}  {escape(said)}"


def test_a_variable_of_the_same_name_is_meant_and_no_constant() -> None:
    order = asked(calling(dynamic_variables=[SAID, {"name": "KEY", "data_point_definition_id": "dp_said"}]))
    assert blanks_of(order) == frozenset()
    assert order.body == ('{"key": "a b", "said": "a b"}',)


def test_an_address_that_is_a_constant_stands_as_it_is_at_the_beginning_of_a_url_alone() -> None:
    order = asked(calling(url="{{BASE}}/labs?of={{BASE}}&key={{KEY}}"))
    base = "https%3A%2F%2Fehr.example%2Fv1"
    assert order.url == ("https://ehr.example/v1", f"/labs?of={base}&key=", KEY)
    shadowed = [SAID, {"name": "BASE", "data_point_definition_id": "dp_said"}]
    assert asked(calling(url="{{BASE}}/labs", dynamic_variables=shadowed)).url == ("a%20b/labs",)
    assert asked(calling(url="{{said}}/labs")).url == ("a%20b/labs",)
    assert asked(calling(url="{{KEY}}/labs")).url == (KEY, "/labs"), "that is not published, and fails if it were"


# What is sent


def test_a_value_is_escaped_for_the_place_that_it_stands_in() -> None:
    request = request_of(asked(calling()), {"KEY": 'a&b"c d'})
    assert request == HttpRequest(
        idempotency_key=asked(calling()).activity_id,
        method="POST",
        url="https://ehr.example/a%20b?key=a%26b%22c%20d",
        headers=(("Authorization", 'Bearer a&b"c d'), ("x-said", "a b")),
        body=r'{"key": "a&b\"c d", "said": "a b"}',
    )
    assert "a&b" not in repr(request)


def test_a_call_without_blanks_or_body_needs_no_value() -> None:
    order = asked(calling(method="GET", url="https://ehr.example", headers=[], body=None))
    assert request_of(order, {}) == HttpRequest(order.activity_id, "GET", "https://ehr.example", (), None)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({}, Reason.CONSTANT_UNAVAILABLE),
        ({"OTHER": "x"}, Reason.CONSTANT_UNAVAILABLE),
        ({"KEY": "é"}, Reason.UNSUITABLE_REQUEST),
        ({"KEY": "a\r\nx-admin: 1"}, Reason.UNSUITABLE_REQUEST),
        ({"KEY": "x" * MAX_URL}, Reason.UNSUITABLE_REQUEST),
    ],
    ids=["no value", "another's value", "not ASCII", "line break", "too long"],
)
def test_a_call_whose_request_cannot_be_made_has_a_reason(values: dict[str, str], reason: Reason) -> None:
    assert request_of(asked(calling()), values) is reason


def test_a_secret_of_dots_does_not_choose_what_is_called() -> None:
    order = asked(calling(url="https://ehr.example/labs/.{{KEY}}/of"))
    assert request_of(order, {"KEY": "."}) is Reason.UNSUITABLE_REQUEST
    assert isinstance(request_of(order, {"KEY": "well-known"}), HttpRequest)


# What is kept


@pytest.mark.parametrize(
    ("parts", "written"),
    [
        ((), ""),
        (("a",), "a"),
        (("a", "b"), "ab"),
        (("a", KEY), ["a", {"concealed": "KEY"}]),
        ((KEY,), [{"concealed": "KEY"}]),
    ],
)
def test_a_text_is_kept_with_the_names_of_its_blanks(parts: Any, written: Any) -> None:
    assert _written(parts) == written
    assert "".join(map(str, _read(written))) == "".join(map(str, parts))


def test_a_care_flow_keeps_nothing_of_what_it_asked_for() -> None:
    kept = write_care_flow(Played(release(calling()), text("dp_said", "a")).care_flow)
    assert "KEY" not in kept
    assert "Bearer" not in kept


def test_a_definition_that_was_never_validated_shows_a_placeholder_and_no_value() -> None:
    message = {"type": "message", "subject": "{{KEY}}", "body": "{{CLINIC}}"}
    assert Played(release(acting(message))).activity("act").letter == Letter("{{KEY}}", "North")
    note = {"type": "clinical_note", "narratives": [{"id": "n", "key": "n", "title": "N", "body": "{{KEY}}"}]}
    (written,) = [one for one in Played(release(acting(note))).effects if isinstance(one, NoteWritten)]
    assert written.narratives == (("n", "{{KEY}}"),)


# What is published

RULE = {"all": [{"reference": "dp_said", "operator": "is_equal_to", "operand": "{{KEY}}"}]}
LAB: dict[str, Any] = {"method": "GET", "body": None, "headers": []}


def settings(**constants: str) -> dict[str, Any]:
    """Settings with the concealed constant and these."""
    named = [{"name": name, "value": value} for name, value in constants.items()]
    return {"constants": [{"name": "KEY", "concealed": True}, *named]}


def ruled(document: dict[str, Any]) -> dict[str, Any]:
    """The definition with rules that name the constant wherever one can stand."""
    changed = deepcopy(document)
    changed["forms"] = [deepcopy(FORM)]
    changed["forms"][0]["questions"][0]["rule"] = RULE
    changed["tracks"][0]["transitions"][0]["rule"] = RULE
    changed["triggers"][0]["settings"]["rule"] = RULE
    return changed


EXPOSED: dict[str, tuple[dict[str, Any], list[str], str]] = {
    "in a message": (
        acting({"type": "message", "subject": "S {{KEY}}", "body": "{{ KEY }}"}),
        ["act"],
        "the concealed constant KEY would be shown here",
    ),
    "in a clinical note": (
        acting(
            {
                "type": "clinical_note",
                "narratives": [{"id": "n", "key": "n", "title": "N", "body": ""}],
                "context": [{"key": "k", "value": "{{KEY}}"}],
            }
        ),
        ["act"],
        "the concealed constant KEY would be shown here",
    ),
    "in a calculation": (
        acting({"type": "calculation", "expression": "KEY == 1", "output_data_point_definition_id": "dp_sum"}),
        ["act"],
        "the concealed constant KEY would be shown here",
    ),
    "in rules": (ruled(calling(**LAB)), ["answer", "t-0", "trg-t"], "the concealed constant KEY would be shown here"),
    "in the title of an API call": (
        calling(title="With {{KEY}}"),
        ["call"],
        "the concealed constant KEY would be shown here",
    ),
    "as the host": (
        calling(url="https://{{KEY}}.example/"),
        ["call"],
        "the concealed constant KEY stands where the host of the URL belongs",
    ),
    "as the whole address": (
        calling(url="{{KEY}}"),
        ["call"],
        "the concealed constant KEY stands where the host of the URL belongs",
    ),
    "behind an address without a path": (
        {**calling(url="{{BASE}}{{KEY}}"), "settings": settings(BASE="https://ehr.example")},
        ["call"],
        "the concealed constant KEY stands where the host of the URL belongs",
    ),
    "for a host that a value decides behind an address without one": (
        {**calling(url="{{BASE}}/{{said}}?key={{KEY}}"), "settings": settings(BASE="https:/")},
        ["call"],
        "the value of said would decide who gets KEY",
    ),
    "for a host that a value decides": (
        calling(url="https://{{said}}.example/", body=None),
        ["call"],
        "the value of said would decide who gets KEY",
    ),
}


@pytest.mark.parametrize(("document", "nodes", "message"), list(EXPOSED.values()), ids=EXPOSED)
def test_a_definition_that_would_show_a_concealed_constant_is_refused(
    document: dict[str, Any], nodes: list[str], message: str
) -> None:
    found = [one for one in validate(definition(document)) if one.code == "EXPOSED_SECRET"]
    assert [(one.severity, one.node_id) for one in found] == [("ERROR", node) for node in nodes]
    for one in found:
        assert one.message.startswith(message)
        assert ";" in one.message, "with a remedy"


FINE = {
    "a call": calling(),
    "in the path": calling(url="https://hooks.example/{{KEY}}/{{said}}"),
    "in the query of a constant address": calling(url="{{BASE}}/labs?key={{KEY}}"),
    "behind an address with a path": calling(url="{{BASE}}{{KEY}}"),
    "in a fragment, without a path": calling(url="https://ehr.example#{{KEY}}"),
    "a host by a value that gets no secret": calling(url="https://{{said}}.example/", body=None, headers=[]),
    "a constant that is not concealed": acting({"type": "message", "subject": "{{CLINIC}}", "body": ""}),
    "a variable of that name": acting(
        {
            "type": "message",
            "subject": "{{KEY}}",
            "body": "",
            "dynamic_variables": [{"name": "KEY", "data_point_definition_id": "dp_said"}],
        }
    ),
    "an input of that name": acting(
        {
            "type": "calculation",
            "expression": "count(KEY)",
            "inputs": [{"name": "KEY", "data_point_definition_id": "dp_said"}],
            "output_data_point_definition_id": "dp_sum",
        }
    ),
    "a function of that name": acting(
        {"type": "calculation", "expression": "max(1)", "output_data_point_definition_id": "dp_sum"},
        settings={"constants": [{"name": "max", "concealed": True}]},
    ),
    "another kind of action": acting({"type": "stop_care_flow", "reason": "R"}),
}


@pytest.mark.parametrize("document", list(FINE.values()), ids=FINE)
def test_a_concealed_constant_in_a_request_alone_can_be_published(document: dict[str, Any]) -> None:
    assert validate(definition(document)) == []


# Secrets that are written out


def header(name: str, value: str) -> dict[str, Any]:
    return calling(headers=[{"name": name, "value": value}])


@pytest.mark.parametrize(
    "name",
    [
        *("Authorization", "Proxy-Authorization", "X-Api-Key", "apikey", "api_key", "x-apikey", "X-Auth-Token"),
        *("PRIVATE-TOKEN", "token", "x-access-key", "Ocp-Apim-Subscription-Key", "X-Client-Secret", "Cookie"),
        *("x-auth", "x-password", "x-accesstoken"),
    ],
)
def test_a_secret_that_seems_to_be_written_out_is_warned_of(name: str) -> None:
    for value in ("Bearer abc", "{{CLINIC}}"):
        (problem,) = validate(definition(header(name, value)))
        assert (problem.code, problem.severity, problem.node_id) == ("EXPOSED_SECRET", "WARNING", "call")
        assert f"the header {name} seems to hold a secret" in problem.message
        assert problem.message.endswith("take a concealed constant, as in settings.constants")
        assert "abc" not in problem.message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Authorization", "Bearer {{KEY}}"),
        ("Authorization", "{{CLINIC}} {{KEY}}"),
        ("Authorization", "Bearer {{said}}"),
        ("Authorization", ""),
        *((name, "abc") for name in ("Content-Type", "x-author", "Idempotency-Key", "x-keyword", "tokenizer")),
    ],
)
def test_a_header_without_a_secret_that_stands_there_is_no_matter(name: str, value: str) -> None:
    assert validate(definition(header(name, value))) == []


def test_a_variable_that_is_called_like_a_constant_holds_no_secret_that_stands_there() -> None:
    shadowed = [SAID, {"name": "CLINIC", "data_point_definition_id": "dp_said"}]
    document = calling(headers=[{"name": "token", "value": "{{CLINIC}}"}], dynamic_variables=shadowed)
    assert validate(definition(document)) == []


# Values that are not set


def test_a_concealed_constant_without_a_value_here_is_warned_of() -> None:
    (problem,) = unset_problems(definition(calling()), frozenset())
    assert (problem.code, problem.severity, problem.node_id) == ("MISSING_VALUE", "WARNING", "d")
    assert problem.message.endswith("set it by PUT /v1/definitions/d/constants/KEY")
    assert list(unset_problems(definition(calling()), {"KEY"})) == []
